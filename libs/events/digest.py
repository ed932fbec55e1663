"""What a generation holds, as row counts and hashes, and where two generations differ.

Canonical rows are COPY's text in the order of the primary key, with the session's settings fixed; SHA-256 over them.
Checkpoints, leases and the records of duplicates are left out.
"""

import hashlib
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

from sqlalchemy import MetaData, RowMapping, Table, func, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from libs.events.bookkeeping import checkpoints
from libs.events.copying import copy_out
from libs.events.fold import Projection
from libs.events.generations import tables_to_compare
from libs.events.position import Partition, Positions

MAX_DIFFERENCES = 10
_PREFETCHED_ROWS = 1_000

_dialect = postgresql.dialect()  # type: ignore[no-untyped-call]


class Digest(NamedTuple):
    """Of one table."""

    rows: int
    sha256: str


class Difference(NamedTuple):
    """A row that differs; None on the side that does not have it."""

    table: str
    key: str
    live: str | None
    rebuilt: str | None


def snapshot(engine: AsyncEngine) -> AsyncEngine:
    """The same engine, reading one moment for as long as a transaction lasts."""
    return engine.execution_options(isolation_level="REPEATABLE READ")


async def digests_of(connection: AsyncConnection, projection: Projection, schema: str) -> dict[str, Digest]:
    """Digest of every table of a generation that is a function of the log."""
    return {table.name: await _digest(connection, _inside(table, schema)) for table in tables_to_compare(projection)}


async def positions_of(connection: AsyncConnection, schema: str) -> Positions:
    """How far a generation has folded."""
    inside = _inside(checkpoints, schema)
    rows = await connection.execute(select(inside.c.topic, inside.c.partition, inside.c.next_offset))
    return {Partition(topic, number): offset for topic, number, offset in rows}


async def differences(
    live: AsyncConnection, rebuilt: AsyncConnection, projection: Projection, schemas: tuple[str, str]
) -> list[Difference]:
    """The first rows that differ, by table and key. Memory: two rows."""
    found: list[Difference] = []
    for table in tables_to_compare(projection):
        sides = _rows(live, _inside(table, schemas[0])), _rows(rebuilt, _inside(table, schemas[1]))
        async for difference in _compare(table, *sides):
            found.append(difference)
            if len(found) == MAX_DIFFERENCES:
                return found
    return found


async def _digest(connection: AsyncConnection, table: Table) -> Digest:
    statement = select(*table.columns).order_by(*table.primary_key.columns)
    rows = await connection.scalar(select(func.count()).select_from(table)) or 0
    hashed = hashlib.sha256()
    await copy_out(connection, str(statement.compile(dialect=_dialect)), hashed.update)
    return Digest(rows, hashed.hexdigest())


def _inside(table: Table, schema: str) -> Table:
    return table.to_metadata(MetaData(), schema=schema)


async def _rows(connection: AsyncConnection, table: Table) -> AsyncIterator[tuple[tuple[Any, ...], RowMapping]]:
    primary = list(table.primary_key.columns)
    statement = select(table).order_by(*primary).execution_options(yield_per=_PREFETCHED_ROWS)
    async with connection.stream(statement) as result:
        async for row in result.mappings():
            yield tuple(row[column] for column in primary), row


async def _compare(
    table: Table,
    live: AsyncIterator[tuple[tuple[Any, ...], RowMapping]],
    rebuilt: AsyncIterator[tuple[tuple[Any, ...], RowMapping]],
) -> AsyncIterator[Difference]:
    left, right = await anext(live, None), await anext(rebuilt, None)
    while left is not None or right is not None:
        if right is None or (left is not None and left[0] < right[0]):
            assert left is not None  # noqa: S101  one of the two is there
            yield Difference(table.name, _shown(left[0]), _text(left[1]), None)
            left = await anext(live, None)
        elif left is None or right[0] < left[0]:
            yield Difference(table.name, _shown(right[0]), None, _text(right[1]))
            right = await anext(rebuilt, None)
        else:
            if dict(left[1]) != dict(right[1]):
                yield Difference(table.name, _shown(left[0]), _text(left[1]), _text(right[1]))
            left, right = await anext(live, None), await anext(rebuilt, None)


def _shown(key: tuple[Any, ...]) -> str:
    return ", ".join(str(part) for part in key)


def _text(row: Mapping[Any, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in row.items())
