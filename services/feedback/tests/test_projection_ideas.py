"""Rows of ideas and proposals, whole."""

import json
from datetime import UTC, datetime
from functools import reduce
from typing import Any
from uuid import UUID

import pytest

from libs.events.fold import Fact, Row
from services.feedback.projection.ideas import fold_idea, idea_keys
from services.feedback.tests.facts import BOARD, IDEA, NODE, PROPOSAL, fact, said, sample

KEY = (UUID(IDEA),)
LISTS = ("tags", "changes", "answers", "history", "promises")
AT = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
AGENT = {"kind": "staff", "id": "agent-7"}
CHANGE = sample("change.linked")["data"]["change"]
CONVERSATION = "c41d9c8d-adb5-8ef5-9d5b-c383e9e127cf"
SUBMITTED: Row = {
    "id": UUID(IDEA),
    "board": UUID(BOARD),
    "version": 1,
    "partition": 4,
    "offset": 7,
    "occurred_at": AT,
    "recorded_at": datetime(2026, 3, 2, 12, 0, 0, 250_000, tzinfo=UTC),
    "node": UUID(NODE),
    "subject": "crm:4711",
    "actor": AGENT,
    "kind": "idea",
    "status": "submitted",
    "title": "Show the delivery day",
    "text": "I want to be at home when it comes",
    "touchpoint": "website",
    "value_factor": "information",
    "tags": ["delivery"],
    "interaction": CONVERSATION,
    "merge": None,
    "merged_into": None,
    "changes": [],
    "comments": 0,
    "answered_at": None,
    "shipped_at": None,
    "answers": [],
    "history": [{"status": "submitted", "at": "2026-03-02T10:30:00Z", "event_id": IDEA}],
    "promises": [],
}
SHOWN = {
    "id": IDEA,
    "board": BOARD,
    "kind": "idea",
    "status": "submitted",
    "title": "Show the delivery day",
    "touchpoint": "website",
    "value_factor": "information",
    "interaction": CONVERSATION,
    "merged_into": None,
    "comments": 0,
    "occurred_at": "2026-03-02T10:30:00Z",
    "recorded_at": "2026-03-02T12:00:00.250000Z",
    "answered_at": None,
    "shipped_at": None,
    "version": 1,
    "tags": ["delivery"],
    "changes": [],
    "author": {"contact": NODE, "name": "crm:4711"},
    "actor": AGENT,
    "position": "feedback/4/7",
}
IDEA_SUBMITTED = fact("idea.submitted")


def folded(*facts: Fact) -> Row:
    """The row with its JSON read; what lists show of it under `shown`."""
    row = reduce(lambda row, each: fold_idea(row, each, KEY), facts, None)
    assert row is not None
    read = {name: json.loads(row[name]) for name in LISTS} | {"actor": row["actor"] and json.loads(row["actor"])}
    return row | read | {"shown": json.loads(row["shown"] + "}")}


def after(*facts: Fact) -> Row:
    """What facts about a submitted idea change of its row, but for what lists show."""
    row = folded(IDEA_SUBMITTED, *facts)
    row.pop("shown")
    return {name: value for name, value in row.items() if value != SUBMITTED[name]}


def noted(name: str) -> dict[str, object]:
    event = sample(name)
    return {"at": event["time"], "event_id": event["id"]}


