"""Changes and who was told of them: rows, whole."""

import json
from datetime import UTC, datetime
from functools import reduce
from typing import Any
from uuid import UUID

import pytest

from libs.events.fold import Fact, Row
from services.feedback.projection.changes import change_keys, fold_change, notified_rows
from services.feedback.tables import changes, notified
from services.feedback.tests.facts import BOARD, IDEA, NODE, PROPOSAL, RECORDED_AT, fact, said, sample

CHANGE: str = sample("change.linked")["id"]
KEY = (UUID(CHANGE),)
THIRD = "019cae1a-d500-7f40-8c1d-2d2f7c1f0a11"
LISTS = ("ideas", "outcomes", "history")


def noted(name: str) -> dict[str, Any]:
    event = sample(name)
    return {"at": event["time"], "event_id": event["id"]}


LINKED: Row = {
    "id": UUID(CHANGE),
    "board": UUID(BOARD),
    "version": 1,
    "partition": 4,
    "offset": 7,
    "occurred_at": datetime(2026, 3, 2, 10, 44, tzinfo=UTC),
    "recorded_at": datetime(2026, 3, 2, 12, 0, 0, 250_000, tzinfo=UTC),
    "status": "linked",
    "title": "The delivery day in the basket",
    "description": "From the carrier's calendar",
    "ideas": [IDEA, PROPOSAL],
    "shipped_at": None,
    "outcomes": [],
    "history": [{"status": "linked", **noted("change.linked")}],
}
SHIPPED = {"status": "shipped", "note": "on the website; the app follows", **noted("change.shipped")}
MEASURED = {"status": "measured", "is_met": False, **noted("outcome.measured")}


def folded(*facts: Fact) -> Row:
    """The row with its JSON read."""
    row = reduce(lambda row, each: fold_change(row, each, KEY), facts, None)
    assert row is not None
    return row | {name: json.loads(row[name]) for name in LISTS}


def after(*facts: Fact) -> Row:
    """What facts about a linked change change of its row."""
    row = folded(fact("change.linked"), *facts)
    return {name: value for name, value in row.items() if value != LINKED[name]}


def outcome(**data: object) -> dict[str, Any]:
    of = sample("outcome.measured")["data"] | data
    return {name: value for name, value in of.items() if name not in {"change", "ideas"}}


class TestChanges:
    def test_one_is_linked(self) -> None:
        assert folded(fact("change.linked")) == LINKED
        assert LINKED.keys() == set(changes.columns.keys())

    def test_one_without_a_description_and_with_an_idea_named_twice(self) -> None:
        bare = said("change.linked", {"change": CHANGE, "title": LINKED["title"], "ideas": [IDEA, IDEA]})
        assert folded(bare) == LINKED | {"description": None, "ideas": [IDEA]}

    def test_more_ideas_are_added_each_once(self) -> None:
        more = fact("change.linked", 8, data={"ideas": [PROPOSAL, THIRD], "title": "Another", "description": "No"})
        assert after(more) == {"version": 2, "ideas": [IDEA, PROPOSAL, THIRD]}

    def test_it_ships(self) -> None:
        assert after(fact("change.shipped", 8)) == {
            "version": 2,
            "status": "shipped",
            "shipped_at": datetime(2026, 3, 2, 10, 45, tzinfo=UTC),
            "history": [*LINKED["history"], SHIPPED],
        }

    def test_it_has_shipped_when_it_shipped_last(self) -> None:
        again = fact("change.shipped", 9, time="2026-04-01T00:00:00Z")
        assert after(fact("change.shipped", 8), again)["shipped_at"] == datetime(2026, 4, 1, tzinfo=UTC)

    def test_every_outcome_is_kept_and_whether_it_met_its_target(self) -> None:
        better = fact("outcome.measured", 9, data={"actual": 6.5})
        met = {"is_met": True, **noted("outcome.measured")}
        assert after(fact("outcome.measured", 8), better) == {
            "version": 3,
            "status": "measured",
            "outcomes": [outcome() | {"is_met": False, **noted("outcome.measured")}, outcome(actual=6.5) | met],
            "history": [*LINKED["history"], MEASURED, {"status": "measured", **met}],
        }

    def test_an_outcome_of_which_little_is_said_has_no_more(self) -> None:
        data = sample("outcome.measured")["data"]
        bare = {name: data[name] for name in data if name not in {"unit", "value_minor", "cost_minor", "currency"}}
        (measured,) = after(said("outcome.measured", bare, 8))["outcomes"]
        assert measured.keys() == {
            "metric", "baseline", "target", "actual", "method", "n", "for_whom", "is_met", "at", "event_id",
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("name", "status", "why"), [("loop.closed", "closed", "text"), ("loop.reopened", "reopened", "reason")]
    )
    def test_the_loop_ends(self, name: str, status: str, why: str) -> None:
        turn = {"status": status, why: sample(name)["data"][why], **noted(name)}
        assert after(fact(name, 8)) == {"version": 2, "status": status, "history": [*LINKED["history"], turn]}

    @pytest.mark.parametrize("name", ["change.shipped", "outcome.measured", "loop.closed", "loop.reopened"])
    def test_what_nobody_linked_has_no_row(self, name: str) -> None:
        assert change_keys(fact(name)) == [KEY]
        assert fold_change(None, fact(name), KEY) is None

    @pytest.mark.parametrize("name", ["idea.submitted", "comment.posted", "beneficiary.notified"])
    def test_nothing_else_is_about_one(self, name: str) -> None:
        assert change_keys(fact(name)) == ()


class TestNotified:
    def test_who_was_told_is_a_row(self) -> None:
        row = ("4", "7", "2026-03-02T10:48:00Z", RECORDED_AT, CHANGE, NODE, "email")
        assert notified_rows(fact("beneficiary.notified")) == (row,)
        assert len(row) == len(notified.columns)

    @pytest.mark.parametrize("name", ["change.shipped", "loop.closed", "vote.cast"])
    def test_nothing_else_is(self, name: str) -> None:
        assert notified_rows(fact(name)) == ()
