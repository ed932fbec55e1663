"""Statements of the fold's inner loop, compiled once.

SQLAlchemy finds the compiled form of a statement by a key that it computes anew each time, from every part of it. For a
statement that writes ten tables that takes longer than sending it. The arguments go to the driver as they are.
"""

from collections.abc import Mapping
from typing import Any
from typing import cast as typed

from sqlalchemy import ClauseElement, CursorResult, Executable
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

_DIALECT: Any = PGDialect_asyncpg()  # type: ignore[no-untyped-call]


class Precompiled:
    """A Core statement whose arguments need no conversion: text, numbers, uuids, times, and arrays of them."""

    def __init__(self, statement: Executable) -> None:
        compiled: Any = typed(ClauseElement, statement).compile(dialect=_DIALECT)
        self.text = str(compiled)
        self._names: list[str] = compiled.positiontup
        self._given = {name: value for name, value in compiled.params.items() if value is not None}

    async def execute(self, connection: AsyncConnection, arguments: Mapping[str, Any]) -> CursorResult[Any]:
        """Columns of the result are known by their names."""
        values = {**self._given, **arguments}
        return await connection.exec_driver_sql(self.text, tuple([values[name] for name in self._names]))