class TestSubmitted:
    def test_an_idea_is_submitted(self) -> None:
        assert folded(IDEA_SUBMITTED) == SUBMITTED | {"shown": SHOWN}

    def test_an_idea_of_which_little_is_said(self) -> None:
        event = sample("idea.submitted")
        data = {name: event["data"][name] for name in ("idea", "title", "touchpoint")}
        row = folded(said("idea.submitted", data))
        none = dict.fromkeys(("text", "value_factor", "interaction", "actor"))
        shown = dict.fromkeys(("value_factor", "interaction", "actor"))
        assert row == SUBMITTED | none | {"tags": [], "shown": SHOWN | shown | {"tags": []}}

    def test_the_name_is_kept_in_its_normal_form(self) -> None:
        row = folded(fact("idea.submitted", subject="email: Ada@X.org "))
        assert (row["subject"], row["shown"]["author"]) == (
            "email:ada@x.org",
            {"contact": NODE, "name": "email:ada@x.org"},
        )

    def test_a_proposal_is_nobodys(self) -> None:
        row = fold_idea(None, fact("proposal.published"), (UUID(PROPOSAL),))
        assert row is not None
        assert (row["kind"], row["node"], row["subject"], row["interaction"]) == ("proposal", None, None, None)
        shown = json.loads(row["shown"] + "}")
        assert (shown["author"], shown["actor"]) == (None, AGENT)

    def test_each_tag_is_kept_once(self) -> None:
        assert folded(fact("idea.submitted", data={"tags": ["b", "a", "b"]}))["tags"] == ["b", "a"]

    def test_submitting_it_again_changes_nothing(self) -> None:
        again = fact("idea.submitted", 9, data={"title": "Another"})
        assert folded(IDEA_SUBMITTED, again) == folded(IDEA_SUBMITTED)

    def test_what_was_decided_about_an_idea_that_nobody_submitted_has_no_row(self) -> None:
        for name in ("idea.edited", "idea.tagged", "idea.status_changed", "ideas.merged", "comment.posted"):
            assert fold_idea(None, fact(name), KEY) is None


class TestEdited:
    def test_what_it_says_is_changed(self) -> None:
        changed = after(fact("idea.edited", 8))
        assert changed == {"version": 2, "title": "Show the delivery day before I pay", "value_factor": None}

    @pytest.mark.parametrize(
        "change",
        [{"title": None}, {"title": 7}, {"touchpoint": None}, {"text": ["x"]}, {"value_factor": 1}, {"node": "x"}],
        ids=str,
    )
    def test_what_no_column_can_hold_is_left_out(self, change: dict[str, Any]) -> None:
        changes = {name: {"from": None, "to": value} for name, value in change.items()}
        assert after(fact("idea.edited", 8, data={"changes": changes})) == {"version": 2}

    def test_tags_are_those_of_the_last_event(self) -> None:
        assert after(fact("idea.tagged", 8)) == {"version": 2, "tags": ["basket", "delivery"]}
        assert after(fact("idea.tagged", 8, data={"tags": []})) == {"version": 2, "tags": []}


class TestStatus:
    def test_every_status_and_every_promise_is_kept(self) -> None:
        planned = fact("idea.status_changed", 8)
        later = fact("idea.status_changed", 9, data={"from": "planned", "promised_for": "2026-07-31"})
        first, second = (
            {"promised_for": day, **noted("idea.status_changed")} for day in ("2026-06-30", "2026-07-31")
        )  # fmt: skip
        why = {"status": "planned", "reason": "the carrier can tell us the day"}
        assert after(planned, later) == {
            "version": 3,
            "status": "planned",
            "history": [*SUBMITTED["history"], why | first, why | second],
            "promises": [first, second],
        }

    def test_it_has_shipped_when_it_shipped_first(self) -> None:
        by_hand = fact("idea.status_changed", 8, data={"to": "shipped", "promised_for": "2026-01-01"})
        again = fact("change.shipped", 9)
        assert after(by_hand, again)["shipped_at"] == datetime(2026, 3, 2, 10, 34, tzinfo=UTC)
        assert after(again)["shipped_at"] == datetime(2026, 3, 2, 10, 45, tzinfo=UTC)

    def test_answers_are_kept_and_the_first_one_is_timed(self) -> None:
        second = fact("idea.answered", 9, time="2026-03-03T00:00:00Z", data={"text": "Soon"})
        text = sample("idea.answered")["data"]["text"]
        changed = after(fact("idea.answered", 8), second)
        assert changed.pop("answers") == [
            {"text": text, "actor": AGENT, **noted("idea.answered")},
            {"text": "Soon", "actor": AGENT, **noted("idea.answered"), "at": "2026-03-03T00:00:00Z"},
        ]
        assert changed == {"version": 3, "answered_at": datetime(2026, 3, 2, 10, 35, tzinfo=UTC)}

    def test_a_change_takes_it_along(self) -> None:
        names = "change.linked", "change.shipped", "outcome.measured", "loop.reopened"
        changed = after(*(fact(name, 8 + n) for n, name in enumerate(names)))
        assert changed == {
            "version": 5,
            "status": "in_progress",
            "changes": [CHANGE],
            "shipped_at": datetime(2026, 3, 2, 10, 45, tzinfo=UTC),
            "history": [
                *SUBMITTED["history"],
                {"status": "shipped", "change": CHANGE, **noted("change.shipped")},
                {"status": "measured", "change": CHANGE, **noted("outcome.measured")},
                {
                    "status": "in_progress", "change": CHANGE, "reason": sample("loop.reopened")["data"]["reason"],
                    **noted("loop.reopened"),
                },
            ],
        }  # fmt: skip

    def test_linking_it_twice_to_a_change_lists_it_once(self) -> None:
        assert after(fact("change.linked", 8), fact("change.linked", 9))["changes"] == [CHANGE]


