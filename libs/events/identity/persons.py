"""Who is behind a node: the person as the graph has it now, or had it at an earlier time."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    FromClause,
    Select,
    Uuid,
    bindparam,
    exists,
    func,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.identity.tables import claims, members
from libs.events.precompiled import Precompiled


class Person(NamedTuple):
    """A component. `contact` is its canonical id, `members` the contacts that it is made of, `nodes` all of it.

    `is_claimed` is False for a node that no claim was ever about: it is a person if events have brought it.
    """

    contact: UUID
    members: list[UUID]
    identifiers: list[str]
    nodes: list[UUID]
    is_claimed: bool


def holds(rows: FromClause, offset: ColumnElement[int] | None = None) -> ColumnElement[bool]:
    """Whether an edge or a membership holds: now, or when the identity topic ended after `offset`."""
    if offset is None:
        return rows.c.until.is_(None)
    return (rows.c.since <= offset) & or_(rows.c.until.is_(None), rows.c.until > offset)


def canonical(node: ColumnElement[Any], offset: ColumnElement[int] | None = None) -> ColumnElement[Any]:
    """The canonical id of whoever goes by a node: now, or when the identity topic ended after `offset`."""
    own = members.alias("own")
    lies_in = select(own.c.component).where(own.c.node == node, holds(own, offset)).correlate_except(own)
    return func.coalesce(lies_in.scalar_subquery(), node)


def nodes_of(person: ColumnElement[Any]) -> Any:
    """The nodes of a person, as a lateral table: a node that nobody has claimed is alone, one that moved is gone.

    `person` is a column of what this is joined with, however deep inside.
    """
    own = members.alias("moved")
    claimed = exists().where(own.c.node == person, holds(own)).correlate_except(own)
    alone = select(person.label("node")).where(~claimed).correlate_except()
    inside = select(members.c.node.label("node")).where(members.c.component == person, holds(members))
    return union_all(inside.correlate_except(members), alone).lateral("nodes")


def offset_at(moment: Any) -> ColumnElement[int]:
    """The last offset of the identity topic that was recorded by then."""
    last = select(func.max(claims.c.offset)).where(claims.c.recorded_at <= moment).scalar_subquery()
    return func.coalesce(last, -1)


def was_claimed(node: Any) -> ColumnElement[bool]:
    """Whether any claim was ever about a node. Counted, since PostgreSQL would hash the whole table for EXISTS."""
    ever = members.alias("ever")
    return select(func.count()).where(ever.c.node == node).scalar_subquery() > 0


def names_inside(node: ColumnElement[Any], offset: ColumnElement[int] | None = None) -> Select[Any]:
    """The names of the person that a node belongs to, in order: now, or when the identity topic ended after `offset`.

    Of a node that nobody has claimed there are none.
    """
    own = members.alias("own")
    mine = select(own.c.component).where(own.c.node == node, holds(own, offset)).scalar_subquery()
    columns = (members.c.node, members.c.component, members.c.name, members.c.is_contact)
    return select(*columns).where(members.c.component == mine, holds(members, offset)).order_by(members.c.name)


@lru_cache(2)
def _person(is_now: bool) -> Precompiled:
    """Each name of the person, or one row without a name; and whether any claim was ever about the one asked for."""
    node = bindparam("node", type_=Uuid)
    offset = None if is_now else offset_at(bindparam("known_at", type_=DateTime(timezone=True)))
    inside = names_inside(node, offset).order_by(None).subquery("inside")
    asked = select(was_claimed(node).label("is_claimed")).subquery("asked")
    found = select(asked, inside).select_from(asked.outerjoin(inside, true()))
    return Precompiled(found.order_by(inside.c.name))


async def person_of(connection: AsyncConnection, node: UUID, known_at: datetime | None = None) -> Person:
    """The person that a node belongs to; the node alone where nobody has claimed it."""
    rows = (await _person(known_at is None).execute(connection, {"node": node, "known_at": known_at})).all()
    return person_from(node, [] if rows[0].node is None else rows, is_claimed=rows[0].is_claimed)


def person_from(node: UUID, names: Sequence[Any], *, is_claimed: bool) -> Person:
    """`names` are what `names_inside` finds; `is_claimed` is whether any claim was ever about the node."""
    if not names:
        return Person(node, [node], [], [node], is_claimed)
    contacts = [row.node for row in names if row.is_contact]
    identifiers = [row.name for row in names if not row.name.startswith("contact:")]
    return Person(names[0].component, contacts, identifiers, [row.node for row in names], is_claimed=True)
