"""Rows by their primary keys: loaded in one query, written in one statement."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import ARRAY, Column, ColumnElement, Table, bindparam, delete, func, literal, select, tuple_
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.fold import Row, RowKey
from libs.events.precompiled import Precompiled


async def load(connection: AsyncConnection, table: Table, keys: Collection[RowKey]) -> dict[RowKey, Row]:
    """The rows that exist, by key."""
    if not keys:
        return {}
    rows = await _loading(table).execute(connection, _given(table, keys))
    names, key_of = list(rows.keys()), _key_of(table)
    return {key_of(row): dict(zip(names, row, strict=True)) for row in rows}


async def put(connection: AsyncConnection, rows: Mapping[Table, Sequence[Row]]) -> None:
    """Insert or replace whole rows of several tables in one statement; no two rows of a table may have one key."""
    if filled := {table: kept for table, kept in rows.items() if kept}:
        arguments: dict[str, Sequence[Any]] = {}
        for table, kept in filled.items():
            arguments |= columns_of(list(table.columns), kept, table.name)
        await _putting(tuple(filled)).execute(connection, arguments)


async def remove(connection: AsyncConnection, table: Table, keys: Collection[RowKey]) -> None:
    """Delete rows by key."""
    if keys:
        primary = list(table.primary_key.columns)
        absent = delete(table).where(tuple_(*primary).in_(unnested(primary)))
        await connection.execute(absent, _given(table, keys))


@lru_cache(64)
def _loading(table: Table) -> Precompiled:
    primary = list(table.primary_key.columns)
    return Precompiled(select(table).where(tuple_(*primary).in_(unnested(primary))))


@lru_cache(256)
def _putting(tables: tuple[Table, ...]) -> Precompiled:
    upserts = (upserting(table, unnested(list(table.columns), table.name)) for table in tables)
    return Precompiled(select(literal(1)).add_cte(*(each.cte(f"put_{n}") for n, each in enumerate(upserts))))


def upserting(table: Table, given: Any) -> Insert:
    """Insert or replace the rows that are given, their columns in the table's order."""
    columns = list(table.columns)
    statement = insert(table).from_select([column.name for column in columns], given)
    changes = {column.name: statement.excluded[column.name] for column in columns if not column.primary_key}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=changes)


def unnested(columns: list[Column[Any]], prefix: str = "given") -> Any:
    """Rows from one array a column."""
    given = func.unnest(*(bindparam(f"{prefix}_{c.name}", type_=ARRAY(c.type)) for c in columns))
    return select(*_parts(given.table_valued(*(c.name for c in columns), name="given").render_derived(), columns))


def _parts(given: Any, columns: list[Column[Any]]) -> list[ColumnElement[Any]]:
    return [given.c[c.name] for c in columns]


def columns_of(columns: list[Column[Any]], rows: Iterable[Row], prefix: str = "given") -> dict[str, Sequence[Any]]:
    """The arrays of two columns or more, of one row or more, by the names that `unnested` gave them."""
    names = [column.name for column in columns]
    values = zip(*map(itemgetter(*names), rows), strict=True)  # a row at a time: it is in the cache
    return {f"{prefix}_{name}": array for name, array in zip(names, values, strict=True)}


def _given(table: Table, keys: Collection[RowKey]) -> dict[str, list[Any]]:
    """The arrays of primary keys."""
    columns = zip(table.primary_key.columns, zip(*keys, strict=True), strict=True)
    return {f"given_{column.name}": list(values) for column, values in columns}


@lru_cache(64)
def _key_of(table: Table) -> Callable[[Any], RowKey]:
    """Takes the primary key out of a row in the order of the table's columns."""
    columns = list(table.columns)
    at = [columns.index(column) for column in table.primary_key.columns]
    return itemgetter(*at) if len(at) > 1 else lambda row: (row[at[0]],)
