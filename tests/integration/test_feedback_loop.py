"""The loop of feedback: an idea is voted on, shipped, measured, opened again, closed, and told of; with its figures."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.client import Api, foreign, refused, someone
from tests.integration.conftest import System, on_each_log
from tests.integration.loops import MET, MISSED, Loops, touchpoint

COMPLAINT = "rapport.interactions.complaint.lodged.v1"
SUBMITTED_AT, ANSWERED_AT, SHIPPED_AT = "2026-03-02T10:00:00Z", "2026-03-04T22:00:00Z", "2026-03-31T23:59:59.999999Z"
LAST_DAY, DAY_AFTER = "2026-03-31T23:59:59Z", "2026-04-01T00:00:00Z"
STAFF = {"kind": "staff", "id": "agent-7"}
NONE_MEASURED = {"measured": 0, "met": 0, "value": []}


@pytest.fixture(scope="module")
def api(system: System) -> Iterator[Api]:
    made = Api(system)
    yield made
    made.close()
    verified = system.run("verify", "feedback")
    assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.fixture(scope="module")
def loops(api: Api) -> Loops:
    return Loops(api)


class Story:
    """Two ideas on a board: Ada stands behind both, under two names, Bob behind the first, and Eve behind the second.

    Bob and Eve are names that nobody has registered.
    """

    def __init__(self, loops: Loops) -> None:
        api, self.loops = loops.api, loops
        self.ada, self.adas_mail, self.bob, self.eve = someone(), f"email:{someone()[4:]}@x.org", someone(), someone()
        self.touchpoint, self.board = touchpoint(), api.opened()
        self.first = api.submitted(self.board, self.ada, touchpoint=self.touchpoint, time=SUBMITTED_AT)
        self.second = api.submitted(self.board, self.bob, touchpoint=self.touchpoint, time=SUBMITTED_AT)
        for idea, voter in ((self.first, self.ada), (self.first, self.adas_mail), (self.first, self.bob)):
            api.voted(idea, voter)
        for voter in (self.adas_mail, self.eve):
            api.voted(self.second, voter)
        api.voted(self.second, self.bob)
        loops.withdrawn(self.second, self.bob)
        self.person = api.registered(self.ada)
        api.merged(self.person, api.registered(self.adas_mail))

    def figures(self, **params: Any) -> Any:
        """Of the touchpoint, which has one board: its one item says what the total says."""
        found = self.loops.figures(touchpoint=self.touchpoint, **params)
        (item,) = found["items"]
        assert item == {"board": self.board, "touchpoint": self.touchpoint, **found["total"]}
        return found["total"]

    def statuses(self) -> list[str]:
        return [self.loops.api.idea(idea)["status"] for idea in (self.first, self.second)]


@on_each_log
def test_the_whole_loop(api: Api, loops: Loops) -> None:
    story = Story(loops)
    assert story.figures()["votes"] == {"delivered": 0, "open": 4, "share_delivered": 0.0}
    change = loops.linked(story.first, story.second, description="From the carrier's calendar")
    assert [api.idea(idea)["changes"] for idea in (story.first, story.second)] == [[change], [change]]
    refused(loops.take(change, "outcomes", **MET), 409, "change_not_shipped")
    assert loops.took(change, "shipment", note="on the website")["status"] == "shipped"
    assert story.statuses() == ["shipped", "shipped"]
    assert story.figures()["votes"] == {"delivered": 4, "open": 0, "share_delivered": 1.0}

    missed = loops.took(change, "outcomes", **MISSED, value_minor=1_000, cost_minor=5, currency="EUR")
    assert (missed["status"], missed["outcomes"][0]["is_met"]) == ("measured", False)
    refused(loops.take(change, "closing", text="so be it"), 409, "target_missed")
    value = {"currency": "EUR", "value_minor": 1_000, "cost_minor": 5, "value_per_delivered_idea_minor": 498}
    assert story.figures()["outcomes"] == {"delivered_ideas": 2, "measured": 1, "met": 0, "value": [value]}

    assert loops.took(change, "reopening", reason="as many calls as before")["status"] == "reopened"
    assert story.statuses() == ["in_progress", "in_progress"]
    figures = story.figures()
    assert figures["votes"] == {"delivered": 0, "open": 4, "share_delivered": 0.0}
    assert figures["outcomes"]["value"] == [value | {"value_per_delivered_idea_minor": None}]

    loops.took(change, "shipment")
    met = loops.took(change, "outcomes", **MET, value_minor=1_005, currency="EUR")
    assert [outcome["is_met"] for outcome in met["outcomes"]] == [False, True]
    refused(loops.take(change, "reopening", reason="why not"), 409, "target_met")
    closed = loops.took(change, "closing", text="You see the day before you pay")
    turns = "linked", "shipped", "measured", "reopened", "shipped", "measured", "closed"
    assert [turn["status"] for turn in closed["history"]] == list(turns)
    assert (closed["status"], closed["version"]) == ("closed", 7)
    assert story.statuses() == ["measured", "measured"]
    value = {"currency": "EUR", "value_minor": 1_005, "cost_minor": 0, "value_per_delivered_idea_minor": 502}
    assert story.figures()["outcomes"] == {"delivered_ideas": 2, "measured": 1, "met": 1, "value": [value]}


@on_each_log
def test_each_beneficiary_is_told_once(api: Api, loops: Loops) -> None:
    story = Story(loops)
    change = loops.linked(story.first, story.second)
    refused(loops.tell(change, story.ada), 409, "change_not_shipped")
    loops.took(change, "shipment")
    everybody = loops.beneficiaries(change, limit=1)
    assert [each["contact"] for each in everybody] == sorted(each["contact"] for each in everybody)
    found = {tuple(each["names"]): each for each in everybody}
    ada, bob, eve = found.pop(tuple(sorted([story.ada, story.adas_mail]))), found.pop((story.bob,)), found[(story.eve,)]
    assert len(everybody) == 3
    assert ada == {
        "contact": story.person, "names": sorted([story.ada, story.adas_mail]), "stance": "up", "credits": 0,
        "registered": True, "notified_at": None,
    }  # fmt: skip
    assert (bob["registered"], eve["registered"]) == (False, False)

    with api.stores(1):
        response = loops.tell(change, story.adas_mail, text="Here it is", time=DAY_AFTER, actor=STAFF)
    assert response.status_code == 201, response.text
    told = response.json()
    assert told == {
        "change": change, "contact": story.person, "channel": "email", "notified_at": DAY_AFTER,
        "recorded_at": told["recorded_at"], "position": told["position"],
    }  # fmt: skip
    with api.stores(0):
        again = loops.tell(change, story.ada, channel="telephone")
    assert (again.status_code, again.json()) == (200, told)
    assert loops.tell(change, eve["contact"]).status_code == 201
    told_at = {each["contact"]: each["notified_at"] for each in loops.beneficiaries(change)}
    assert (told_at[story.person], told_at[bob["contact"]]) == (DAY_AFTER, None)
    assert told_at[eve["contact"]] is not None

    token = api.system.position()
    (entry,) = [item for item in api.page(story.ada, min_position=token)["items"] if "notified" in item["type"]]
    assert (entry["event_id"], entry["occurred_at"]) == (_event_id(api, response), DAY_AFTER)
    refused(loops.tell(change, someone()), 404, "contact_unknown")
    refused(loops.tell(change, api.registered(someone())), 409, "not_a_beneficiary")


def _event_id(api: Api, response: Any) -> str:
    """Of the event that stands at an answer's position."""
    items = api.page(response.json()["contact"], min_position=api.system.position())["items"]
    return next(str(item["event_id"]) for item in items if item["position"] == response.json()["position"])


