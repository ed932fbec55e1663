"""Boards, one and many."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import RowMapping, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.topics import FEEDBACK
from services.feedback.tables import boards

_decode = msgspec.json.Decoder().decode


async def board(connection: AsyncConnection, id_: UUID) -> dict[str, Any] | None:
    row = (await connection.execute(select(boards).where(boards.c.id == id_))).mappings().first()
    return None if row is None else document(row)


async def page(
    connection: AsyncConnection, status: str | None, after: tuple[datetime, UUID] | None, limit: int
) -> list[dict[str, Any]]:
    """Boards in the order in which they were opened; at most one more than the limit."""
    statement = select(boards).order_by(boards.c.occurred_at, boards.c.id).limit(limit + 1)
    if status is not None:
        statement = statement.where(boards.c.status == status)
    if after is not None:
        statement = statement.where(tuple_(boards.c.occurred_at, boards.c.id) > tuple_(*after))
    return [document(row) for row in (await connection.execute(statement)).mappings()]


def document(row: RowMapping) -> dict[str, Any]:
    """A board as it is answered."""
    voters = None if row["voters"] is None else _decode(row["voters"])
    return {
        "id": str(row["id"]),
        "version": row["version"],
        "status": row["status"],
        "title": row["title"],
        "description": row["description"],
        "ballot": {"kind": row["ballot"], "budget": row["budget"], "cap": row["cap"]},
        "eligibility": {"kind": row["eligibility"], "namespace": row["namespace"], "voters": voters},
        "occurred_at": row["occurred_at"],
        "recorded_at": row["recorded_at"],
        "position": position_of(row),
    }


def position_of(row: RowMapping) -> str:
    """`topic/partition/offset` of a row of the topic feedback."""
    return f"{FEEDBACK.name}/{row['partition']}/{row['offset']}"
