"""Rows of span folds: the least and the greatest of what was seen, widened in one statement."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import func, or_
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.fold import Row, RowKey, SpanFold
from libs.events.rowstore import columns_of, unnested


def joined(fold: SpanFold, one: Row | None, other: Row) -> Row:
    """What both rows of one key say together."""
    if one is None:
        return other
    least = {name: min(one[name], other[name]) for name in fold.least}
    return one | least | {name: max(one[name], other[name]) for name in fold.greatest}


async def widen(connection: AsyncConnection, fold: SpanFold, rows: Mapping[RowKey, Row]) -> None:
    """Insert rows, or widen those that are there; a row that says nothing new is not written."""
    if rows:
        await connection.execute(_widening(fold), columns_of(list(fold.table.columns), in_order(rows)))


def in_order(rows: Mapping[RowKey, Row]) -> list[Row]:
    """By key, so that nobody waits for each other in a circle."""
    return [rows[key] for key in sorted(rows)]


@lru_cache(16)
def _widening(fold: SpanFold) -> Any:
    return widening(fold, unnested(list(fold.table.columns)))


def widening(fold: SpanFold, rows: Any) -> Insert:
    """Insert the rows that are given, their columns in the table's order, or widen those that are there."""
    table = fold.table
    statement = insert(table).from_select([column.name for column in table.columns], rows)
    given = statement.excluded
    changes = {name: func.least(table.c[name], given[name]) for name in fold.least}
    changes |= {name: func.greatest(table.c[name], given[name]) for name in fold.greatest}
    is_news = or_(
        *(given[name] < table.c[name] for name in fold.least),
        *(given[name] > table.c[name] for name in fold.greatest),
    )
    primary = list(table.primary_key.columns)
    return statement.on_conflict_do_update(index_elements=primary, set_=changes, where=is_news)