@on_each_log
def test_the_figures_of_answers_promises_voice_and_harm(api: Api, loops: Loops) -> None:
    story = Story(loops)
    loops.answer(story.first, "We are asking the carriers", time=ANSWERED_AT)
    loops.answer(story.first, "Soon")
    for _ in range(2):
        loops.set(story.first, "planned", promised_for="2026-03-31")
    assert story.figures(as_of=LAST_DAY)["promises"] == {"kept": 0, "broken": 0, "open": 1, "share_kept": None}
    assert story.figures(as_of=DAY_AFTER)["promises"] == {"kept": 0, "broken": 1, "open": 0, "share_kept": 0.0}
    loops.took(loops.linked(story.first), "shipment", time=SHIPPED_AT)

    comment = loops.commented(story.first, story.eve)
    loops.commented(story.first, actor=STAFF, reply_to=comment)
    removed = loops.commented(story.second, someone())
    assert loops.remove(removed, reason="abuse").status_code == 204
    lodged = (foreign(name, type=COMPLAINT, data=_complaint(story, severity)) for name, severity in _complaints(story))
    token = api.posted(*lodged)

    found = story.figures(min_position=token)
    assert found == {
        "votes": {"delivered": 2, "open": 2, "share_delivered": 0.5},
        "answers": {"ideas": 2, "answered": 1, "median_days_to_first_answer": 2.5},
        "promises": {"kept": 1, "broken": 0, "open": 0, "share_kept": 1.0},
        "outcomes": {"delivered_ideas": 1, **NONE_MEASURED},
        "voice": {"people": 4, "ideas": 2, "comments": 2},
        "harm": {"complaints": 3, "people": 2, "mean_severity": 3.0},
    }
    of_board = loops.figures(board=story.board)
    assert of_board["total"] == found | {"harm": None}
    assert [item["harm"] for item in of_board["items"]] == [None]


