import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest
import pytest_asyncio

from libs.events.clock import now_ms
from libs.events.log import AppendRefused, LogBroken, LogOverloaded, LogUnavailable, Record
from libs.events.log_created import AdministeredLog, ensure_topics
from libs.events.position import Partition
from libs.events.postgres_log import writer
from libs.events.postgres_log.adapter import open_postgres_log
from libs.events.tests.log_contract import (
    ALL_BYTES,
    ALL_RECORDS,
    CHECK,
    DEADLINE_S,
    EVERYWHERE,
    TOPIC,
    OpenLog,
    Storage,
    end_of,
    everything,
    one_of_each_partition,
    quiet,
    record,
    rings,
    values,
)
from libs.events.tests.log_created_contract import LogCreatedContract
from libs.events.tests.transactional_contract import TransactionalLogContract

HOUR_MS = 3_600_000


@pytest.fixture
def storage(databases: Callable[[], Awaitable[str]]) -> Storage:
    async def new() -> OpenLog:
        url = await databases()
        return lambda: open_postgres_log(url)

    return new


class TestPostgresLog(TransactionalLogContract):
    @pytest.mark.xfail(strict=True, reason="batches are read whole: up to 1 MiB more of each partition")
    async def test_a_read_stays_within_its_bytes(self, log: AdministeredLog) -> None:
        await super().test_a_read_stays_within_its_bytes(log)

    async def test_nothing_can_be_appended_to_a_closed_log(self, open_log: OpenLog) -> None:
        await super().test_nothing_can_be_appended_to_a_closed_log(open_log)


class TestLogCreatedInPostgres(LogCreatedContract):
    pass


@pytest_asyncio.fixture
async def log(database: str) -> AsyncIterator[AdministeredLog]:
    async with open_postgres_log(database) as log:
        await ensure_topics(log, CHECK)
        yield log


@pytest_asyncio.fixture
async def tables(database: str) -> AsyncIterator[asyncpg.Connection]:
    """The log's tables, for doing to them what never should be done."""
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


@pytest.mark.asyncio
class TestItsServer:
    async def test_what_is_away_is_unavailable(self, database: str) -> None:
        for away in (database.replace("/test_", "/missing_"), "postgresql://rapport@/log?host=/nowhere"):
            with pytest.raises(LogUnavailable):
                async with open_postgres_log(away):
                    pass

    async def test_a_database_that_commits_loosely_does_not_weaken_the_log(self, database: str) -> None:
        connection = await asyncpg.connect(database)
        name = await connection.fetchval("SELECT current_database()")
        await connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
        await connection.close()
        async with open_postgres_log(database) as log:
            await log.writer._connect(DEADLINE_S)
            for session in (log.writer._connection, log._reader._pool):
                assert session is not None
                assert await session.fetchval("SHOW synchronous_commit") == "on"

    async def test_tables_of_a_newer_program_are_refused(
        self, log: AdministeredLog, tables: asyncpg.Connection, database: str
    ) -> None:
        await tables.execute("INSERT INTO log_steps VALUES (99)")
        with pytest.raises(LogBroken, match="use a newer one"):
            async with open_postgres_log(database):
                pass


@pytest.mark.asyncio
class TestItsClock:
    async def test_a_clock_that_steps_back_does_not_turn_time_back(
        self, log: AdministeredLog, tables: asyncpg.Connection
    ) -> None:
        ahead_ms = now_ms() + HOUR_MS
        await tables.execute("UPDATE log_heads SET recorded_ms = $1", ahead_ms)
        for _ in range(3):
            await log.append(TOPIC, [record("ada")])
        partition, _ = await end_of(log)
        slices = await log.read({partition: 1}, max_records=ALL_RECORDS, max_bytes=ALL_BYTES)
        assert [piece.recorded_ms for piece in slices] == [ahead_ms] * 3

    async def test_a_clock_that_steps_forward_is_followed(
        self, log: AdministeredLog, tables: asyncpg.Connection
    ) -> None:
        await tables.execute("UPDATE log_heads SET recorded_ms = $1", now_ms() - HOUR_MS)
        before_ms = now_ms()
        await log.append(TOPIC, [record("ada")])
        partition, _ = await end_of(log)
        [piece] = await log.read({partition: 1}, max_records=1, max_bytes=1)
        assert before_ms <= piece.recorded_ms <= now_ms()


