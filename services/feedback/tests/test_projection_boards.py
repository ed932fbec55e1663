"""Rows of boards, whole."""

import json
from datetime import UTC, datetime
from functools import reduce
from typing import Any
from uuid import UUID

import pytest

from libs.events.fold import Fact, Row
from services.feedback.projection.boards import board_keys, fold_board
from services.feedback.tests.facts import BOARD, IDEA, fact

KEY = (UUID(BOARD),)
VOTERS = [
    {"name": "crm:4711", "node": "3f1d2c4b-5a69-8788-9a0b-1c2d3e4f5061"},
    {"name": "crm:4712", "node": "b27a4e90-6f13-8d52-8c4e-70a1d95b3f26"},
]
OPENED: Row = {
    "id": UUID(BOARD),
    "version": 1,
    "partition": 4,
    "offset": 7,
    "occurred_at": datetime(2026, 3, 2, 10, 29, tzinfo=UTC),
    "recorded_at": datetime(2026, 3, 2, 12, 0, 0, 250_000, tzinfo=UTC),
    "status": "open",
    "title": "What should our shop do better?",
    "description": "Every idea is answered within a week",
    "ballot": "credits",
    "budget": 10,
    "cap": 3,
    "eligibility": "list",
    "namespace": None,
    "voters": VOTERS,
}


def folded(*facts: Fact) -> Row | None:
    """The row with its JSON read."""
    row = reduce(lambda row, each: fold_board(row, each, KEY), facts, None)
    return row and row | {"voters": row["voters"] and json.loads(row["voters"])}


def changed(**to: object) -> Fact:
    return fact("board.changed", 8, data={"changes": {name: {"from": None, "to": value} for name, value in to.items()}})


def test_a_board_is_opened() -> None:
    assert folded(fact("board.opened")) == OPENED


def test_a_board_of_which_little_is_said() -> None:
    plain: dict[str, Any] = {"ballot": {"kind": "approval"}, "eligibility": {"kind": "namespace", "namespace": "crm"}}
    row = folded(fact("board.opened", data={**plain, "description": ""}))
    none = dict.fromkeys(("budget", "cap", "voters"))
    expected = {"description": "", "ballot": "approval", "eligibility": "namespace", "namespace": "crm", **none}
    assert row == OPENED | expected


def test_opening_it_again_changes_nothing() -> None:
    assert folded(fact("board.opened"), fact("board.opened", 9, data={"title": "Another"})) == OPENED


def test_a_change_is_another_version() -> None:
    row = folded(fact("board.opened"), fact("board.changed", 8))
    assert row == OPENED | {"version": 2, "status": "closed", "budget": 20}


def test_who_may_vote_is_changed_whole() -> None:
    row = folded(fact("board.opened"), changed(eligibility={"kind": "registered"}))
    assert row == OPENED | {"version": 2, "eligibility": "registered", "voters": None}
    row = folded(fact("board.opened"), changed(eligibility={"kind": "list", "voters": VOTERS[:1]}))
    assert row == OPENED | {"version": 2, "voters": VOTERS[:1]}


def test_what_can_be_taken_away_is() -> None:
    row = folded(fact("board.opened"), changed(description=None, cap=None))
    assert row == OPENED | {"version": 2, "description": None, "cap": None}


@pytest.mark.parametrize(
    "change",
    [
        {"title": None},
        {"title": 7},
        {"status": None},
        {"budget": None},
        {"budget": "10"},
        {"budget": True},
        {"budget": 2**40},
        {"cap": False},
        {"cap": -(2**40)},
        {"ballot": "approval"},
        {"eligibility": None},
        {"eligibility": "everyone"},
        {"eligibility": {}},
        {"eligibility": {"kind": 7}},
        {"eligibility": {"kind": "namespace", "namespace": 7}},
        {"colour": "red"},
    ],
    ids=str,
)
def test_what_no_column_can_hold_is_left_out(change: dict[str, object]) -> None:
    assert folded(fact("board.opened"), changed(**change)) == OPENED | {"version": 2}


def test_a_change_of_a_board_that_nobody_opened_has_no_row() -> None:
    assert folded(fact("board.changed")) is None


def test_it_is_about_boards_and_nothing_else() -> None:
    assert board_keys(fact("board.opened")) == board_keys(fact("board.changed")) == [KEY]
    other = fact("idea.submitted", data={"idea": IDEA})
    assert board_keys(other) == ()
    assert fold_board(None, other, KEY) is None
