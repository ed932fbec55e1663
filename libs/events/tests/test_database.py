"""Connections that are used again are as they were made, whatever was asked of them before."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from libs.events.database import for_reads

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def reads(database: str) -> AsyncIterator[AsyncEngine]:
    """Of one connection, which everybody gets in turn."""
    writer = await asyncpg.connect(database)
    await writer.execute("CREATE TABLE things (n int)")
    await writer.close()
    engine = for_reads(database, "public", 1)
    yield engine
    await engine.dispose()


async def snapshot_of(engine: AsyncEngine, database: str, statement: str = "SELECT 1") -> tuple[int, int]:
    """How many things there are, before and after another one is written, in a transaction that sees one moment."""
    async with engine.connect() as connection:
        snapshot = await connection.execution_options(isolation_level="REPEATABLE READ")
        async with snapshot.begin():
            before = await things(snapshot)
            await write(database)
            await snapshot.execute(text(statement))
            return before, await things(snapshot)


async def things(connection: AsyncConnection) -> int:
    found: int = (await connection.execute(text("SELECT count(*) FROM things"))).scalar_one()
    return found


async def write(database: str) -> None:
    writer = await asyncpg.connect(database)
    await writer.execute("INSERT INTO things VALUES (1)")
    await writer.close()


async def is_autocommit(engine: AsyncEngine, database: str) -> bool:
    """Whoever asks next sees what was written a moment ago, and leaves no transaction open."""
    async with engine.connect() as connection:
        before = await things(connection)
        await write(database)
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        return await things(connection) == before + 1 and not raw.is_in_transaction()


async def test_a_snapshot_sees_one_moment_and_the_next_user_of_its_connection_sees_all(
    reads: AsyncEngine, database: str
) -> None:
    assert await is_autocommit(reads, database)
    for _ in range(3):
        before, after = await snapshot_of(reads, database)
        assert before == after
        assert await is_autocommit(reads, database)


async def test_a_snapshot_that_failed_or_was_given_up_leaves_no_trace(reads: AsyncEngine, database: str) -> None:
    with pytest.raises(DBAPIError):
        await snapshot_of(reads, database, "SELECT 1 / 0")
    assert await is_autocommit(reads, database)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await snapshot_of(reads, database, "SELECT pg_sleep(5)")
    assert await is_autocommit(reads, database)
    with pytest.raises(DBAPIError, match="read-only"):
        await snapshot_of(reads, database, "INSERT INTO things VALUES (1)")
    assert await is_autocommit(reads, database)
