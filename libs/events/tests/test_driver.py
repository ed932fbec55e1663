"""What our connections do not ask the server, and that the server would have said the same."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import text

from libs.events.database import for_control
from libs.events.driver import ARRAYS, SCALARS, Connection

VALUES: dict[str, list[Any]] = {
    "_bool": [True, None],
    "_bytea": [b"\x00", b""],
    "_int2": [-1, 2],
    "_int4": [1, None],
    "_int8": [1 << 62],
    "_float8": [0.5],
    "_timestamptz": [datetime(2026, 3, 2, tzinfo=UTC)],
    "_numeric": [Decimal("1.50")],
    "_uuid": [UUID(int=1), None],
}


@pytest_asyncio.fixture
async def connection(database: str) -> "AsyncIterator[asyncpg.Connection[Any]]":
    made = await asyncpg.connect(database, connection_class=Connection)
    yield made
    await made.close()


@pytest.fixture
def asks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask(*_: object) -> None:
        raise AssertionError("the server is asked about types")

    for name in ("_introspect_types", "_introspect_type"):
        assert hasattr(asyncpg.Connection, name)
        monkeypatch.setattr(asyncpg.Connection, name, ask)


async def echoed(connection: "asyncpg.Connection[Any]", type_: str) -> Any:
    return await connection.fetchval(f"SELECT $1::{type_}", VALUES[type_])


@pytest.mark.asyncio
async def test_types_are_what_the_server_says(connection: "asyncpg.Connection[Any]") -> None:
    rows = await connection.fetch(
        "SELECT a.oid, a.typname, a.typelem, e.typdelim FROM pg_type a JOIN pg_type e ON e.oid = a.typelem "
        "WHERE a.oid = ANY($1::oid[]) AND a.typnamespace = 'pg_catalog'::regnamespace",
        [*ARRAYS],
    )
    assert {row["oid"]: (row["typname"], row["typelem"]) for row in rows} == ARRAYS
    assert {row["typdelim"] for row in rows} == {b","}
    for (schema, name), oid in SCALARS.items():
        assert await connection.fetchval("SELECT $1::text::regtype::oid", f"{schema}.{name}") == oid


@pytest.mark.asyncio
@pytest.mark.usefixtures("asks_nothing")
@pytest.mark.parametrize("type_", VALUES)
async def test_arrays_go_there_and_back_and_nothing_is_asked(
    connection: "asyncpg.Connection[Any]", type_: str
) -> None:  # fmt: skip
    assert await echoed(connection, type_) == VALUES[type_]


@pytest.mark.asyncio
@pytest.mark.usefixtures("asks_nothing")
async def test_nothing_is_asked_about_records_nor_by_an_engine(
    connection: "asyncpg.Connection[Any]", database: str
) -> None:
    (record,) = await connection.fetchval("SELECT array_agg(row(1, 'a'::text))")
    assert tuple(record) == (1, "a")
    assert {name for name, _ in ARRAYS.values()} == {*VALUES, "_record"}
    engine = for_control(database)
    async with engine.connect() as control:
        assert await control.scalar(text("""SELECT '{"a": 1}'::jsonb""")) == {"a": 1}
    await engine.dispose()


@pytest.mark.asyncio
@pytest.mark.usefixtures("asks_nothing")
async def test_a_connection_of_the_drivers_own_does_ask(database: str) -> None:
    """Else there is nothing to be spared any more, and `libs.events.driver` can go."""
    plain = await asyncpg.connect(database)
    with pytest.raises(AssertionError, match="the server is asked"):
        await echoed(plain, "_uuid")
    await plain.close()


@pytest.mark.asyncio
async def test_other_types_are_asked_about_beside_them(connection: "asyncpg.Connection[Any]") -> None:
    await connection.execute("CREATE TYPE mood AS ENUM ('calm', 'cross'); CREATE TYPE pair AS (a int[], b mood)")
    assert await connection.fetchval("SELECT $1::mood[]", ["calm"]) == ["calm"]
    row = await connection.fetchrow("SELECT $1::int[] AS a, ROW('{7}', 'cross')::pair AS b", [1])
    assert row is not None
    assert (row["a"], tuple(row["b"])) == ([1], ([7], "cross"))
    await connection.set_type_codec("mood", encoder=str, decoder=str.upper)
    assert await connection.fetchval("SELECT 'cross'::mood") == "CROSS"