@pytest.mark.asyncio
class TestDamage:
    @pytest_asyncio.fixture
    async def partition(self, log: AdministeredLog) -> Partition:
        """Batches at offsets 1, 4 and 7; the end is 10."""
        for _ in range(3):
            await log.append(TOPIC, [record("ada", n) for n in range(3)])
        return (await end_of(log))[0]

    async def test_a_log_that_was_cut_went_backwards(
        self, log: AdministeredLog, tables: asyncpg.Connection, partition: Partition
    ) -> None:
        await tables.execute(
            "DELETE FROM log_batches WHERE (topic, partition) = ($1, $2) AND base_offset = 7", *partition
        )
        await tables.execute("UPDATE log_heads SET next_offset = 7 WHERE (topic, partition) = ($1, $2)", *partition)
        with pytest.raises(LogBroken, match=r"log went backwards: .* ends at 7, 10 was read before"):
            await log.read({partition: 10}, max_records=9, max_bytes=9)
        assert len(await everything(log, partition)) == 7

    @pytest.mark.parametrize("max_records", [1, ALL_RECORDS])
    async def test_a_missing_batch_leaves_the_log_incomplete(
        self, log: AdministeredLog, tables: asyncpg.Connection, partition: Partition, max_records: int
    ) -> None:
        await tables.execute(
            "DELETE FROM log_batches WHERE (topic, partition) = ($1, $2) AND base_offset = 4", *partition
        )
        assert len(await log.read({partition: 1}, max_records=3, max_bytes=ALL_BYTES)) == 1
        for offset in (4, 5, 6):
            with pytest.raises(LogBroken, match=f"log incomplete: .* has no record at {offset}"):
                await log.read({partition: offset}, max_records=max_records, max_bytes=ALL_BYTES)

    async def test_a_head_without_its_last_batch_leaves_the_log_incomplete(
        self, log: AdministeredLog, tables: asyncpg.Connection, partition: Partition
    ) -> None:
        await tables.execute(
            "DELETE FROM log_batches WHERE (topic, partition) = ($1, $2) AND base_offset = 7", *partition
        )
        with pytest.raises(LogBroken, match=r"log incomplete: .* has no record at 7, although it ends at 10"):
            await log.read({partition: 7}, max_records=9, max_bytes=9)


@pytest.mark.asyncio
class TestWriters:
    async def test_two_processes_on_the_same_partitions_do_not_block_each_other(
        self, log: AdministeredLog, database: str
    ) -> None:
        there = one_of_each_partition()
        async with open_postgres_log(database) as other, asyncio.timeout(2 * DEADLINE_S):

            async def write(through: AdministeredLog, step: int) -> None:
                for _ in range(40):
                    await through.append(TOPIC, there[::step])
                    await through.append("contacts", there[::-step])

            await asyncio.gather(*(write(through, step) for through in (log, other) for step in (1, -1)))
        ends = await log.ends([TOPIC, "contacts"])
        assert set(ends.values()) == {1 + 4 * 40}

    async def test_more_than_may_wait_is_refused_and_the_next_taken(
        self, log: AdministeredLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(writer, "MAX_WAITING_BYTES", 1_000)
        with pytest.raises(LogOverloaded):
            await log.append(TOPIC, [record("ada", bytes(1_001))])
        for _ in range(3):
            await log.append(TOPIC, [record("ada", bytes(1_000))])

    async def test_large_appends_share_commits_and_keep_their_order(
        self, log: AdministeredLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(writer, "MAX_COMMIT_BYTES", 2_000)
        sent = [record("ada", b"%d" % n * 300) for n in range(20)]
        await asyncio.gather(*(log.append(TOPIC, [each]) for each in sent))
        assert values(await everything(log, (await end_of(log))[0], 1)) == values(sent)

    async def test_a_refused_append_takes_no_other_with_it(self, log: AdministeredLog) -> None:
        good, bad = record("ada"), Record(b"ada", b"{}", partition=len(EVERYWHERE))
        taken, refused = await asyncio.gather(
            log.append(TOPIC, [good]), log.append(TOPIC, [bad]), return_exceptions=True
        )
        assert isinstance(refused, AppendRefused)
        assert not isinstance(taken, AppendRefused)

    async def test_the_doorbell_listens_again_soon_after_its_connection_was_cut(
        self, log: AdministeredLog, tables: asyncpg.Connection
    ) -> None:
        bell = log.doorbell()
        await quiet(bell)
        listening = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
        assert len(await tables.fetch(f"{listening} AND datname = current_database()")) == 1
        assert await rings(bell, DEADLINE_S / 3)
