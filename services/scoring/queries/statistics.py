"""Published statistics."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.precompiled import Precompiled
from services.scoring.tables import statistics

_NEWEST_FIRST = select(statistics).order_by(statistics.c.version.desc())
_BY_THEN = statistics.c.occurred_at <= bindparam("as_of", type_=DateTime(timezone=True))
_LATEST = Precompiled(_NEWEST_FIRST.limit(1))
_LATEST_BY_THEN = Precompiled(_NEWEST_FIRST.where(_BY_THEN).limit(1))


async def latest(connection: AsyncConnection, as_of: datetime | None = None) -> Any | None:
    """The last row; with a moment, the last that was published by then."""
    statement = _LATEST if as_of is None else _LATEST_BY_THEN
    return (await statement.execute(connection, {"as_of": as_of})).first()


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
