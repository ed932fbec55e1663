"""The facts behind a person's numbers."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.scoring.tables import facts

_newest_first = (facts.c.occurred_at.desc(), facts.c.topic.desc(), facts.c.partition.desc(), facts.c.offset.desc())


async def newest(
    connection: AsyncConnection, nodes: Collection[UUID], measures: Collection[str], most: int, as_of: datetime | None
) -> Sequence[Any]:
    """Of each measure and what it is about, the newest, at most so many; newest first."""
    each = (facts.c.measure, facts.c.about, facts.c.also.is_not(None))
    place = func.row_number().over(partition_by=each, order_by=_newest_first).label("place")
    theirs = select(facts, place).where(facts.c.node.in_(nodes), facts.c.measure.in_(measures))
    if as_of is not None:
        theirs = theirs.where(facts.c.occurred_at <= as_of)
    found = theirs.subquery("found")
    in_order = (found.c.occurred_at.desc(), found.c.topic.desc(), found.c.partition.desc(), found.c.offset.desc())
    return (await connection.execute(select(found).where(found.c.place <= most).order_by(*in_order))).all()


async def until(connection: AsyncConnection, nodes: Collection[UUID], as_of: datetime) -> Sequence[Any]:
    """Everything that had happened by then."""
    theirs = select(facts).where(facts.c.node.in_(nodes), facts.c.occurred_at <= as_of)
    return (await connection.execute(theirs)).all()