class TestMerged:
    MERGE = sample("ideas.merged")["data"]["merge"]

    def test_a_merge_is_a_link_and_an_unmerge_takes_it_away(self) -> None:
        merged = {"version": 2, "merge": UUID(self.MERGE), "merged_into": UUID(PROPOSAL)}
        assert after(fact("ideas.merged", 8)) == merged
        assert after(fact("ideas.merged", 8), fact("ideas.unmerged", 9)) == {"version": 3}

    def test_only_the_merge_that_holds_is_taken_away(self) -> None:
        other = fact("ideas.unmerged", 9, data={"merge": CHANGE})
        assert after(fact("ideas.merged", 8), other)["merged_into"] == UUID(PROPOSAL)
        assert after(fact("ideas.unmerged", 8)) == {"version": 2}

    def test_only_the_one_that_is_merged_has_it(self) -> None:
        assert idea_keys(fact("ideas.merged")) == [KEY]


class TestComments:
    def test_those_that_are_shown_are_counted_and_are_no_version(self) -> None:
        posted = [fact("comment.posted", 8), fact("comment.posted", 9)]
        assert after(*posted) == {"comments": 2}
        assert after(*posted, fact("comment.removed", 10)) == {"comments": 1}


class TestShown:
    def test_it_follows_everything_that_lists_show(self) -> None:
        names = (
            "idea.edited", "idea.tagged", "idea.status_changed", "idea.answered", "ideas.merged", "comment.posted",
            "change.linked", "change.shipped",
        )  # fmt: skip
        shown = folded(IDEA_SUBMITTED, *(fact(name, 8 + n) for n, name in enumerate(names)))["shown"]
        assert shown == SHOWN | {
            "title": "Show the delivery day before I pay",
            "value_factor": None,
            "tags": ["basket", "delivery"],
            "status": "shipped",
            "answered_at": "2026-03-02T10:35:00Z",
            "shipped_at": "2026-03-02T10:45:00Z",
            "merged_into": PROPOSAL,
            "comments": 1,
            "changes": [CHANGE],
            "version": 8,
        }

    def test_no_text_breaks_out_of_it(self) -> None:
        title = 'a "quote"\\ \u001e \n } ü \U0001f600'
        row = fold_idea(None, fact("idea.submitted", data={"title": title, "tags": [title]}), KEY)
        assert row is not None
        assert "\u001e" not in row["shown"]
        shown = json.loads(row["shown"] + "}")
        assert (shown["title"], shown["tags"]) == (title, [title])


class TestKeys:
    def test_a_change_is_about_all_of_its_ideas_each_once(self) -> None:
        both = [(UUID(IDEA),), (UUID(PROPOSAL),)]
        for name in ("change.linked", "change.shipped", "outcome.measured", "loop.reopened"):
            assert idea_keys(fact(name)) == both
        assert idea_keys(fact("change.shipped", data={"ideas": [IDEA, PROPOSAL, IDEA]})) == both

    @pytest.mark.parametrize("name", ["board.opened", "vote.cast", "loop.closed", "beneficiary.notified"])
    def test_what_changes_no_idea_is_about_none(self, name: str) -> None:
        assert idea_keys(fact(name)) == ()
