"""Queries of interactions."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, Text, cast, exists, literal, null, select, tuple_, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.bookkeeping import duplicates, parked_records, quarantined
from libs.events.topics import INTERACTIONS
from libs.service.cursors import Key
from services.interactions.schemas import InteractionQuery
from services.interactions.tables import events, interactions

MAX_RECORDS_SHOWN = 500

_ORDER = (interactions.c.occurred_at, interactions.c.topic, interactions.c.partition, interactions.c.offset)
_FILTERS: dict[str, Callable[[Any], ColumnElement[bool]]] = {
    "channel": lambda value: interactions.c.channel == value,
    "touchpoint": lambda value: interactions.c.touchpoint == value,
    "direction": lambda value: interactions.c.direction == value,
    "status": lambda value: interactions.c.status == value,
    "from_": lambda value: interactions.c.occurred_at >= value,
    "to": lambda value: interactions.c.occurred_at < value,
}


async def interaction(connection: AsyncConnection, id_: UUID) -> RowMapping | None:
    """One interaction by its id."""
    found = await connection.execute(select(interactions).where(interactions.c.id == id_))
    return found.mappings().first()


async def name_of_command(connection: AsyncConnection, event_id: str, source: str) -> UUID | None:
    """The name of an event of ours by its id, which is that of its command."""
    mine = (events.c.event_id == event_id, events.c.source == source)
    found: UUID | None = await connection.scalar(select(events.c.name).where(*mine).limit(1))
    return found


async def page(
    connection: AsyncConnection, query: InteractionQuery, nodes: Sequence[UUID] | None, after: Key
) -> list[RowMapping]:
    """Interactions after a place, newest first; at most one more than the limit."""
    place = tuple_(after.occurred_at, after.topic, after.partition, after.offset)
    given = {name: getattr(query, name) for name in _FILTERS}
    statement = (
        select(interactions)
        .where(tuple_(*_ORDER) < place)
        .where(*(_FILTERS[name](value) for name, value in given.items() if value is not None))
        .order_by(*(column.desc() for column in _ORDER))
        .limit(query.limit + 1)
    )
    if nodes is not None:
        statement = statement.where(interactions.c.node.in_(nodes))
    return list((await connection.execute(statement)).mappings())


async def is_known(connection: AsyncConnection, node: UUID) -> bool:
    """Whether any event has named this node."""
    return bool(await connection.scalar(select(exists().where(events.c.node == node))))


async def records_of(connection: AsyncConnection, event_id: str, source: str | None) -> list[RowMapping]:
    """Every record of an event id: those that count, their repetitions, those in quarantine and those parked."""
    mine = events.c.event_id == event_id
    if source is not None:
        mine = mine & (events.c.source == source)
    described = (events.c.source, events.c.type, events.c.node)
    recorded = select(
        *described, events.c.partition, events.c.offset, events.c.recorded_at, literal("recorded").label("outcome"),
        cast(null(), Text).label("reason"),
    ).where(mine)  # fmt: skip
    repeats = [
        select(
            *described, table.c.partition, table.c.offset, null(), literal(outcome), cast(null(), Text)
        ).join(events, events.c.name == table.c.name).where(mine)
        for table, outcome in ((duplicates, "duplicate"), (quarantined, "quarantined"))
    ]  # fmt: skip
    parked = select(
        null(), null(), null(), parked_records.c.partition, parked_records.c.offset, null(), literal("parked"),
        parked_records.c.detail,
    ).where(parked_records.c.event_id == event_id)  # fmt: skip
    statement = union_all(recorded, *repeats, parked).limit(MAX_RECORDS_SHOWN)
    found = (await connection.execute(statement)).mappings()
    return sorted(found, key=lambda row: (row["partition"], row["offset"]))


def position_of(row: RowMapping) -> str:
    """`topic/partition/offset` of a row."""
    return f"{INTERACTIONS.name}/{row['partition']}/{row['offset']}"
