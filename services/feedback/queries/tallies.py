"""Tallies as of a time, counted from the ballots; those of now are kept (tallying.py)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Uuid, bindparam, cast, exists, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by, distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.identity.persons import canonical
from libs.events.identity.tables import registrations
from services.feedback.tables import ballots, tallies

COUNTS = ("people", "unregistered", "up", "down", "net", "credits")


async def tally_at(connection: AsyncConnection, root: UUID, as_of: datetime) -> dict[str, int]:
    """Of the votes that had happened by then; people and groups as they are known now."""
    row = (await connection.execute(_AT, {"root": root, "as_of": as_of})).mappings().one()
    return tally_of(row)


def tally_of(row: Any) -> dict[str, int]:
    return {name: row[name] for name in COUNTS}


def _at() -> Any:
    group = select(tallies.c.idea).where(tallies.c.root == bindparam("root", type_=Uuid))
    said = (
        select(ballots, canonical(ballots.c.node).label("person"))
        .where(ballots.c.idea.in_(group), ballots.c.occurred_at <= bindparam("as_of", type_=DateTime(timezone=True)))
        .cte("said")
    )
    last = (
        select(said)
        .ext(distinct_on(said.c.person, said.c.idea))
        .order_by(said.c.person, said.c.idea, said.c.offset.desc())
        .cte("last")
    )
    stances = func.array_agg(aggregate_order_by(last.c.stance, last.c.offset.desc()))
    standing = (
        select(last.c.person, stances[1].label("stance"), func.sum(last.c.credits).label("credits"))
        .where(last.c.stance != 0)
        .group_by(last.c.person)
        .cte("standing")
    )
    registered = exists().where(registrations.c.contact == standing.c.person)
    up = func.count().filter(standing.c.stance > 0)
    down = func.count().filter(standing.c.stance < 0)
    return select(
        func.count().label("people"),
        func.count().filter(~registered).label("unregistered"),
        up.label("up"),
        down.label("down"),
        (up - down).label("net"),
        cast(func.coalesce(func.sum(standing.c.credits), 0), BigInteger).label("credits"),
    ).select_from(standing)


_AT = _at()
