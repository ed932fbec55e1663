"""Boards, from the events about them. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from libs.events.catalog.ballots import Credits, Eligibility
from libs.events.catalog.feedback import BoardChanged, BoardOpened
from libs.events.fold import Fact, Row, RowKey
from services.feedback.projection.places import given, placed

KINDS: Final[Mapping[str, Any]] = {
    "title": str,
    "description": str | None,
    "status": Literal["open", "closed"],
    "budget": Credits,
    "cap": Credits | None,
    "eligibility": Eligibility,
}
"""Of the fields that can change, the kinds of value."""

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
    """What of a change the columns can hold."""
    changed = {name: value for name, value in to.items() if _fits(name, value)}
    eligibility = changed.pop("eligibility", None)
    return changed | ({} if eligibility is None else _eligibility(eligibility))


def _fits(name: str, value: Any) -> bool:
    if name not in KINDS:
        return False
    try:
        msgspec.convert(value, KINDS[name])
    except msgspec.ValidationError:
        return False
    return True


def _eligibility(eligibility: dict[str, Any]) -> Row:
    voters = eligibility.get("voters")
    return {
        "eligibility": eligibility["kind"],
        "namespace": eligibility.get("namespace"),
        "voters": None if voters is None else _encode(voters).decode(),
    }
