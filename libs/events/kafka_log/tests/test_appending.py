"""What aiokafka and Kafka would do to an append, each with what is done against it. On a real broker."""

import asyncio
import random
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.structs import RecordMetadata

from libs.events.kafka_log import writer
from libs.events.kafka_log.adapter import KafkaLog
from libs.events.kafka_log.place import KafkaPlace
from libs.events.kafka_log.tests.places import alter
from libs.events.log import AppendRefused, AppendUnknown, Record
from libs.events.tests.log_contract import (
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
    pass

pytestmark = pytest.mark.asyncio

LIMIT_BYTES = 5_000


class TestAppending:
    async def test_a_producer_acknowledges_nothing_that_one_broker_alone_has(self, log: KafkaLog) -> None:
        """Its defaults are acks=1, without idempotence."""
        _, producer = await log.writer.producers.current()
        assert producer._sender._acks == -1
        assert producer._txn_manager is not None

    async def test_a_refused_batch_spoils_no_later_one(self, log: KafkaLog, place: KafkaPlace) -> None:
        """Good, bad, good (aiokafka #1017): without a new producer every later send to the partition would fail."""
        await limit(log, place)
        replaced = log.writer.producers.replaced
        await log.append(TOPIC, [record("ada", "good")])
        with pytest.raises(AppendRefused, match="MessageSizeTooLarge"):
            await log.append(TOPIC, [record("ada", _incompressible(20_000))])
        for n in range(100):
            await log.append(TOPIC, [record("ada", n)])
        partition, _ = await end_of(log)
        assert values(await everything(log, partition, 1)) == [b"good", *(b"%d" % n for n in range(100))]
        assert log.writer.producers.replaced == replaced + 1

    async def test_only_the_guilty_one_of_those_who_share_a_batch_is_refused(
        self, log: KafkaLog, place: KafkaPlace
    ) -> None:
        await limit(log, place)
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
        await limit(log, place)
        others = [Record(each.key, b"%d" % n) for n in range(20) for each in one_of_each_partition()]
        bad = log.append(TOPIC, [record("ada", _incompressible(20_000))])
        outcomes = await asyncio.gather(*(log.append(TOPIC, [each]) for each in others), bad, return_exceptions=True)
        assert [type(each) for each in outcomes if isinstance(each, Exception)] == [AppendRefused]
        found = [value for p in EVERYWHERE for value in values(await everything(log, p, 1)) if len(value) < LIMIT_BYTES]
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


async def limit(log: KafkaLog, place: KafkaPlace) -> None:
    """From when this returns the broker refuses larger batches; it is tried out on another partition than ada's."""
    await alter(place, max_message_bytes=str(LIMIT_BYTES))
    number = ((await end_of(log))[0].number + 1) % len(EVERYWHERE)
    probe = Record(b"probe", _incompressible(20_000), partition=number)

    async def refused() -> bool:
        try:
            await log.append(TOPIC, [probe])
        except AppendRefused:
            return True
        return False

    await until(log, refused)


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
