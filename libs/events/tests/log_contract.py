"""What every adapter of the log promises, as a test class that the tests of each adapter inherit."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager

import msgspec
import pytest
import pytest_asyncio

from libs.events import log_created
from libs.events.clock import monotonic_s
from libs.events.log import AppendRefused, Doorbell, LogBroken, Record, Slice
from libs.events.log_created import COUNTS, AdministeredLog, ensure_topics
from libs.events.partitions import partition_of
from libs.events.position import Partition

TOPIC = "interactions"
COUNT = COUNTS[TOPIC]
CHECK = "check value of the secret"
DEADLINE_S = 5.0
LOOK_AGAIN_S = 0.05
ALL_RECORDS, ALL_BYTES = 10_000, 64 << 20
EVERYWHERE = [Partition(TOPIC, number) for number in range(COUNT)]

OpenLog = Callable[[], AbstractAsyncContextManager[AdministeredLog]]
Storage = Callable[[], Awaitable[OpenLog]]


def record(key: str, value: object = b"{}") -> Record:
    return Record(key.encode(), value if isinstance(value, bytes) else str(value).encode())


def one_of_each_partition() -> list[Record]:
    found: dict[int, Record] = {}
    for n in range(1_000):
        found.setdefault(partition_of(f"key-{n}".encode(), COUNT), record(f"key-{n}"))
    return [found[number] for number in range(COUNT)]


async def everything(log: AdministeredLog, partition: Partition, start: int = 0) -> list[Record]:
    """All records of a partition, read in as many turns as it takes; their offsets are gapless."""
    found: list[Record] = []
    while slices := await log.read({partition: start + len(found)}, max_records=ALL_RECORDS, max_bytes=ALL_BYTES):
        for piece in slices:
            assert (piece.partition, piece.base_offset) == (partition, start + len(found))
            found += piece.records
    return found


async def end_of(log: AdministeredLog, key: str = "ada") -> tuple[Partition, int]:
    partition = Partition(TOPIC, partition_of(key.encode(), COUNT))
    return partition, (await log.ends([TOPIC]))[partition]


async def one_turn() -> None:
    """Everything that is ready to run has run once."""
    turn = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(turn.set_result, None)
    await turn


async def until(log: AdministeredLog, fact: Callable[[], Awaitable[bool]], within_s: float = DEADLINE_S) -> None:
    """Look whenever the doorbell rings, and now and then."""
    bell = log.doorbell()
    async with asyncio.timeout(within_s):
        while not await fact():
            await bell.wait(LOOK_AGAIN_S)


async def rings(bell: Doorbell, timeout_s: float = DEADLINE_S) -> bool:
    """Whether it rings before the time is over."""
    started_s = monotonic_s()
    await bell.wait(timeout_s)
    return monotonic_s() - started_s < timeout_s


async def quiet(bell: Doorbell) -> None:
    """Use up the rings of what happened before, the one at the start of listening among them."""
    while await rings(bell, LOOK_AGAIN_S):
        pass


def records_in(slices: Sequence[Slice], partition: Partition) -> int:
    return sum(len(piece.records) for piece in slices if piece.partition == partition)


def values(records: Sequence[Record]) -> list[bytes]:
    return [each.value for each in records]


@pytest.mark.asyncio
class LogContract:
    """Inherit it and give a fixture `storage`: what makes a fresh storage and says how to open a log on it."""

    @pytest_asyncio.fixture
    async def open_log(self, storage: Storage) -> OpenLog:
        return await storage()

    @pytest_asyncio.fixture
    async def log(self, open_log: OpenLog) -> AsyncIterator[AdministeredLog]:
        async with open_log() as log:
            await ensure_topics(log, CHECK)
            yield log

    async def test_offsets_have_no_gap_and_begin_with_log_created(self, log: AdministeredLog) -> None:
        for n in range(5):
            appended = await log.append(TOPIC, [record("ada", 2 * n), record("ada", 2 * n + 1)])
            [(number, span)] = appended.spans.items()
            assert span == (1 + 2 * n, 2)
            assert appended.positions == {Partition(TOPIC, number): 3 + 2 * n}
        partition, end = await end_of(log)
        first, *rest = await everything(log, partition)
        assert msgspec.json.decode(first.value)["type"] == log_created.TYPE
        assert (values(rest), end) == ([b"%d" % n for n in range(10)], 11)

    async def test_a_key_chooses_the_partition_as_kafkas_clients_do(self, log: AdministeredLog) -> None:
        for key in ("ada", "grace", "hedy", "0198b1f2-5c1e-8c3a-9d6b-1f0a52c7e4d1", "ü"):
            appended = await log.append(TOPIC, [record(key)])
            assert list(appended.spans) == [partition_of(key.encode(), COUNT)]

    async def test_an_append_over_all_partitions_keeps_its_order_in_each(self, log: AdministeredLog) -> None:
        records = [Record(each.key, b"%d" % n) for n in range(3) for each in one_of_each_partition()]
        appended = await log.append(TOPIC, records)
        assert appended.spans == dict.fromkeys(range(COUNT), (1, 3))
        for partition in EVERYWHERE:
            assert values(await everything(log, partition, 1)) == [b"0", b"1", b"2"]

    @pytest.mark.parametrize(
        "kept",
        [
            Record(b"ada", b'{"a": 1}'),
            Record(b"ada", b""),
            Record(b"", b"{}"),
            Record(b"\xff\x00", b"\xfe\x00\xff"),
            Record(b"ada", b"{}", ()),
            Record(b"ada", b"{}", (("content-type", b"text/plain"), ("request", b"\x00\xff"), ("x", b""), ("x", b"2"))),
            Record(b"ada", bytes(range(256)) * 1_024),
        ],
        ids=["plain", "empty value", "empty key", "no text", "no headers", "own headers", "256 KiB"],
    )  # fmt: skip
    async def test_a_record_comes_back_byte_for_byte(self, log: AdministeredLog, kept: Record) -> None:
        appended = await log.append(TOPIC, [record("ada"), kept, record("ada")])
        number = partition_of(kept.key, COUNT)
        assert kept in await everything(log, Partition(TOPIC, number), appended.spans[number].first)

    async def test_many_records_of_one_append_are_all_there_in_order(self, log: AdministeredLog) -> None:
        sent = [record("ada", n) for n in range(2_500)]
        await log.append(TOPIC, sent)
        partition, end = await end_of(log)
        assert end == 2_501
        assert await everything(log, partition, 1) == sent

    async def test_an_append_of_nothing_is_nothing(self, log: AdministeredLog) -> None:
        before = await log.ends([TOPIC])
        assert (await log.append(TOPIC, [])).spans == {}
        assert await log.ends([TOPIC]) == before

    async def test_reading_may_begin_at_any_offset(self, log: AdministeredLog) -> None:
        await log.append(TOPIC, [record("ada", n) for n in range(5)])
        await log.append(TOPIC, [record("ada", n) for n in range(5, 8)])
        partition, end = await end_of(log)
        for start in range(1, end):
            assert values(await everything(log, partition, start)) == [b"%d" % n for n in range(start - 1, 8)]

    async def test_nothing_is_read_at_the_end(self, log: AdministeredLog) -> None:
        partition, end = await end_of(log)
        assert await log.read({partition: end}, max_records=9, max_bytes=9) == []
        assert await log.read({}, max_records=9, max_bytes=9) == []

    async def test_an_offset_behind_the_end_breaks_the_log(self, log: AdministeredLog) -> None:
        partition, end = await end_of(log)
        with pytest.raises(LogBroken, match="log went backwards"):
            await log.read({partition: end + 1}, max_records=9, max_bytes=9)

    async def test_one_read_serves_many_partitions(self, log: AdministeredLog) -> None:
        await log.append(TOPIC, one_of_each_partition())
        slices = await log.read(dict.fromkeys(EVERYWHERE, 1), max_records=9, max_bytes=ALL_BYTES)
        assert [piece.partition for piece in slices] == EVERYWHERE
        assert [piece.records for piece in slices] == [[each] for each in one_of_each_partition()]

    async def test_a_read_stays_within_its_records_of_each_partition(self, log: AdministeredLog) -> None:
        for _ in range(3):
            await log.append(TOPIC, one_of_each_partition() * 3)
        slices = await log.read(dict.fromkeys(EVERYWHERE, 2), max_records=5, max_bytes=ALL_BYTES)
        assert {p: records_in(slices, p) for p in EVERYWHERE} == dict.fromkeys(EVERYWHERE, 5)

    async def test_a_read_stays_within_its_bytes(self, log: AdministeredLog) -> None:
        await log.append(TOPIC, [record("ada", bytes(100)) for _ in range(100)])
        partition, _ = await end_of(log)
        slices = await log.read({partition: 1}, max_records=ALL_RECORDS, max_bytes=1_000)
        assert 1 <= records_in(slices, partition) <= 11

    async def test_a_read_goes_on_however_few_bytes_are_asked_for(self, log: AdministeredLog) -> None:
        await log.append(TOPIC, [Record(each.key, bytes(1_000)) for each in one_of_each_partition() * 2])
        wanted = dict.fromkeys(EVERYWHERE, 1)
        slices = await log.read(wanted, max_records=ALL_RECORDS, max_bytes=1)
        assert all(records_in(slices, partition) for partition in EVERYWHERE)

    async def test_large_batches_are_not_read_all_at_once(self, log: AdministeredLog) -> None:
        for _ in range(8):
            await log.append(TOPIC, [record("ada", bytes(250_000)) for _ in range(4)])
        partition, _ = await end_of(log)
        slices = await log.read({partition: 1}, max_records=ALL_RECORDS, max_bytes=2_000_000)
        assert 8 <= records_in(slices, partition) <= 16

    async def test_an_unknown_topic_is_refused(self, log: AdministeredLog) -> None:
        with pytest.raises(AppendRefused, match="nowhere"):
            await log.append("nowhere", [record("ada")])

    async def test_an_unknown_partition_is_refused_and_nothing_of_it_written(self, log: AdministeredLog) -> None:
        before = await log.ends([TOPIC])
        with pytest.raises(AppendRefused):
            await log.append(TOPIC, [*one_of_each_partition(), Record(b"ada", b"{}", partition=COUNT)])
        assert await log.ends([TOPIC]) == before

    async def test_reading_a_partition_that_does_not_exist_breaks_the_log(self, log: AdministeredLog) -> None:
        with pytest.raises(LogBroken):
            await log.read({Partition("nowhere", 0): 0}, max_records=9, max_bytes=9)

    async def test_an_oversize_record_is_refused_and_the_next_are_taken(self, log: AdministeredLog) -> None:
        with pytest.raises(AppendRefused, match="larger"):
            await log.append(TOPIC, [record("ada"), record("ada", bytes(4 << 20))])
        for n in range(1, 11):
            assert list((await log.append(TOPIC, [record("ada")])).spans.values()) == [(n, 1)]

    async def test_recorded_time_never_steps_back(self, log: AdministeredLog) -> None:
        partition, _ = await end_of(log)
        for _ in range(20):
            await log.append(TOPIC, [record("ada")])
        slices = await log.read({partition: 0}, max_records=ALL_RECORDS, max_bytes=ALL_BYTES)
        times = [piece.recorded_ms for piece in slices]
        assert times == sorted(times)

    async def test_ends_are_of_all_partitions_of_the_topics_asked_for(self, log: AdministeredLog) -> None:
        await log.append(TOPIC, one_of_each_partition())
        assert await log.ends([TOPIC, "identity"]) == dict.fromkeys(EVERYWHERE, 2) | {Partition("identity", 0): 1}
        assert await log.ends([]) == {}

    async def test_the_doorbell_rings_at_an_append_by_another(self, log: AdministeredLog, open_log: OpenLog) -> None:
        bell = log.doorbell()
        await quiet(bell)
        waiting = asyncio.create_task(rings(bell))
        async with open_log() as other:
            await other.append(TOPIC, [record("ada")])
            assert await waiting

    async def test_a_ring_between_two_waits_is_not_lost(self, log: AdministeredLog) -> None:
        bell, witness = log.doorbell(), log.doorbell()
        await quiet(bell)
        await quiet(witness)
        await log.append(TOPIC, [record("ada")])
        assert await rings(witness)
        assert await rings(bell)

    async def test_a_wait_without_a_ring_ends_by_its_timeout(self, log: AdministeredLog) -> None:
        bell = log.doorbell()
        await quiet(bell)
        assert not await rings(bell, LOOK_AGAIN_S)

    async def test_many_writers_lose_nothing_and_double_nothing(self, log: AdministeredLog) -> None:
        keys = [each.key.decode() for each in one_of_each_partition()]

        async def write(writer: int) -> None:
            for n in range(10):
                await log.append(TOPIC, [record(keys[(writer + n) % COUNT], f"{writer}-{n}")])

        await asyncio.gather(*(write(writer) for writer in range(50)))
        found = [value for p in EVERYWHERE for value in values(await everything(log, p, 1))]
        assert sorted(found) == sorted(f"{writer}-{n}".encode() for writer in range(50) for n in range(10))

    async def test_a_caller_that_is_cancelled_does_not_stop_the_delivery(self, log: AdministeredLog) -> None:
        appending = asyncio.create_task(log.append(TOPIC, [record("ada", "kept")]))
        await one_turn()
        appending.cancel()
        await asyncio.wait([appending])

        async def delivered() -> bool:
            return (await end_of(log))[1] == 2

        await until(log, delivered)
        await log.append(TOPIC, [record("ada", "next")])
        assert values(await everything(log, (await end_of(log))[0], 1)) == [b"kept", b"next"]

    async def test_nothing_can_be_appended_to_a_closed_log(self, open_log: OpenLog) -> None:
        async with open_log() as log:
            await ensure_topics(log, CHECK)
        async with asyncio.timeout(1):
            with pytest.raises(AppendRefused):
                await log.append(TOPIC, [record("ada")])
