"""Announced classes: of some people, and of everybody who belongs to one."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Select, Text, Uuid, bindparam, func, or_, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.bookkeeping import parked_keys
from libs.events.identity.persons import canonical, nodes_of
from libs.events.precompiled import Precompiled
from libs.events.topics import SCORING
from services.scoring.decider import Announced
from services.scoring.tables import classes

ALL_OF_ONE = 10_000  # more than there are definitions and currencies


class Sought(NamedTuple):
    """Whose classes: of one definition, in one currency, of one band or of all."""

    definition: str
    currency: str
    band: str | None


def _of_people() -> Precompiled:
    """Of all names of each person."""
    given = func.unnest(bindparam("people", type_=ARRAY(Uuid))).table_valued("person", name="given").render_derived()
    inside = nodes_of(given.c.person)
    theirs = select(classes).where(classes.c.contact == inside.c.node).correlate_except(classes).lateral("theirs")
    return Precompiled(select(given.c.person, theirs).select_from(given).join(inside, true()).join(theirs, true()))


_OF_PEOPLE = _of_people()


async def announced(
    connection: AsyncConnection, people: Sequence[UUID]
) -> dict[UUID, dict[tuple[str, str], Announced]]:
    """What was announced last of each of them, by definition and currency.

    Somebody who got another id has the class that was announced last under one of their names, until it changes.
    """
    rows = sorted(
        await _OF_PEOPLE.execute(connection, {"people": people}),
        key=lambda row: (row.contact == row.person, row.since, row.contact),
    )
    found: dict[UUID, dict[tuple[str, str], Announced]] = {}
    for row in rows:
        head = row.head if row.contact == row.person else 0
        found.setdefault(row.person, {})[row.definition, row.currency] = Announced(row.band, head)
    return found


def _belonging(has_band: bool) -> Select[Any]:
    """What counts of a person is what was announced under their id, else what was announced last; as `announced`."""
    person = canonical(classes.c.contact)
    other = classes.alias("other")
    inside = nodes_of(person)
    # All of one contact, so that no plan looks for them among everybody's of the definition.
    theirs = (
        select(other)
        .where(other.c.contact == inside.c.node)
        .limit(ALL_OF_ONE)
        .correlate_except(other)
        .lateral("theirs")
    )
    counts_instead = (
        select(theirs.c.contact)
        .select_from(inside)
        .join(theirs, true())
        .where(
            theirs.c.definition == classes.c.definition,
            theirs.c.currency == classes.c.currency,
            theirs.c.contact != classes.c.contact,
            or_(
                theirs.c.contact == person,
                tuple_(theirs.c.since, theirs.c.contact) > tuple_(classes.c.since, classes.c.contact),
            ),
        )
        .correlate(classes)
    )
    return select(
        classes.c.contact.label("place"), person.label("contact"), classes.c.band, classes.c.version, classes.c.since
    ).where(
        classes.c.definition == bindparam("definition", type_=Text),
        classes.c.currency == bindparam("currency", type_=Text),
        classes.c.band == bindparam("band", type_=Text) if has_band else classes.c.band.is_not(None),
        or_(person == classes.c.contact, ~counts_instead.exists()),
    )


@lru_cache(2)
def _page(has_band: bool) -> Precompiled:
    after, most = bindparam("after", type_=Uuid), bindparam("most", type_=Integer)
    page = _belonging(has_band).where(classes.c.contact > after).order_by(classes.c.contact).limit(most)
    return Precompiled(page)


@lru_cache(2)
def _count(has_band: bool) -> Precompiled:
    return Precompiled(select(func.count()).select_from(_belonging(has_band).subquery()))


async def page(connection: AsyncConnection, sought: Sought, after: UUID, most: int) -> Sequence[Any]:
    """By the id under which each class was announced: `place`."""
    arguments = {**sought._asdict(), "after": after, "most": most}
    return (await _page(sought.band is not None).execute(connection, arguments)).all()


async def count(connection: AsyncConnection, sought: Sought) -> int:
    found: int = (await _count(sought.band is not None).execute(connection, sought._asdict())).scalar_one()
    return found


async def parked(connection: AsyncConnection, people: Sequence[UUID]) -> set[UUID]:
    """Of whom earlier announcements could not be folded."""
    mine = (parked_keys.c.topic == SCORING.name, parked_keys.c.key.in_(map(str, people)))
    return set(map(UUID, (await connection.execute(select(parked_keys.c.key).where(*mine))).scalars()))
