"""Ideas and proposals, from everything that was decided about them, also by the changes that answer them. Pure."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET

from libs.events.catalog import feedback as events
from libs.events.fold import Fact, Row, RowKey
from libs.events.topics import FEEDBACK
from services.feedback.projection.places import authored, given, happened, listed, noted, placed

ABOUT_IDEA = (
    events.IdeaSubmitted
    | events.ProposalPublished
    | events.IdeaEdited
    | events.IdeaTagged
    | events.IdeaStatusChanged
    | events.IdeaAnswered
    | events.IdeasMerged
    | events.IdeasUnmerged
    | events.CommentPosted
    | events.CommentRemoved
)
ABOUT_CHANGE = events.ChangeLinked | events.ChangeShipped | events.OutcomeMeasured | events.LoopReopened
NULLABLE = ("text", "value_factor")
SHOWN = (
    "id", "board", "kind", "status", "title", "touchpoint", "value_factor", "interaction", "merged_into", "comments",
    "occurred_at", "recorded_at", "answered_at", "shipped_at", "version",
)  # fmt: skip

_encode = msgspec.json.Encoder().encode


def idea_keys(fact: Fact) -> Sequence[RowKey]:
    if isinstance(fact.data, ABOUT_IDEA):
        return [(UUID(fact.data.idea),)]
    if isinstance(fact.data, ABOUT_CHANGE):
        return [(UUID(idea),) for idea in dict.fromkeys(fact.data.ideas)]
    return ()


def fold_idea(row: Row | None, fact: Fact, _key: RowKey) -> Row | None:
    """What was decided about an idea that nobody submitted has no row."""
    after = _folded(row, fact)
    return after if after is None or after is row else after | {"shown": shown(after)}


def shown(row: Row) -> str:
    """Its entry in lists, as JSON without the closing brace."""
    entry = {name: row[name] for name in SHOWN}
    author = None if row["subject"] is None else {"contact": row["node"], "name": row["subject"]}
    lists = {name: msgspec.Raw(row[name].encode()) for name in ("tags", "changes")}
    actor = None if row["actor"] is None else msgspec.Raw(row["actor"].encode())
    position = f"{FEEDBACK.name}/{row['partition']}/{row['offset']}"
    return _encode(entry | lists | {"author": author, "actor": actor, "position": position}).decode()[:-1]


def _folded(row: Row | None, fact: Fact) -> Row | None:
    match fact.data:
        case events.IdeaSubmitted() | events.ProposalPublished() as data:
            return _new(fact, data) if row is None else row
        case _ if row is None:
            return None
        case events.CommentPosted():
            return row | {"comments": row["comments"] + 1}
        case events.CommentRemoved():
            return row | {"comments": row["comments"] - 1}
        case _:
            return row | _decided(row, fact) | {"version": row["version"] + 1}


def _new(fact: Fact, data: events.IdeaSubmitted | events.ProposalPublished) -> Row:
    interaction = data.interaction if isinstance(data, events.IdeaSubmitted) else UNSET
    return {
        "id": UUID(data.idea),
        "board": UUID(fact.key),
        "version": 1,
        **placed(fact),
        **authored(fact, data.actor),
        "kind": "idea" if isinstance(data, events.IdeaSubmitted) else "proposal",
        "status": "submitted",
        "title": data.title,
        "text": given(data.text),
        "touchpoint": data.touchpoint,
        "value_factor": given(data.value_factor),
        "tags": listed(given(data.tags) or ()),
        "interaction": given(interaction),
        "merge": None,
        "merged_into": None,
        "changes": "[]",
        "comments": 0,
        "answered_at": None,
        "shipped_at": None,
        "answers": "[]",
        "history": noted("[]", fact, status="submitted"),
        "promises": "[]",
        "shown": "",
    }


def _decided(row: Row, fact: Fact) -> Row:
    match fact.data:
        case events.IdeaEdited() as data:
            to = {name: change.to for name, change in data.changes.items()}
            return {name: value for name, value in to.items() if _fits(name, value)}
        case events.IdeaTagged() as data:
            return {"tags": listed(data.tags)}
        case events.IdeaStatusChanged() as data:
            return _status(row, fact, data.to, reason=data.reason, promised_for=_day(data)) | _promised(row, fact, data)
        case events.IdeaAnswered() as data:
            actor = given(data.actor) and msgspec.to_builtins(data.actor)
            answered_at = row["answered_at"] or happened(fact)
            return {"answers": noted(row["answers"], fact, text=data.text, actor=actor), "answered_at": answered_at}
        case events.IdeasMerged() as data:
            return {"merge": UUID(data.merge), "merged_into": UUID(data.into)}
        case events.IdeasUnmerged() as data:
            return {"merge": None, "merged_into": None} if row["merge"] == UUID(data.merge) else {}
        case events.ChangeLinked() as data:
            return {"changes": listed([data.change], row["changes"])}
        case events.ChangeShipped() as data:
            return _status(row, fact, "shipped", change=data.change)
        case events.OutcomeMeasured() as data:
            return _status(row, fact, "measured", change=data.change)
        case events.LoopReopened() as data:
            return _status(row, fact, "in_progress", change=data.change, reason=data.reason)
        case _:
            return {}


def _status(row: Row, fact: Fact, status: str, **why: Any) -> Row:
    shipped_at = row["shipped_at"] or (happened(fact) if status == "shipped" else None)
    return {"status": status, "history": noted(row["history"], fact, status=status, **why), "shipped_at": shipped_at}


def _promised(row: Row, fact: Fact, data: events.IdeaStatusChanged) -> Row:
    day = _day(data)
    return {} if day is None else {"promises": noted(row["promises"], fact, promised_for=day)}


def _day(data: events.IdeaStatusChanged) -> str | None:
    return given(data.promised_for) and data.promised_for.isoformat()  # type: ignore[union-attr]


def _fits(name: str, value: Any) -> bool:
    """Whether a column can hold what a change says."""
    return (name in {"title", "touchpoint"} and isinstance(value, str)) or (
        name in NULLABLE and isinstance(value, str | None)
    )
