"""The part of the demo where customers say what should change: told again, every command is that of the first time."""

from urllib.parse import quote

from services.cli.demo_story import Story
from services.cli.tables import say

ADA, MAIL, CARD = "crm:demo-ada", "email:ada@demo.example", "loyalty:demo-77"
BROOK, GRACE = "crm:demo-brook", "email:grace@demo.example"
AGENT = {"kind": "staff", "id": "agent-7"}
WORKSHOP = {"kind": "staff", "id": "head-of-workshop"}


def customers_are_heard(story: Story) -> list[str]:
    """What to look at afterwards, as paths of feedback."""
    board = story.tell(
        "/v1/boards", title="What should our workshop do better?", ballot={"kind": "up_down"},
        time="2025-03-01T08:00:00Z",
    )["id"]  # fmt: skip
    week, dates, saturdays = _ideas_come_in(story, board)
    _people_vote(story, week, dates, saturdays)
    _ideas_are_merged(story, dates, week)
    _the_company_answers(story, week)
    return [
        f"/v1/ideas?board={board}&sort=top",
        f"/v1/ideas/similar?title={quote('delivery dates')}",
        f"/v1/votes?idea={week}",
        f"/v1/votes?voter={MAIL}",
    ]


def _ideas_come_in(story: Story, board: str) -> tuple[str, str, str]:
    say("6. A board is opened, and customers say what should change", style="bold")
    week = story.tell(
        "/v1/ideas", board=board, contact=ADA, title="Say the delivery week before I pay", touchpoint="website",
        value_factor="information", actor=AGENT, interaction="demo-call-1", time="2025-03-05T14:03:00Z",
    )  # fmt: skip
    say(f"   Ada, on the telephone; {AGENT['id']} enters it for her: {week['title']}")
    dates = story.tell(
        "/v1/ideas", board=board, contact=GRACE, title="Delivery dates in the catalogue", touchpoint="marketing",
        value_factor="information", interaction="demo-mail-2", time="2025-04-14T07:50:00Z",
    )  # fmt: skip
    say(f"   Grace, whom nobody has registered: {dates['title']}")
    saturdays = story.tell(
        f"/v1/boards/{board}/proposals", title="Deliver on Saturdays, for 20 GBP", touchpoint="service",
        actor=WORKSHOP, time="2025-04-15T09:00:00Z",
    )  # fmt: skip
    say(f"   The company itself puts to the vote: {saturdays['title']}\n")
    return week["id"], dates["id"], saturdays["id"]


def _people_vote(story: Story, week: str, dates: str, saturdays: str) -> None:
    say("7. They vote, by whatever name they go", style="bold")
    _vote(story, week, ADA, "up", "2025-03-05T14:04:00Z")
    _vote(story, week, BROOK, "up", "2025-03-07T19:30:00Z")
    _vote(story, dates, GRACE, "up", "2025-04-14T07:51:00Z")
    _vote(story, dates, MAIL, "up", "2025-04-16T20:10:00Z")
    _vote(story, saturdays, CARD, "up", "2025-04-17T12:00:00Z")
    _vote(story, saturdays, BROOK, "down", "2025-04-17T18:45:00Z")
    say(f"   Ada for the first by {ADA}, and for the second by {MAIL}: she is one person.\n")


def _vote(story: Story, idea: str, voter: str, stance: str, time: str) -> None:
    story.tell("/v1/votes", idea=idea, voter=voter, stance=stance, time=time)


def _ideas_are_merged(story: Story, idea: str, into: str) -> None:
    story.tell(f"/v1/ideas/{idea}/merge", into=into, reason="both want to know the day", time="2025-04-18T10:00:00Z")
    say("8. Two ideas say the same: they are merged", style="bold")
    say(f"   Each had 2 votes. Ada has voted for both, so {story.tally(into)['people']} people stand behind them.")
    say("   No vote moved: a merge is an edge between ideas.\n")


def _the_company_answers(story: Story, idea: str) -> None:
    say("9. The company answers", style="bold")
    text = "You are right: from May on the shop says the week of delivery."
    story.tell(f"/v1/ideas/{idea}/answers", text=text, actor=WORKSHOP, time="2025-04-22T09:00:00Z")
    story.tell(
        f"/v1/ideas/{idea}/status", status="planned", reason="the carrier tells us the week", actor=WORKSHOP,
        time="2025-04-22T09:05:00Z",
    )  # fmt: skip
    say(f"   {text}\n")
