"""Events of the feedback service."""

from typing import Final

from libs.events.catalog import feedback
from libs.events.catalog.table.row import Row

_BOARD: Final = "0198b1f3-77aa-7f10-a4c2-90b3d21e8f55"
_IDEA: Final = "0198b1f6-1b2c-7d3e-8f40-5a6b7c8d9e0f"
_OTHER: Final = "0198b1f6-2c3d-7e4f-9051-6b7c8d9e0f1a"
_MERGE: Final = "0198b1f6-3d4e-7f50-a162-7c8d9e0f1a2b"
_COMMENT: Final = "0198b1f6-4e5f-7061-b273-8d9e0f1a2b3c"
_CHANGE: Final = "0198b1f6-5f60-7172-8384-9e0f1a2b3c4d"
_CONTACT: Final = "0198b1f3-88bb-7a21-b5d3-a1c4e32f9066"

_OF_BOARD: Final = f"/feedback/boards/{_BOARD}"
_OF_IDEA: Final = f"/feedback/ideas/{_IDEA}"
_OF_MERGES: Final = f"{_OF_BOARD}/merges"
_OF_VOTER: Final = f"{_OF_BOARD}/voters/{_CONTACT}"
_OF_COMMENT: Final = f"/feedback/comments/{_COMMENT}"
_OF_CHANGE: Final = f"/feedback/changes/{_CHANGE}"
_STAFF: Final = {"kind": "staff", "id": "agent-7"}

