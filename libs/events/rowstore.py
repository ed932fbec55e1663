"""Rows of row folds: loaded by their keys in one query, written in one statement."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ARRAY, Column, ColumnElement, bindparam, delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.fold import Row, RowFold, RowKey


async def load(connection: AsyncConnection, fold: RowFold, keys: Collection[RowKey]) -> dict[RowKey, Row]:
    """The rows that exist, by key."""
    if not keys:
        return {}
    primary = list(fold.table.primary_key.columns)
    statement = select(fold.table).where(tuple_(*primary).in_(_unnested(primary)))
    rows = await connection.execute(statement, _columns(primary, [dict(_keyed(primary, key)) for key in keys]))
    return {tuple(row[column] for column in primary): _as_row(row) for row in rows.mappings()}


async def write(connection: AsyncConnection, fold: RowFold, rows: Mapping[RowKey, Row | None]) -> None:
    """Insert or replace rows; None deletes."""
    table, primary = fold.table, list(fold.table.primary_key.columns)
    if kept := [row for row in rows.values() if row is not None]:
        columns = list(table.columns)
        statement = insert(table).from_select([column.name for column in columns], _unnested(columns))
        changes = {c.name: statement.excluded[c.name] for c in columns if not c.primary_key}
        statement = statement.on_conflict_do_update(index_elements=primary, set_=changes)
        await connection.execute(statement, _columns(columns, kept))
    if gone := [dict(_keyed(primary, key)) for key, row in rows.items() if row is None]:
        absent = delete(table).where(tuple_(*primary).in_(_unnested(primary)))
        await connection.execute(absent, _columns(primary, gone))


def _unnested(columns: list[Column[Any]]) -> Any:
    given = func.unnest(*(bindparam(f"given_{c.name}", type_=ARRAY(c.type)) for c in columns))
    return select(*_parts(given.table_valued(*(c.name for c in columns), name="given").render_derived(), columns))


def _parts(given: Any, columns: list[Column[Any]]) -> list[ColumnElement[Any]]:
    return [given.c[c.name] for c in columns]


def _columns(columns: list[Column[Any]], rows: list[Row]) -> dict[str, list[Any]]:
    return {f"given_{c.name}": [row[c.name] for row in rows] for c in columns}


def _keyed(primary: list[Column[Any]], key: RowKey) -> list[tuple[str, Any]]:
    return [(column.name, value) for column, value in zip(primary, key, strict=True)]


def _as_row(mapping: Mapping[Any, Any]) -> Row:
    return {str(name): value for name, value in mapping.items()}
