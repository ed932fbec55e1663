"""What aiokafka and Kafka would do to a reader, each with what is done against it. On a real broker."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import RecordsToDelete
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.fetcher import Fetcher

from libs.events.kafka_log import stream
from libs.events.kafka_log.adapter import KafkaLog
from libs.events.kafka_log.lookups import new_consumer, stopped
from libs.events.kafka_log.place import KafkaPlace
from libs.events.kafka_log.tests.places import admin_of, alter, followed, refuses
from libs.events.log import Record, Slice
from libs.events.position import Partition, Positions
from libs.events.tests.log_contract import (
    ALL_BYTES,
    ALL_RECORDS,
    DEADLINE_S,
    EVERYWHERE,
    TOPIC,
    everything,
    one_of_each_partition,
    one_turn,
    until,
)

pytestmark = pytest.mark.asyncio


class TestReading:
    async def test_a_consumer_begins_nowhere_by_itself_and_commits_nothing(self, place: KafkaPlace) -> None:
        """Its defaults are to begin at the end and to commit what was fetched, folded or not."""
        consumer = new_consumer(place, fetch_max_wait_ms=0)
        assert (consumer._auto_offset_reset, consumer._enable_auto_commit, consumer._group_id) == ("none", False, None)
        assert consumer._fetch_max_bytes == 8 << 20
        await stopped(consumer)

    async def test_a_follower_gets_every_record_from_where_it_stands_and_no_other(self, log: KafkaLog) -> None:
        """With groups, fetching can begin before the listener has sought (aiokafka #738)."""
        for n in range(30):
            await log.append(TOPIC, [Record(each.key, b"%d" % n) for each in one_of_each_partition()])
        slices = await followed(log, dict.fromkeys(EVERYWHERE, 11), dict.fromkeys(EVERYWHERE, 31))
        for partition in EVERYWHERE:
            found = [each.value for piece in slices if piece.partition == partition for each in piece.records]
            assert found == [b"%d" % n for n in range(10, 30)]

    async def test_a_follower_may_go_elsewhere_and_ask_for_other_partitions(self, log: KafkaLog) -> None:
        await log.append(TOPIC, [Record(each.key, b"%d" % n) for n in range(50) for each in one_of_each_partition()])
        bell = log.doorbell()

        async def taken(wanted: Positions, most: int) -> dict[Partition, tuple[int, int]]:
            found: dict[Partition, tuple[int, int]] = {}
            async with asyncio.timeout(DEADLINE_S):
                while found.keys() != wanted.keys():
                    left = {p: offset for p, offset in wanted.items() if p not in found}
                    for piece in await log.read(left, max_records=most, max_bytes=ALL_BYTES, bell=bell):
                        found.setdefault(piece.partition, (piece.base_offset, len(piece.records)))
                    await bell.wait(0.1)
            return found

        some, others = EVERYWHERE[:3], EVERYWHERE[3:]
        assert await taken(dict.fromkeys(some, 5), 4) == dict.fromkeys(some, (5, 4))
        assert await taken(dict.fromkeys(others, 1), 2) == dict.fromkeys(others, (1, 2))
        assert await taken(dict.fromkeys(some, 9), 100) == dict.fromkeys(some, (9, 42))
        assert await taken(dict.fromkeys(some, 2), 1) == dict.fromkeys(some, (2, 1))
        bell.close()

    async def test_a_partition_that_is_asked_for_while_the_others_have_enough_is_read_too(
        self, log: KafkaLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(stream, "READY_BYTES", 1)
        await log.append(TOPIC, [Record(each.key, b"%d" % n) for n in range(9) for each in one_of_each_partition()])
        bell = log.doorbell()
        for partition in EVERYWHERE:
            async with asyncio.timeout(DEADLINE_S):
                while not await log.read({partition: 1}, max_records=1, max_bytes=1, bell=bell):
                    await bell.wait(DEADLINE_S)
                while bell._room.is_set():  # until reading ahead has seen that there is enough
                    await one_turn()
        bell.close()

    async def test_whoever_reads_at_a_pace_has_the_brokers_answer_at_that_pace(
        self, log: KafkaLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(stream, "UNREAD_S", DEADLINE_S)
        fetches, fetch = 0, Fetcher._proc_fetch_request

        async def counted(*arguments: Any) -> bool:
            nonlocal fetches
            fetches += 1
            return bool(await fetch(*arguments))

        monkeypatch.setattr(Fetcher, "_proc_fetch_request", counted)
        bell, reached = log.doorbell(), dict.fromkeys(EVERYWHERE, 1)
        assert await log.read(reached, max_records=1, max_bytes=ALL_BYTES, bell=bell) == []
        await bell._placed.wait()
        for n in range(50):
            await log.append(TOPIC, [Record(b"a", b"%d" % n)])
        seen_n = fetches
        found: list[bytes] = []
        async with asyncio.timeout(DEADLINE_S):
            while len(found) < 50:
                await bell.wait(DEADLINE_S)
                for piece in await log.read(reached, max_records=ALL_RECORDS, max_bytes=ALL_BYTES, bell=bell):
                    reached[piece.partition] = piece.next_offset
                    found += [record.value for record in piece.records]
        assert found == [b"%d" % n for n in range(50)]
        assert seen_n <= 5
        bell.close()

    async def test_records_of_others_come_as_bytes_whatever_they_are(self, log: KafkaLog, place: KafkaPlace) -> None:
        """A deserializer that raises would be called for ever."""
        async with _producer(place) as producer:
            await producer.send_and_wait(place.topic(TOPIC), b"\xff\x00", partition=0)
            await producer.send_and_wait(place.topic(TOPIC), None, key=b"\xfe", partition=0, headers=[("x", b"\xff")])
        found = await everything(log, EVERYWHERE[0], 1)
        assert found == [Record(b"", b"\xff\x00", ()), Record(b"\xfe", b"", (("x", b"\xff"),))]

    async def test_a_transaction_of_somebody_elses_leaves_a_gap_that_is_seen(
        self, log: KafkaLog, place: KafkaPlace
    ) -> None:
        async with _producer(place, transactional_id=place.topic("foreign")) as producer, producer.transaction():
            await producer.send(place.topic(TOPIC), b"{}", key=b"a", partition=0)

        async def committed() -> bool:
            return (await log.ends([TOPIC]))[EVERYWHERE[0]] == 3

        await until(log, committed)
        await log.append(TOPIC, [Record(b"log", b"{}", partition=0)])
        slices = await log.read({EVERYWHERE[0]: 1}, max_records=9, max_bytes=ALL_BYTES)
        assert [piece.base_offset for piece in slices] == [1, 3]

    async def test_a_stuck_consumer_is_noticed_and_rebuilt(
        self, log: KafkaLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """After an outage it may fetch nothing for ever (aiokafka #703, #1154)."""
        monkeypatch.setattr(stream, "STUCK_AFTER_S", 0.2)
        bell = log.doorbell()
        positions = await log.ends([TOPIC])
        await log.read(positions, max_records=9, max_bytes=ALL_BYTES, bell=bell)
        await bell.wait(DEADLINE_S)
        stuck = bell._consumer
        assert stuck is not None
        stuck.pause(*stuck.assignment())
        await log.append(TOPIC, one_of_each_partition())
        troubles = set()

        async def rebuilt() -> bool:
            bell.watch(await log.ends([TOPIC]))
            troubles.add(log.trouble)
            slices = await log.read(positions, max_records=9, max_bytes=ALL_BYTES, bell=bell)
            return {piece.partition for piece in slices} == {*EVERYWHERE}

        await until(log, rebuilt)
        assert any(trouble and "nothing arrived" in trouble for trouble in troubles)
        assert log.trouble is None

    async def test_a_reader_ends_when_it_is_closed_also_where_the_client_swallows_that(
        self, log: KafkaLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Else whoever closes the log would wait for it for ever."""

        asked = asyncio.Event()

        async def nothing(*_: object, **__: object) -> dict[TopicPartition, Any]:
            asked.set()
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            return {}

        bell = log.doorbell()
        await log.read(await log.ends([TOPIC]), max_records=1, max_bytes=1, bell=bell)
        await bell.wait(DEADLINE_S)
        consumer, pumping = bell._consumer, bell.task
        assert consumer is not None
        assert pumping is not None
        monkeypatch.setattr(consumer, "getmany", nothing)
        await log.append(TOPIC, one_of_each_partition())  # after which it asks again
        await asyncio.wait_for(asked.wait(), DEADLINE_S)
        bell.close()
        await asyncio.wait([pumping], timeout=DEADLINE_S)
        assert pumping.done()

    async def test_a_consumer_whose_fetching_ended_is_rebuilt_at_once(self, log: KafkaLog) -> None:
        """An error that it does not expect ends it, and nobody is told."""
        ends = await log.ends([TOPIC])
        bell = log.doorbell()
        await log.read(ends, max_records=1, max_bytes=1, bell=bell)
        await bell.wait(DEADLINE_S)
        consumer = log.streams[-1]._consumer
        assert consumer is not None
        consumer._fetcher.error_future.cancel()
        written = await log.append(TOPIC, one_of_each_partition())

        async def all_arrive() -> bool:
            for piece in await log.read(ends, max_records=1, max_bytes=ALL_BYTES, bell=bell):
                ends[piece.partition] = piece.next_offset
            return ends == written.positions

        await until(log, all_arrive)
        bell.close()

    async def test_recorded_time_follows_no_clock_that_steps_back(self, log: KafkaLog, place: KafkaPlace) -> None:
        """Wherever a reader begins: the greatest time so far is asked of the broker's index."""
        times = [1_000, 5_000, 3_000, 2_000, 7_000, 6_000]
        await _stamped(log, place, times)
        want = [1_000, 5_000, 5_000, 5_000, 7_000, 7_000]
        for start in range(1, 7):
            slices = await log.read({EVERYWHERE[0]: start}, max_records=9, max_bytes=ALL_BYTES)
            assert _times(slices) == want[start - 1 :]
            assert _times(await followed(log, {EVERYWHERE[0]: start}, {EVERYWHERE[0]: 7})) == want[start - 1 :]

    @pytest.mark.parametrize("unknown", [0, 3], ids=["at once", "once brokers are known"])
    async def test_lag_tools_see_how_far_a_service_is(
        self, log: KafkaLog, place: KafkaPlace, monkeypatch: pytest.MonkeyPatch, unknown: int
    ) -> None:
        """Brokers that were frozen are not listed for a moment; whoever looks for a coordinator then knows none."""
        known = AIOKafkaClient.get_random_node
        answers = iter([None] * unknown)
        monkeypatch.setattr(AIOKafkaClient, "get_random_node", lambda client: next(answers, known(client)))
        reached = dict.fromkeys(EVERYWHERE, 1) | {EVERYWHERE[2]: 4}
        await log.advise("timeline", {})
        await log.advise("timeline", reached)
        consumer = new_consumer(place, fetch_max_wait_ms=0, group=place.topic("rapport-timeline"))
        await consumer.start()

        async def told() -> bool:
            found = [await consumer.committed(TopicPartition(place.topic(TOPIC), p.number)) for p in EVERYWHERE[:3]]
            return found == [1, 1, 4]

        await until(log, told)
        assert list(answers) == []
        await stopped(consumer)


class _producer:  # noqa: N801  used as a function
    """Somebody else who writes to the topics."""

    def __init__(self, place: KafkaPlace, **settings: Any) -> None:
        self._producer = AIOKafkaProducer(bootstrap_servers=place.bootstrap_servers, acks="all", **settings)

    async def __aenter__(self) -> AIOKafkaProducer:
        await self._producer.start()
        return self._producer

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()


async def _stamped(log: KafkaLog, place: KafkaPlace, times_ms: Sequence[int]) -> None:
    """Records whose time their writer says."""
    await alter(place, message_timestamp_type="CreateTime")
    await until(log, lambda: refuses(log))
    async with _producer(place) as producer:
        # The broker's own record stands at offset 0, with a later time: the partition is begun anew without it.
        async with admin_of(place) as admin:
            await admin.delete_records({TopicPartition(place.topic(TOPIC), 0): RecordsToDelete(before_offset=1)})
        for time_ms in times_ms:
            await producer.send_and_wait(place.topic(TOPIC), b"{}", key=b"a", partition=0, timestamp_ms=time_ms)


def _times(slices: Sequence[Slice]) -> list[int]:
    return [piece.recorded_ms for piece in slices for _ in piece.records]
