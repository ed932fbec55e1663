"""Published statistics."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.precompiled import Precompiled
from services.scoring.tables import statistics

_NEWEST_FIRST = select(statistics).order_by(statistics.c.version.desc())


def last_published(as_of: ColumnElement[datetime] | None = None) -> Select[Any]:
    """The last row; with a moment, the last that was published by then."""
    return _NEWEST_FIRST.where(*(() if as_of is None else (statistics.c.occurred_at <= as_of,))).limit(1)


_LATEST = Precompiled(last_published())


async def latest(connection: AsyncConnection) -> Any | None:
    """The last row."""
    return (await _LATEST.execute(connection, {})).first()


async def of_version(connection: AsyncConnection, version: int) -> Any | None:
    return (await connection.execute(select(statistics).where(statistics.c.version == version))).first()


async def of_event(connection: AsyncConnection, event_id: str) -> Any | None:
    return (await connection.execute(select(statistics).where(statistics.c.event_id == event_id))).first()


async def page(connection: AsyncConnection, before: int | None, most: int) -> Sequence[Any]:
    """Newest first."""
    statement = _NEWEST_FIRST.limit(most)
    if before is not None:
        statement = statement.where(statistics.c.version < before)
    return (await connection.execute(statement)).all()
