"""Comments, one and many."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import RowMapping, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from services.feedback.queries.boards import position_of
from services.feedback.tables import comments

_decode = msgspec.json.Decoder().decode


class Sought(NamedTuple):
    """What a list is narrowed to; `after` is the time and id of the last one shown."""

    idea: UUID | None
    nodes: Sequence[UUID] | None
    after: tuple[datetime, UUID] | None
    limit: int


async def comment(connection: AsyncConnection, id_: UUID) -> dict[str, Any] | None:
    row = (await connection.execute(select(comments).where(comments.c.id == id_))).mappings().first()
    return None if row is None else document(row)


async def page(connection: AsyncConnection, sought: Sought) -> list[dict[str, Any]]:
    """Comments from the oldest on; at most one more than the limit."""
    statement = select(comments).order_by(comments.c.occurred_at, comments.c.id).limit(sought.limit + 1)
    if sought.idea is not None:
        statement = statement.where(comments.c.idea == sought.idea)
    if sought.nodes is not None:
        statement = statement.where(comments.c.node.in_(sought.nodes))
    if sought.after is not None:
        statement = statement.where(tuple_(comments.c.occurred_at, comments.c.id) > tuple_(*sought.after))
    return [document(row) for row in (await connection.execute(statement)).mappings()]


def document(row: RowMapping) -> dict[str, Any]:
    """A comment as it is answered."""
    is_removed = row["removed_at"] is not None
    return {
        "id": row["id"],
        "idea": row["idea"],
        "reply_to": row["reply_to"],
        "thread": row["root"],
        "author": None if row["node"] is None else {"contact": row["node"], "name": row["subject"]},
        "actor": None if row["actor"] is None else _decode(row["actor"]),
        "text": row["text"],
        "interaction": row["interaction"],
        "removed": {"reason": row["removed_for"], "at": row["removed_at"]} if is_removed else None,
        "occurred_at": row["occurred_at"],
        "recorded_at": row["recorded_at"],
        "position": position_of(row),
    }
