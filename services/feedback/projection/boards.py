"""Boards, from the events about them. Pure."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from libs.events.catalog.feedback import BoardChanged, BoardOpened
from libs.events.fold import Fact, Row, RowKey
from services.feedback.projection.places import given, placed

_encode = msgspec.json.Encoder().encode


def board_keys(fact: Fact) -> Sequence[RowKey]:
    match fact.data:
        case BoardOpened() | BoardChanged():
            return [(UUID(fact.data.board),)]
        case _:
            return ()


def fold_board(row: Row | None, fact: Fact, _key: RowKey) -> Row | None:
    match fact.data, row:
        case BoardOpened() as data, None:
            return {
                "id": UUID(data.board),
                "version": 1,
                **placed(fact),
                "status": "open",
                "title": data.title,
                "description": given(data.description),
                "ballot": data.ballot.kind,
                "budget": given(data.ballot.budget),
                "cap": given(data.ballot.cap),
                **_eligibility(msgspec.to_builtins(data.eligibility)),
            }
        case BoardChanged() as data, dict():
            return row | _changed({name: change.to for name, change in data.changes.items()}) | {
                "version": row["version"] + 1
            }  # fmt: skip
        case _:
            return row


def _changed(to: dict[str, Any]) -> Row:
    """What of a change a column can hold."""
    fits: dict[str, Any] = {"title": str, "status": str, "budget": int, "cap": int | None, "description": str | None}
    changed = {name: to[name] for name, kind in fits.items() if name in to and isinstance(to[name], kind)}
    return changed | (_eligibility(to["eligibility"]) if isinstance(to.get("eligibility"), dict) else {})


def _eligibility(eligibility: dict[str, Any]) -> Row:
    voters = eligibility.get("voters")
    return {
        "eligibility": eligibility["kind"],
        "namespace": eligibility.get("namespace"),
        "voters": None if voters is None else _encode(voters).decode(),
    }
