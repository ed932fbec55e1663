"""Changes that answer ideas, from being linked to being measured, and who was told. Pure."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from libs.events.catalog import feedback as events
from libs.events.fold import Fact, Row, RowKey, TextRow
from services.feedback.projection.places import given, happened, listed, noted, placed

ABOUT_CHANGE = (
    events.ChangeLinked
    | events.ChangeShipped
    | events.OutcomeMeasured
    | events.LoopClosed
    | events.LoopReopened
)  # fmt: skip


def change_keys(fact: Fact) -> Sequence[RowKey]:
    return [(UUID(fact.data.change),)] if isinstance(fact.data, ABOUT_CHANGE) else ()


def fold_change(row: Row | None, fact: Fact, _key: RowKey) -> Row | None:
    if row is None:
        return _new(fact, fact.data) if isinstance(fact.data, events.ChangeLinked) else None
    return row | _decided(row, fact) | {"version": row["version"] + 1}


def _new(fact: Fact, data: events.ChangeLinked) -> Row:
    return {
        "id": UUID(data.change),
        "board": UUID(fact.key),
        "version": 1,
        **placed(fact),
        "status": "linked",
        "title": data.title,
        "description": given(data.description),
        "ideas": listed(data.ideas),
        "shipped_at": None,
        "outcomes": "[]",
        "history": noted("[]", fact, status="linked"),
    }


def _decided(row: Row, fact: Fact) -> Row:
    match fact.data:
        case events.ChangeLinked() as data:
            return {"ideas": listed(data.ideas, row["ideas"])}
        case events.ChangeShipped() as data:
            return _status(row, fact, "shipped", note=given(data.note)) | {"shipped_at": happened(fact)}
        case events.OutcomeMeasured() as data:
            said = {name: value for name, value in msgspec.to_builtins(data).items() if name not in {"change", "ideas"}}
            outcomes = noted(row["outcomes"], fact, **said, is_met=data.is_met)
            return _status(row, fact, "measured", is_met=data.is_met) | {"outcomes": outcomes}
        case events.LoopClosed() as data:
            return _status(row, fact, "closed", text=data.text)
        case events.LoopReopened() as data:
            return _status(row, fact, "reopened", reason=data.reason)
        case _:
            return {}


def _status(row: Row, fact: Fact, status: str, **why: Any) -> Row:
    return {"status": status, "history": noted(row["history"], fact, status=status, **why)}


def notified_rows(fact: Fact) -> Sequence[TextRow]:
    """In the order of the table's columns."""
    if not isinstance(fact.data, events.BeneficiaryNotified):
        return ()
    place = str(fact.partition.number), str(fact.offset), fact.occurred_at, fact.recorded_at
    return ((*place, fact.data.change, fact.node, fact.data.channel),)
