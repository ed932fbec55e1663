"""Whom scoring has heard of, and what their names come to."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Uuid, bindparam, exists, func, or_, select, true, union, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.identity.persons import canonical, holds, nodes_of, was_claimed
from libs.events.identity.tables import members
from libs.events.precompiled import Precompiled
from libs.service.refs import contact_unknown
from services.scoring.numbers.figures import Figures, joined
from services.scoring.tables import classes, figures

_NODE = bindparam("node", type_=Uuid)
_IS_KNOWN = select(
    or_(was_claimed(_NODE), exists().where(figures.c.node == _NODE), exists().where(classes.c.contact == _NODE))
)


async def require_known(connection: AsyncConnection, node: UUID) -> None:
    """Raises 404 for whom nobody has heard of."""
    if not await connection.scalar(_IS_KNOWN, {"node": node}):
        raise contact_unknown()


def _given(name: str) -> Any:
    return func.unnest(bindparam(name, type_=ARRAY(Uuid))).table_valued("node", name="given").render_derived()


def _people() -> Precompiled:
    given = _given("nodes")
    return Precompiled(select(given.c.node, canonical(given.c.node).label("person")))


def _figures() -> Precompiled:
    given = _given("people")
    inside = nodes_of(given.c.node)
    of_name = select(figures).where(figures.c.node == inside.c.node).correlate_except(figures).lateral("of_name")
    return Precompiled(
        select(given.c.node.label("person"), of_name).select_from(given).join(inside, true()).join(of_name, true())
    )


def _nodes() -> Precompiled:
    """The next names, in their order, for which there are figures."""
    after, most = bindparam("after", type_=Uuid), bindparam("most", type_=Integer)
    found = select(figures.c.node).distinct().where(figures.c.node > after).order_by(figures.c.node).limit(most)
    return Precompiled(found)


def _assessed() -> Precompiled:
    """The same, and contacts who belong to a class: all that it came from may be somebody else's by now."""
    after, most = bindparam("after", type_=Uuid), bindparam("most", type_=Integer)
    named = select(figures.c.node.label("node")).distinct().where(figures.c.node > after)
    classed = (
        select(classes.c.contact.label("node")).distinct().where(classes.c.contact > after, classes.c.band.is_not(None))
    )
    each = [select(found.order_by("node").limit(most).subquery()) for found in (named, classed)]
    return Precompiled(union(*each).order_by("node").limit(most))


def _names() -> Precompiled:
    theirs = members.c.component == func.any(bindparam("people", type_=ARRAY(Uuid)))
    is_name = ~members.c.name.startswith("contact:")
    claimed = select(members.c.component.label("person"), members.c.name).where(theirs, holds(members), is_name)
    given = _given("people")
    spelled = select(figures.c.name).where(figures.c.node == given.c.node).correlate_except(figures).limit(1)
    # Counted, since PostgreSQL would join all members for EXISTS.
    claims = select(func.count()).where(members.c.node == given.c.node, holds(members)).correlate(given)
    nobody_has = claims.scalar_subquery() == 0
    lateral = spelled.lateral("spelled")
    alone = select(given.c.node, lateral.c.name).select_from(given).join(lateral, true()).where(nobody_has)
    rows = union_all(claimed, alone).subquery("names")
    return Precompiled(select(rows).order_by(rows.c.person, rows.c.name))


_PEOPLE, _FIGURES, _NODES, _ASSESSED, _NAMES = _people(), _figures(), _nodes(), _assessed(), _names()
BEFORE_ALL = UUID(int=0)


async def people_of(connection: AsyncConnection, nodes: Sequence[UUID]) -> dict[UUID, UUID]:
    """By name, whoever goes by it now."""
    rows = await _PEOPLE.execute(connection, {"nodes": nodes})
    return {row.node: row.person for row in rows}


async def figures_of(connection: AsyncConnection, people: Sequence[UUID]) -> dict[UUID, Figures]:
    """Over all names of each; who has none is left out."""
    rows: dict[UUID, list[Any]] = {}
    for row in await _FIGURES.execute(connection, {"people": people}):
        rows.setdefault(row.person, []).append(row)
    return {person: joined(mine) for person, mine in rows.items()}


async def names_of(connection: AsyncConnection, people: Sequence[UUID]) -> dict[UUID, list[str]]:
    """The identifiers of each, in order; of a name that nobody has claimed, as events spell it."""
    found: dict[UUID, list[str]] = {}
    for row in await _NAMES.execute(connection, {"people": people}):
        found.setdefault(row.person, []).append(row.name)
    return found


async def names_after(connection: AsyncConnection, after: UUID, most: int) -> list[UUID]:
    """The next names that have figures, in their order."""
    return list((await _NODES.execute(connection, {"after": after, "most": most})).scalars())


async def assessed_after(connection: AsyncConnection, after: UUID, most: int) -> list[UUID]:
    """The next names that have figures, and the next contacts that have a class, in their order."""
    return list((await _ASSESSED.execute(connection, {"after": after, "most": most})).scalars())