def _complaints(story: Story) -> list[tuple[str, int]]:
    return [(story.ada, 2), (story.adas_mail, 5), (story.bob, 2)]


def _complaint(story: Story, severity: int) -> dict[str, Any]:
    return {"complaint": someone(), "touchpoint": story.touchpoint, "severity": severity}


def test_merged_ideas_count_where_they_lead(api: Api, loops: Loops) -> None:
    story = Story(loops)
    other = api.submitted(story.board, someone(), touchpoint=touchpoint())
    loops.commented(story.second, story.eve)
    loops.merge(story.second, other)
    loops.merge(story.first, other)
    found = loops.figures(board=story.board)
    (item,) = found["items"]
    assert (item["touchpoint"], item["answers"]["ideas"]) == (api.idea(other)["touchpoint"], 1)
    assert item["votes"] == {"delivered": 0, "open": 3, "share_delivered": 0.0}
    assert item["voice"] == {"people": 4, "ideas": 1, "comments": 1}
    change = loops.shipped(story.first)
    assert len(loops.beneficiaries(change)) == 3, "it answers all that its idea was merged with"
    assert loops.figures(touchpoint=story.touchpoint)["items"] == []


def test_a_change_counts_once_where_its_first_idea_stands(api: Api, loops: Loops) -> None:
    board, places = api.opened(), [touchpoint(), touchpoint()]
    ideas = [api.submitted(board, someone(), touchpoint=place) for place in places]
    change = loops.shipped(*reversed(ideas))
    loops.took(change, "outcomes", **MET, value_minor=7, currency="JPY")
    found = loops.figures(board=board)
    measured = {item["touchpoint"]: item["outcomes"]["measured"] for item in found["items"]}
    assert measured == {places[0]: 0, places[1]: 1}
    (value,) = found["total"]["outcomes"]["value"]
    assert value == {"currency": "JPY", "value_minor": 7, "cost_minor": 0, "value_per_delivered_idea_minor": 4}


def test_figures_of_what_is_not_there(loops: Loops) -> None:
    found = loops.figures(board="0198b1f2-5c1e-8c3a-9d6b-1f0a52c7e4d1", as_of="2026-03-02T11:00:00+01:00")
    assert (found["as_of"], found["items"], found["total"]["harm"]) == ("2026-03-02T11:00:00+01:00", [], None)
    for params in ({"board": "x"}, {"touchpoint": "stoer"}, {"as_of": "2026-03-02"}, {"status": "x"}):
        refused(loops.get("/v1/loop", **params), 400, "bad_parameter", *params)
