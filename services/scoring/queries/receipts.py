"""The facts behind a person's numbers."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Integer, Text, Uuid, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.precompiled import Precompiled
from services.scoring.tables import facts

_newest_first = (facts.c.occurred_at.desc(), facts.c.topic.desc(), facts.c.partition.desc(), facts.c.offset.desc())
_THEIRS = facts.c.node == func.any(bindparam("nodes", type_=ARRAY(Uuid)))
_BY_THEN = facts.c.occurred_at <= bindparam("as_of", type_=DateTime(timezone=True))
_UNTIL = Precompiled(select(facts).where(_THEIRS, _BY_THEN))


@lru_cache(2)
def _newest(is_now: bool) -> Precompiled:
    each = (facts.c.measure, facts.c.about, facts.c.also.is_not(None))
    place = func.row_number().over(partition_by=each, order_by=_newest_first).label("place")
    is_read = facts.c.measure == func.any(bindparam("measures", type_=ARRAY(Text)))
    theirs = select(facts, place).where(_THEIRS, is_read, *(() if is_now else (_BY_THEN,)))
    found = theirs.subquery("found")
    in_order = (found.c.occurred_at.desc(), found.c.topic.desc(), found.c.partition.desc(), found.c.offset.desc())
    return Precompiled(select(found).where(found.c.place <= bindparam("most", type_=Integer)).order_by(*in_order))


async def newest(
    connection: AsyncConnection, nodes: Collection[UUID], measures: Collection[str], most: int, as_of: datetime | None
) -> Sequence[Any]:
    """Of each measure and what it is about, the newest, at most so many; newest first."""
    arguments = {"nodes": list(nodes), "measures": list(measures), "most": most, "as_of": as_of}
    return (await _newest(as_of is None).execute(connection, arguments)).all()


async def until(connection: AsyncConnection, nodes: Collection[UUID], as_of: datetime) -> Sequence[Any]:
    """Everything that had happened by then."""
    return (await _UNTIL.execute(connection, {"nodes": list(nodes), "as_of": as_of})).all()
