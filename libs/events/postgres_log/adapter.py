"""The EventLog port on PostgreSQL."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from libs.events.adapting import Adapter, Bell, by_partition
from libs.events.background import running
from libs.events.log import Appended, Doorbell, LogUnavailable, Record, Slice
from libs.events.position import Partition, Positions
from libs.events.postgres_log.connection import CONNECTION_ERRORS, connect, connect_pool
from libs.events.postgres_log.doorbell import Doorbells
from libs.events.postgres_log.reader import Reader
from libs.events.postgres_log.schema import ensure_schema, refuse_unsafe_server
from libs.events.postgres_log.writer import MAX_BATCH_BYTES, Writer

CONNECT_TIMEOUT_S = 5.0
READERS = 2  # the projector and one other (an operator's command, a look-up)


class PostgresLog(Adapter):
    """See `libs.events.log.EventLog` for what it promises; made by `open_postgres_log`."""

    def __init__(self, url: str, pool: "asyncpg.Pool[Any]", counts: Mapping[str, int]) -> None:
        self._pool = pool
        self._counts = counts
        self.doorbells = Doorbells(url)
        self.writer = Writer(url, self.doorbells)
        self._reader = Reader(pool)

    async def create_topics(self, counts: Mapping[str, int]) -> None:
        """Make topics that do not exist. A count that differs from an existing topic's is left as it was."""
        await self._pool.execute(
            """INSERT INTO log_heads (topic, partition)
               SELECT t, generate_series(0, n - 1) FROM unnest($1::text[], $2::int[]) AS given (t, n)
               WHERE NOT EXISTS (SELECT 1 FROM log_heads WHERE topic = t) ON CONFLICT DO NOTHING""",
            list(counts),
            list(counts.values()),
        )
        self._counts = await _counts(self._pool)

    async def partition_counts(self) -> Mapping[str, int]:
        """How many partitions each topic has."""
        return self._counts

    async def append(self, topic: str, records: Sequence[Record]) -> Appended:
        """See `EventLog.append`."""
        groups, size = by_partition(topic, self._counts.get(topic, 0), records, _size_of, MAX_BATCH_BYTES)
        if not groups:
            return Appended(topic, {})
        return await self.writer.put(topic, groups, size)

    async def read(
        self, wanted: Mapping[Partition, int], *, max_records: int, max_bytes: int, bell: Doorbell | None = None
    ) -> list[Slice]:
        """See `EventLog.read`."""
        return await self._reader.read(wanted, max_records=max_records, max_bytes=max_bytes)

    async def ends(self, topics: Sequence[str]) -> Positions:
        """See `EventLog.ends`."""
        return await self._reader.ends(topics)

    def doorbell(self) -> Bell:
        """See `EventLog.doorbell`."""
        return self.doorbells.new()

    async def close(self) -> None:
        """See `EventLog.close`."""
        self._pool.terminate()


@asynccontextmanager
async def open_postgres_log(url: str) -> AsyncIterator[PostgresLog]:
    """Connect, make the tables where they are missing, and serve appends while the block runs.

    Raises LogUnavailable when the server cannot be reached and LogBroken when it may not hold a log.
    """
    try:
        connection = await connect(url, timeout_s=CONNECT_TIMEOUT_S)
        try:
            await refuse_unsafe_server(connection)
            await ensure_schema(connection)
            counts = await _counts(connection)
        finally:
            connection.terminate()
        pool = await connect_pool(url, size=READERS, timeout_s=CONNECT_TIMEOUT_S)
    except CONNECTION_ERRORS as reason:
        raise LogUnavailable(f"the log's database cannot be reached ({type(reason).__name__})") from reason
    log = PostgresLog(url, pool, counts)
    async with running(log.writer.run(), log.doorbells.run()):
        try:
            yield log
        finally:
            await log.close()


async def _counts(connection: "asyncpg.Connection | asyncpg.Pool[Any]") -> dict[str, int]:
    rows = await connection.fetch("SELECT topic, count(*) AS partitions FROM log_heads GROUP BY topic")
    return {row["topic"]: row["partitions"] for row in rows}


def _size_of(record: Record) -> int:
    return len(record.value)
