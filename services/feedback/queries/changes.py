"""Changes, one and many."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import ARRAY, RowMapping, Select, Uuid, bindparam, cast, exists, func, literal, select, true, tuple_
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.identity.persons import canonical, nodes_of
from services.feedback.decider.changes import Answerable
from services.feedback.queries.boards import position_of
from services.feedback.tables import changes, ideas, notified, standings, tallies

LISTS = ("ideas", "outcomes", "history")

_decode = msgspec.json.Decoder().decode


class Sought(NamedTuple):
    """What a list is narrowed to; `after` is the time and id of the last one shown."""

    board: UUID | None
    status: str | None
    idea: UUID | None
    after: tuple[datetime, UUID] | None
    limit: int


async def change(connection: AsyncConnection, id_: UUID) -> dict[str, Any] | None:
    row = (await connection.execute(select(changes).where(changes.c.id == id_))).mappings().first()
    return None if row is None else document(row)


async def page(connection: AsyncConnection, sought: Sought) -> list[dict[str, Any]]:
    """Changes from the newest on; at most one more than the limit."""
    order = changes.c.occurred_at, changes.c.id
    statement = select(changes).order_by(*(column.desc() for column in order)).limit(sought.limit + 1)
    if sought.board is not None:
        statement = statement.where(changes.c.board == sought.board)
    if sought.status is not None:
        statement = statement.where(changes.c.status == sought.status)
    if sought.idea is not None:
        answering = func.jsonb_array_elements_text(cast(ideas.c.changes, JSONB)).column_valued("answering")
        linked = select(cast(answering, Uuid)).select_from(ideas).where(ideas.c.id == sought.idea)
        statement = statement.where(changes.c.id.in_(linked))
    if sought.after is not None:
        statement = statement.where(tuple_(*order) < tuple_(*sought.after))
    return [document(row) for row in (await connection.execute(statement)).mappings()]


def document(row: RowMapping) -> dict[str, Any]:
    """A change as it is answered."""
    names = "id", "board", "version", "status", "title", "description", "shipped_at", "occurred_at", "recorded_at"
    lists = {name: _decode(row[name]) for name in LISTS}
    return {name: row[name] for name in names} | lists | {"position": position_of(row)}


async def answerable(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, Answerable]:
    """Those of these ideas that there are."""
    columns = ideas.c.id, ideas.c.board, ideas.c.status
    rows = await connection.execute(select(*columns).where(ideas.c.id.in_(map(UUID, ids))))
    return {str(row.id): Answerable(row.board, row.status) for row in rows}


async def voter(connection: AsyncConnection, id_: UUID, answered: Sequence[str], node: UUID) -> tuple[bool, bool]:
    """Whether the person of a node stands behind one of a change's ideas, and whether they were told, by any name."""
    arguments = {"id": id_, "ideas": list(map(UUID, answered)), "node": node}
    stands, was_told = (await connection.execute(_VOTER, arguments)).one()
    return stands, was_told


async def telling(connection: AsyncConnection, id_: UUID, node: UUID) -> dict[str, Any] | None:
    """How the person of a node was told what came of a change, the first time."""
    row = (await connection.execute(_TOLD, {"id": id_, "node": node})).mappings().first()
    if row is None:
        return None
    return {
        "change": id_,
        "contact": row["person"],
        "channel": row["channel"],
        "notified_at": row["occurred_at"],
        "recorded_at": row["recorded_at"],
        "position": position_of(row),
    }


_ID, _NODE = bindparam("id", type_=Uuid), bindparam("node", type_=Uuid)


def roots_of(answered: Any) -> Select[Any]:
    """Where the merges of ideas lead."""
    return select(tallies.c.root).where(tallies.c.idea == func.any(answered))


def _voter() -> Select[bool, bool]:
    asked = select(canonical(_NODE).label("person")).cte("asked")
    inside = nodes_of(asked.c.person)
    stands = exists().where(
        standings.c.person == asked.c.person,
        standings.c.root.in_(roots_of(bindparam("ideas", type_=ARRAY(Uuid)))),
    )
    told = (
        select(literal(1))
        .select_from(inside)
        .join(notified, notified.c.node == inside.c.node)
        .where(notified.c.change == _ID)
        .correlate(asked)
    )
    return select(stands.correlate(asked).label("stands"), told.exists().label("was_told")).select_from(asked)


def _told() -> Select[Any]:
    asked = select(canonical(_NODE).label("person")).cte("asked")
    inside = nodes_of(asked.c.person)
    return (
        select(asked.c.person, notified)
        .select_from(asked)
        .join(inside, true())
        .join(notified, notified.c.node == inside.c.node)
        .where(notified.c.change == _ID)
        .order_by(notified.c.offset)
        .limit(1)
    )


_VOTER, _TOLD = _voter(), _told()
