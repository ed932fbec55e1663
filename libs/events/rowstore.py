"""Rows by their primary keys: loaded in one query, written in one statement."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ARRAY, Column, ColumnElement, Table, bindparam, delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.fold import Row, RowKey


async def load(connection: AsyncConnection, table: Table, keys: Collection[RowKey]) -> dict[RowKey, Row]:
    """The rows that exist, by key."""
    if not keys:
        return {}
    primary = list(table.primary_key.columns)
    rows = await connection.execute(_loading(table), columns_of(primary, [dict(_keyed(primary, key)) for key in keys]))
    return {tuple(row[column] for column in primary): _as_row(row) for row in rows.mappings()}


async def write(connection: AsyncConnection, table: Table, rows: Mapping[RowKey, Row | None]) -> None:
    """Insert or replace rows; None deletes."""
    await put(connection, table, [row for row in rows.values() if row is not None])
    primary = list(table.primary_key.columns)
    if gone := [dict(_keyed(primary, key)) for key, row in rows.items() if row is None]:
        absent = delete(table).where(tuple_(*primary).in_(unnested(primary)))
        await connection.execute(absent, columns_of(primary, gone))


async def put(connection: AsyncConnection, table: Table, rows: Sequence[Row]) -> None:
    """Insert or replace whole rows; no two of them may have one key."""
    if rows:
        await connection.execute(_putting(table), columns_of(list(table.columns), rows))


@lru_cache(64)
def _loading(table: Table) -> Any:
    primary = list(table.primary_key.columns)
    return select(table).where(tuple_(*primary).in_(unnested(primary)))


@lru_cache(64)
def _putting(table: Table) -> Any:
    columns = list(table.columns)
    statement = insert(table).from_select([column.name for column in columns], unnested(columns))
    changes = {column.name: statement.excluded[column.name] for column in columns if not column.primary_key}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=changes)


def unnested(columns: list[Column[Any]]) -> Any:
    given = func.unnest(*(bindparam(f"given_{c.name}", type_=ARRAY(c.type)) for c in columns))
    return select(*_parts(given.table_valued(*(c.name for c in columns), name="given").render_derived(), columns))


def _parts(given: Any, columns: list[Column[Any]]) -> list[ColumnElement[Any]]:
    return [given.c[c.name] for c in columns]


def columns_of(columns: list[Column[Any]], rows: Iterable[Row]) -> dict[str, list[Any]]:
    kept = list(rows)
    return {f"given_{c.name}": [row[c.name] for row in kept] for c in columns}


def _keyed(primary: list[Column[Any]], key: RowKey) -> list[tuple[str, Any]]:
    return [(column.name, value) for column, value in zip(primary, key, strict=True)]


def _as_row(mapping: Mapping[Any, Any]) -> Row:
    return {str(name): value for name, value in mapping.items()}