DECISIONS: Final = (
    Row(
        "board.opened",
        feedback.BoardOpened,
        "A place for ideas was opened, with its rules of voting.",
        {
            "board": _BOARD,
            "title": "What should our shop do better?",
            "ballot": {"kind": "credits", "budget": 10, "cap": 3},
            "eligibility": {"kind": "namespace", "namespace": "crm"},
        },
        rule="A ballot of credits has a budget, and a cap that is no greater; `eligibility` has what its kind names.",
        source=_OF_BOARD,
        id=_BOARD,
        needs_subject=False,
    ),
    Row(
        "board.changed",
        feedback.BoardChanged,
        "A board was changed, opened again or closed.",
        {"board": _BOARD, "changes": {"status": {"from": "open", "to": "closed"}}, "reason": "the season is over"},
        source=_OF_BOARD,
        needs_subject=False,
    ),
    Row(
        "idea.submitted",
        feedback.IdeaSubmitted,
        "A customer said what should change.",
        {
            "idea": _IDEA,
            "title": "Show the delivery day before I pay",
            "text": "I want to be at home when it comes",
            "touchpoint": "website",
            "value_factor": "information",
            "tags": ["delivery"],
            "interaction": "call-118",
            "actor": _STAFF,
        },
        source=_OF_IDEA,
        id=_IDEA,
    ),
    Row(
        "proposal.published",
        feedback.ProposalPublished,
        "The company considers a change, and puts it to the vote.",
        {"idea": _OTHER, "title": "Deliver on Saturdays, for 2 EUR", "touchpoint": "service"},
        source=f"/feedback/ideas/{_OTHER}",
        id=_OTHER,
        needs_subject=False,
    ),
    Row(
        "idea.edited",
        feedback.IdeaEdited,
        "What an idea says was changed.",
        {"idea": _IDEA, "changes": {"title": {"from": "Show the day", "to": "Show the delivery day before I pay"}}},
        source=_OF_IDEA,
        needs_subject=False,
    ),
    Row(
        "idea.tagged",
        feedback.IdeaTagged,
        "An idea was given other tags.",
        {"idea": _IDEA, "tags": ["basket", "delivery"], "actor": _STAFF},
        source=_OF_IDEA,
        needs_subject=False,
    ),
    Row(
        "idea.status_changed",
        feedback.IdeaStatusChanged,
        "An idea went on its way, with a reason and perhaps a date that is promised.",
        {
            "idea": _IDEA,
            "from": "under_review",
            "to": "planned",
            "reason": "the carrier can tell us the day",
            "promised_for": "2026-06-30",
        },
        source=_OF_IDEA,
        needs_subject=False,
    ),
    Row(
        "idea.answered",
        feedback.IdeaAnswered,
        "The company answered an idea.",
        {"idea": _IDEA, "text": "Thank you: we are asking the carriers", "actor": _STAFF},
        source=_OF_IDEA,
        needs_subject=False,
    ),
    Row(
        "ideas.merged",
        feedback.IdeasMerged,
        "Two ideas were found to be about the same; votes stay where they were cast.",
        {"merge": _MERGE, "idea": _IDEA, "into": _OTHER, "reason": "both want to know the day"},
        rule="`merge` is the id of the event.",
        source=_OF_MERGES,
        id=_MERGE,
        needs_subject=False,
    ),
    Row(
        "ideas.unmerged",
        feedback.IdeasUnmerged,
        "Ideas that had been merged were found to be different.",
        {"merge": _MERGE, "idea": _IDEA, "into": _OTHER, "reason": "one is about collecting in the store"},
        source=_OF_MERGES,
        needs_subject=False,
    ),
    Row(
        "vote.cast",
        feedback.VoteCast,
        "A customer voted on an idea.",
        {"idea": _IDEA, "stance": "up", "credits": 3},
        source=_OF_VOTER,
    ),
    Row(
        "vote.changed",
        feedback.VoteChanged,
        "A customer changed their vote.",
        {"idea": _IDEA, "stance": "up", "credits": 1, "proxy": _STAFF},
        source=_OF_VOTER,
    ),
    Row(
        "vote.withdrawn",
        feedback.VoteWithdrawn,
        "A customer took their vote back.",
        {"idea": _IDEA, "reason": "not needed any more"},
        source=_OF_VOTER,
    ),
    Row(
        "vote.invalidated",
        feedback.VoteInvalidated,
        "A vote was found not to count.",
        {"idea": _IDEA, "reason": "cast by a script", "actor": _STAFF},
        source=_OF_VOTER,
    ),
    Row(
        "comment.posted",
        feedback.CommentPosted,
        "Somebody said something about an idea.",
        {"comment": _COMMENT, "idea": _IDEA, "text": "The hour would be better still"},
        source=_OF_COMMENT,
        id=_COMMENT,
        needs_subject=False,
    ),
    Row(
        "comment.removed",
        feedback.CommentRemoved,
        "A comment is shown no more.",
        {"comment": _COMMENT, "idea": _IDEA, "reason": "names another customer", "actor": _STAFF},
        source=_OF_COMMENT,
        needs_subject=False,
    ),
    Row(
        "change.linked",
        feedback.ChangeLinked,
        "A change was taken up that answers ideas, or more ideas were found that it answers.",
        {"change": _CHANGE, "title": "The delivery day in the basket", "ideas": [_IDEA]},
        source=_OF_CHANGE,
        id=_CHANGE,
        needs_subject=False,
    ),
    Row(
        "change.shipped",
        feedback.ChangeShipped,
        "Customers have the change.",
        {"change": _CHANGE, "ideas": [_IDEA], "note": "on the website; the app follows"},
        source=_OF_CHANGE,
        needs_subject=False,
    ),
    Row(
        "outcome.measured",
        feedback.OutcomeMeasured,
        "Whether a change helped was measured.",
        {
            "change": _CHANGE,
            "ideas": [_IDEA],
            "metric": "parcels that nobody was at home for",
            "baseline": 14.5,
            "target": 10,
            "actual": 8.2,
            "unit": "percent",
            "method": "all parcels of March against those of February",
            "n": 4120,
            "for_whom": "customer",
            "value_minor": 1250000,
            "cost_minor": 480000,
            "currency": "EUR",
        },
        rule="An amount has a currency, and a currency an amount.",
        source=_OF_CHANGE,
        needs_subject=False,
    ),
    Row(
        "loop.closed",
        feedback.LoopClosed,
        "What came of the ideas was said to those who asked.",
        {"change": _CHANGE, "ideas": [_IDEA], "text": "You asked for the delivery day: it is in the basket now"},
        source=_OF_CHANGE,
        needs_subject=False,
    ),
    Row(
        "loop.reopened",
        feedback.LoopReopened,
        "A change did not help enough, so its ideas are worked on again.",
        {"change": _CHANGE, "ideas": [_IDEA], "reason": "one parcel in ten still finds nobody"},
        source=_OF_CHANGE,
        needs_subject=False,
    ),
    Row(
        "beneficiary.notified",
        feedback.BeneficiaryNotified,
        "A customer who had voted was told what came of it.",
        {"change": _CHANGE, "ideas": [_IDEA], "channel": "email", "text": "The delivery day is in the basket now"},
        source=_OF_CHANGE,
    ),
)
