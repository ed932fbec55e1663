"""What aiokafka and Kafka would do to a log, each with what is done against it. On a real broker."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.structs import RecordMetadata

from libs.events.kafka_log import lookups, stream, writer
from libs.events.kafka_log.adapter import KafkaLog, open_kafka_log
from libs.events.kafka_log.lookups import new_consumer, stopped
from libs.events.kafka_log.place import KafkaPlace
from libs.events.log import AppendRefused, AppendUnknown, LogBroken, LogUnavailable, Record, Slice
from libs.events.log_created import ensure_topics, recognise
from libs.events.position import Partition, Positions
from libs.events.tests.kafka_places import admin_of, new_place, remove_topics
from libs.events.tests.log_contract import (
    ALL_BYTES,
    ALL_RECORDS,
    CHECK,
    DEADLINE_S,
    EVERYWHERE,
    TOPIC,
    end_of,
    everything,
    one_of_each_partition,
    one_turn,
    record,
    until,
    values,
)

if TYPE_CHECKING:
    from tests.integration.providers import Broker

pytestmark = pytest.mark.asyncio


@pytest.fixture
def place(kafka: "Broker") -> KafkaPlace:
    return new_place(kafka.bootstrap)


@pytest_asyncio.fixture
async def log(place: KafkaPlace) -> AsyncIterator[KafkaLog]:
    async with open_kafka_log(place) as log:
        await ensure_topics(log, CHECK)
        yield log
    await remove_topics(place)


async def alter(place: KafkaPlace, **settings: str) -> None:
    """Set a topic otherwise; a setting that is not named goes back to its default."""
    named = {name.replace("_", "."): value for name, value in settings.items()}
    async with admin_of(place) as admin:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, place.topic(TOPIC), named)])


async def followed(log: KafkaLog, start: Mapping[Partition, int], ends: Mapping[Partition, int]) -> list[Slice]:
    """All that one reader sees who follows from one position to another."""
    found: list[Slice] = []
    positions, bell = dict(start), log.doorbell()
    async with asyncio.timeout(2 * DEADLINE_S):
        while any(positions[partition] < end for partition, end in ends.items()):
            for piece in await log.read(positions, max_records=ALL_RECORDS, max_bytes=ALL_BYTES, bell=bell):
                assert piece.base_offset == positions[piece.partition]
                positions[piece.partition] = piece.next_offset
                found.append(piece)
            await bell.wait(0.2)
    bell.close()
    return found


class TestAppending:
    async def test_a_producer_acknowledges_nothing_that_one_broker_alone_has(self, log: KafkaLog) -> None:
        """Its defaults are acks=1, without idempotence."""
        _, producer = await log.writer.producers.current()
        assert producer._sender._acks == -1
        assert producer._txn_manager is not None

    async def test_a_refused_batch_spoils_no_later_one(self, log: KafkaLog, place: KafkaPlace) -> None:
        """Good, bad, good (aiokafka #1017): without a new producer every later send to the partition would fail."""
        await alter(place, max_message_bytes="5000")
        await log.append(TOPIC, [record("ada", "good")])
        with pytest.raises(AppendRefused, match="MessageSizeTooLarge"):
            await log.append(TOPIC, [record("ada", _incompressible(20_000))])
        for n in range(100):
            await log.append(TOPIC, [record("ada", n)])
        partition, _ = await end_of(log)
        assert values(await everything(log, partition, 1)) == [b"good", *(b"%d" % n for n in range(100))]
        assert log.writer.producers.replaced == 1

    async def test_only_the_guilty_one_of_those_who_share_a_batch_is_refused(
        self, log: KafkaLog, place: KafkaPlace
    ) -> None:
        await alter(place, max_message_bytes="5000")
        sizes = [10, 10, 20_000, 10]
        outcomes = await asyncio.gather(
            *(log.append(TOPIC, [record("ada", _incompressible(size))]) for size in sizes), return_exceptions=True
        )
        assert [isinstance(each, AppendRefused) for each in outcomes] == [False, False, True, False]
        partition, _ = await end_of(log)
        assert [len(value) for value in values(await everything(log, partition, 1))] == [10, 10, 10]

    async def test_another_partition_is_sent_again_when_a_producer_is_replaced(
        self, log: KafkaLog, place: KafkaPlace
    ) -> None:
        await alter(place, max_message_bytes="5000")
        others = [Record(each.key, b"%d" % n) for n in range(20) for each in one_of_each_partition()]
        bad = log.append(TOPIC, [record("ada", _incompressible(20_000))])
        outcomes = await asyncio.gather(*(log.append(TOPIC, [each]) for each in others), bad, return_exceptions=True)
        assert [type(each) for each in outcomes if isinstance(each, Exception)] == [AppendRefused]
        found = [value for p in EVERYWHERE for value in values(await everything(log, p, 1))]
        assert len(found) >= len(others)
        assert {*found} == {each.value for each in others}

    async def test_callers_share_batches(self, log: KafkaLog, monkeypatch: pytest.MonkeyPatch) -> None:
        """`send()` for each record costs eight times as much as a batch made by hand."""
        batches = 0
        create_batch = AIOKafkaProducer.create_batch

        def counted(producer: AIOKafkaProducer) -> object:
            nonlocal batches
            batches += 1
            return create_batch(producer)

        monkeypatch.setattr(AIOKafkaProducer, "create_batch", counted)
        await asyncio.gather(*(log.append(TOPIC, [record("ada", n)]) for n in range(100)))
        assert batches == 1
        partition, _ = await end_of(log)
        assert values(await everything(log, partition, 1)) == [b"%d" % n for n in range(100)]

    async def test_what_is_larger_than_a_batch_is_cut_and_keeps_its_order(self, log: KafkaLog) -> None:
        sent = [record("ada", b"%06d" % n + bytes(50_000)) for n in range(60)]
        appended = await log.append(TOPIC, sent)
        assert list(appended.spans.values()) == [(1, 60)]
        partition, _ = await end_of(log)
        assert await everything(log, partition, 1) == sent

    async def test_a_record_whose_place_the_broker_forgot_is_unknown(
        self, log: KafkaLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """After a retry that the broker found to be a duplicate, the offset may be -1."""
        _answer(monkeypatch, lambda _: -1)
        with pytest.raises(AppendUnknown, match="no longer knows where"):
            await log.append(TOPIC, [record("ada")])

    async def test_what_is_known_of_a_part_is_told(self, log: KafkaLog, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(writer, "APPEND_TIMEOUT_S", 0.3)
        _answer(monkeypatch, lambda number: None if number == 3 else 7)
        lost = asyncio.create_task(log.append(TOPIC, [one_of_each_partition()[3]]))
        await one_turn()
        with pytest.raises(AppendUnknown) as told:
            await log.append(TOPIC, one_of_each_partition())
        assert told.value.known == {number: (7, 1) for number in range(12) if number != 3}
        assert told.value.refused == {3}, "what waits behind another batch was never handed over"
        with pytest.raises(AppendUnknown) as told:
            await lost
        assert (told.value.known, told.value.refused) == ({}, frozenset())


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

    async def test_recorded_time_follows_no_clock_that_steps_back(self, log: KafkaLog, place: KafkaPlace) -> None:
        """Wherever a reader begins: the greatest time so far is asked of the broker's index."""
        times = [1_000, 5_000, 3_000, 2_000, 7_000, 6_000]
        await _stamped(log, place, times)
        want = [1_000, 5_000, 5_000, 5_000, 7_000, 7_000]
        for start in range(1, 7):
            slices = await log.read({EVERYWHERE[0]: start}, max_records=9, max_bytes=ALL_BYTES)
            assert _times(slices) == want[start - 1 :]
            assert _times(await followed(log, {EVERYWHERE[0]: start}, {EVERYWHERE[0]: 7})) == want[start - 1 :]

    async def test_lag_tools_see_how_far_a_service_is(self, log: KafkaLog, place: KafkaPlace) -> None:
        reached = dict.fromkeys(EVERYWHERE, 1) | {EVERYWHERE[2]: 4}
        await log.advise("timeline", {})
        await log.advise("timeline", reached)
        consumer = new_consumer(place, fetch_max_wait_ms=0, group=place.topic("rapport-timeline"))
        await consumer.start()

        async def told() -> bool:
            found = [await consumer.committed(TopicPartition(place.topic(TOPIC), p.number)) for p in EVERYWHERE[:3]]
            return found == [1, 1, 4]

        await until(log, told)
        await stopped(consumer)


class TestTopics:
    @pytest.mark.parametrize(
        ("setting", "value", "needed"),
        [
            ("retention.ms", "604800000", "-1"),
            ("retention.bytes", "1000000", "-1"),
            ("cleanup.policy", "compact", "delete"),
            ("message.timestamp.type", "CreateTime", "LogAppendTime"),
            ("unclean.leader.election.enable", "true", "false"),
        ],
    )
    async def test_a_topic_that_is_set_otherwise_is_refused_with_the_cure(
        self, log: KafkaLog, place: KafkaPlace, setting: str, value: str, needed: str
    ) -> None:
        safe = {"retention.ms": "-1", "retention.bytes": "-1", "message.timestamp.type": "LogAppendTime"}
        await alter(place, **(safe | {setting: value}))
        cure = f"needs {needed}: kafka-configs.*{setting}={needed}"
        with pytest.raises(LogBroken, match=rf"{place.topic(TOPIC)} has {setting}=.*{cure}"):
            await until(log, lambda: _recognises(log))

    async def test_a_log_of_a_cluster_is_refused_on_one_replica(self, log: KafkaLog) -> None:
        with pytest.raises(LogBroken, match=r"has 1 replicas, not 3: .*kafka-reassign-partitions"):
            await log.require_safe("cluster")

    async def test_one_broker_must_be_asked_for(self, kafka: "Broker") -> None:
        place = new_place(kafka.bootstrap)
        async with open_kafka_log(KafkaPlace(place.bootstrap_servers, place.prefix)) as log:
            with pytest.raises(LogBroken, match=r"needs 3 brokers; .*--single-broker"):
                await ensure_topics(log, CHECK)

    async def test_partitions_that_were_added_are_seen(self, log: KafkaLog, place: KafkaPlace) -> None:
        async with admin_of(place) as admin:
            await admin.create_partitions({place.topic(TOPIC): NewPartitions(13)})

        async def seen() -> bool:
            return len(await log.ends([TOPIC])) == 13

        await until(log, seen, within_s=2 * DEADLINE_S)
        with pytest.raises(LogBroken, match="has 13 partitions, not 12"):
            await recognise(log, CHECK)

    async def test_a_topic_that_was_made_again_is_noticed_by_who_has_seen_it(
        self, log: KafkaLog, place: KafkaPlace
    ) -> None:
        await log.append(TOPIC, one_of_each_partition())
        await log.ends([TOPIC])
        async with admin_of(place) as admin:
            await admin.delete_topics([place.topic(TOPIC)])
            await until(log, lambda: _is_gone(place), within_s=2 * DEADLINE_S)
            await admin.create_topics([NewTopic(place.topic(TOPIC), 12, 1)])
        with pytest.raises(LogBroken, match=r"log went backwards: interactions/\d+ ends at 0, and had 2 records"):
            await until(log, lambda: _answers(log), within_s=2 * DEADLINE_S)

    async def test_a_topic_that_is_gone_breaks_the_log(
        self, log: KafkaLog, place: KafkaPlace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lookups, "GONE_AFTER_S", 0.2)
        async with admin_of(place) as admin:
            await admin.delete_topics([place.topic(TOPIC)])
        with pytest.raises(LogBroken, match=r"there is no topic .*; run `rapport topics ensure`"):
            await until(log, lambda: _answers(log), within_s=3 * DEADLINE_S)

    async def test_records_that_were_deleted_break_the_log(self, log: KafkaLog, place: KafkaPlace) -> None:
        await log.append(TOPIC, [record("ada", n) for n in range(5)])
        partition, _ = await end_of(log)
        async with admin_of(place) as admin:
            gone = {TopicPartition(place.topic(TOPIC), partition.number): RecordsToDelete(before_offset=4)}
            await admin.delete_records(gone)
        with pytest.raises(LogBroken, match="records were deleted"):
            await log.read({partition: 1}, max_records=9, max_bytes=ALL_BYTES)
        with pytest.raises(LogBroken, match=r"begins at 4: records were deleted"):
            await followed(log, {partition: 1}, {partition: 6})


def _incompressible(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def _answer(monkeypatch: pytest.MonkeyPatch, offset_of: Callable[[int], int | None]) -> None:
    """Brokers that answer so for each partition, or never."""

    async def send_batch(
        _: AIOKafkaProducer, _batch: object, topic: str, *, partition: int
    ) -> asyncio.Future[RecordMetadata]:
        answer = asyncio.get_running_loop().create_future()
        if (offset := offset_of(partition)) is not None:
            answer.set_result(RecordMetadata(topic, partition, None, offset, 0, 1, 0))
        return answer

    monkeypatch.setattr(AIOKafkaProducer, "send_batch", send_batch)


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
    await until(log, lambda: _refuses(log))
    async with _producer(place) as producer:
        # The broker's own record stands at offset 0, with a later time: the partition is begun anew without it.
        async with admin_of(place) as admin:
            await admin.delete_records({TopicPartition(place.topic(TOPIC), 0): RecordsToDelete(before_offset=1)})
        for time_ms in times_ms:
            await producer.send_and_wait(place.topic(TOPIC), b"{}", key=b"a", partition=0, timestamp_ms=time_ms)


def _times(slices: Sequence[Slice]) -> list[int]:
    return [piece.recorded_ms for piece in slices for _ in piece.records]


async def _recognises(log: KafkaLog) -> bool:
    await recognise(log, CHECK)
    return False


async def _refuses(log: KafkaLog) -> bool:
    try:
        await recognise(log, CHECK)
    except LogBroken:
        return True
    return False


async def _answers(log: KafkaLog) -> bool:
    """Whether the ends can be told and are lower; never so."""
    try:
        await log.ends([TOPIC])
    except LogUnavailable:
        return False
    return False


async def _is_gone(place: KafkaPlace) -> bool:
    async with admin_of(place) as admin:
        return place.topic(TOPIC) not in await admin.list_topics()
