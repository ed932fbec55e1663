"""COPY, for which SQLAlchemy has no word: text lines into a table, inside SQLAlchemy's own transaction.

Strings stay strings: PostgreSQL parses uuids and times from the text, which costs Python nothing.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import cast

import asyncpg
from sqlalchemy import Table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.fold import TextRow

PIECE_ROWS = 500


# Stands for NULL; where a value holds the character itself the line is escaped, and escaped text is never NULL.
_NULL = "\x01"
_SPECIAL = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", _NULL: "\\x01"})


async def copy_rows(connection: AsyncConnection, table: Table, rows: Sequence[TextRow]) -> None:
    """Append rows, their values in the order of the table's columns. Raises what asyncpg raises."""
    if not rows:
        return
    await _driver(await connection.get_raw_connection()).copy_to_table(
        table.name,
        source=_pieces(rows),
        columns=[column.name for column in table.columns],
        format="text",
        null=_NULL,
    )


async def _pieces(rows: Sequence[TextRow]) -> AsyncIterator[bytes]:
    """PostgreSQL takes one while the next is made.

    Not a file: asyncpg would read that in another thread, and a fold would wait for the interpreter twice.
    """
    for start in range(0, len(rows), PIECE_ROWS):
        yield _text(rows[start : start + PIECE_ROWS]).encode()


def _text(rows: Sequence[TextRow]) -> str:
    """Hardly any value has something in it that must be escaped, and all of them together tell that quickest."""
    text = "\n".join([*map(_line, rows), ""])
    return text if _is_plain(text, rows) else "".join([_escaped(row) for row in rows])


def _line(row: TextRow) -> str:
    try:
        return "\t".join(row)  # type: ignore[arg-type]
    except TypeError:
        return "\t".join([_NULL if value is None else value for value in row])


def _is_plain(text: str, rows: Sequence[TextRow]) -> bool:
    if "\\" in text or "\r" in text or text.count("\n") != len(rows):
        return False
    if text.count("\t") != sum(map(len, rows)) - len(rows):
        return False
    return _NULL not in text or text.count(_NULL) == sum([row.count(None) for row in rows])


def _escaped(row: TextRow) -> str:
    return "\t".join([_NULL if value is None else value.translate(_SPECIAL) for value in row]) + "\n"


def _driver(raw: object) -> asyncpg.Connection:
    return cast(asyncpg.Connection, raw.driver_connection)  # type: ignore[attr-defined]


def sqlstate_of(error: Exception) -> str:
    """The five characters that name a database error, or nothing where the connection itself failed."""
    source = error.orig if isinstance(error, DBAPIError) else error
    return getattr(source, "sqlstate", None) or ""


DATABASE_ERRORS = (
    DBAPIError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
"""Everything that a statement can fail with, through SQLAlchemy or beside it."""


async def when_lost(connection: AsyncConnection, call: Callable[[], None]) -> None:
    """Call once when this connection ends, by whichever side, before anything that reconnects can know."""
    raw = await connection.get_raw_connection()
    _driver(raw).add_termination_listener(lambda _: call())


async def copy_out(connection: AsyncConnection, query: str, take: Callable[[bytes], None]) -> None:
    """Stream a query's rows in COPY's text format, inside the transaction of the connection."""

    async def pass_on(data: bytes) -> None:
        take(data)

    raw = await connection.get_raw_connection()
    await _driver(raw).copy_from_query(query, output=pass_on, format="text")
