"""Questions to the brokers: where partitions end, what stands at an offset, which time a reader must not fall below.

One consumer serves them all, one question at a time. It holds no partition between questions, so that no fetch of its
own, which a broker answers before anything else on that connection, stands in the way of the next one.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import CorruptRecordException, OffsetOutOfRangeError

from libs.events.clock import monotonic_s
from libs.events.kafka_log.pacing import paced
from libs.events.kafka_log.place import CLIENT_ERRORS, KafkaPlace
from libs.events.kafka_log.records import slices_of
from libs.events.kafka_log.refusals import explained
from libs.events.log import LogBroken, LogUnavailable, Slice
from libs.events.position import Partition, Positions

ANSWER_TIMEOUT_S = 5.0
CLOSE_TIMEOUT_S = 2.0
FETCH_MAX_BYTES = 8 << 20
PARTITION_FETCH_BYTES = 2 << 20  # above what one batch may hold: a larger one would be passed over
POLL_MS = 200
INTRODUCED_WITHIN_S = 0.5
GONE_AFTER_S = 3.0  # a broker that has just started may not know of a topic yet

Floors = dict[Partition, int]
"""By partition, the greatest recorded time before some offset, in milliseconds."""


def new_consumer(place: KafkaPlace, *, fetch_max_wait_ms: int, group: str | None = None) -> AIOKafkaConsumer:
    """Not started. It has no group that reads: partitions are assigned and sought by hand; `group` is for advice."""
    consumer = AIOKafkaConsumer(
        **place.client(),
        group_id=group,
        auto_offset_reset="none",
        enable_auto_commit=False,
        fetch_max_bytes=FETCH_MAX_BYTES,
        max_partition_fetch_bytes=PARTITION_FETCH_BYTES,
        fetch_max_wait_ms=fetch_max_wait_ms,
    )
    paced(consumer._client)  # noqa: SLF001  aiokafka has no pace of its own
    return consumer


async def stopped(consumer: AIOKafkaConsumer) -> None:
    """Stop it within a moment, whatever the brokers do: its own `stop` may wait for ever, or raise CancelledError."""
    stopping = asyncio.ensure_future(consumer.stop())
    await asyncio.wait([stopping], timeout=CLOSE_TIMEOUT_S)
    if not stopping.done():
        stopping.cancel()
        await asyncio.wait([stopping], timeout=CLOSE_TIMEOUT_S)
    if stopping.done() and not stopping.cancelled():
        stopping.exception()


class Lookups:
    """Asked by one process; every answer comes within seconds or is LogUnavailable."""

    def __init__(self, place: KafkaPlace) -> None:
        self._place = place
        self._turn = asyncio.Lock()
        self._consumer: AIOKafkaConsumer | None = None
        self.topics: Collection[str] = ()
        """Those that exist: a new consumer gets to know them together, and not one by one."""
        self._seen_ends: Positions = {}
        self._missing_since_s: dict[str, float] = {}

    async def ends(self, topics: Collection[str]) -> Positions:
        """The next offset of every partition that these topics have now.

        Raises LogUnavailable, and LogBroken where a partition ends before an end that was seen, or a topic is gone.
        """
        async with self._asked() as consumer:
            found = await self._ends(consumer, topics)
        for partition, end in found.items():
            if end < (seen := self._seen_ends.get(partition, 0)):
                raise LogBroken(f"log went backwards: {partition} ends at {end}, and had {seen} records")
        self._seen_ends |= found
        return found

    async def bounds(self, partitions: Collection[Partition]) -> tuple[Positions, Positions]:
        """Where these partitions begin and end. Raises LogUnavailable."""
        asked = [self._of(partition) for partition in partitions]
        async with self._asked() as consumer:
            starts, ends = await consumer.beginning_offsets(asked), await consumer.end_offsets(asked)
        return self._positions(starts), self._positions(ends)

    def _positions(self, offsets: Mapping[TopicPartition, int]) -> Positions:
        return {self._place.partition(*each): offset for each, offset in offsets.items()}

    async def _ends(self, consumer: AIOKafkaConsumer, topics: Collection[str]) -> Positions:
        wanted = []
        for topic in topics:
            numbers = await self._numbers(consumer, topic)
            wanted += [TopicPartition(self._place.topic(topic), number) for number in sorted(numbers)]
        ends = self._positions(await consumer.end_offsets(wanted) if wanted else {})
        return dict(sorted(ends.items()))

    async def _numbers(self, consumer: AIOKafkaConsumer, topic: str) -> set[int]:
        name = self._place.topic(topic)
        numbers = consumer.partitions_for_topic(name)
        if not numbers and name in await consumer.topics():
            await consumer.end_offsets([TopicPartition(name, 0)])  # makes the client look after this topic, too
            numbers = consumer.partitions_for_topic(name)
        if not numbers:
            missing_s = monotonic_s() - self._missing_since_s.setdefault(topic, monotonic_s())
            if missing_s < GONE_AFTER_S:
                raise LogUnavailable(f"the brokers know no topic {name}")
            raise LogBroken(f"log incomplete: there is no topic {name}; run `rapport topics ensure`")
        self._missing_since_s.pop(topic, None)
        return set(numbers)

    async def floors(self, firsts: Mapping[Partition, tuple[int, int]]) -> Floors:
        """For records given by offset and time: the greatest time among those and all before them, by partition.

        A broker's clock may step back, and recorded time must not. The brokers' time index names the first record that
        is later than a time; as long as it stands before the given offset, its time is a floor, and the question is
        asked again. Raises LogUnavailable.
        """
        floors = {partition: time_ms for partition, (_, time_ms) in firsts.items()}
        open_ = {partition for partition, (offset, _) in firsts.items() if offset}
        async with self._asked() as consumer:
            while open_:
                asked = {self._of(partition): floors[partition] + 1 for partition in open_}
                found = await consumer.offsets_for_times(asked)
                later = {self._place.partition(*each): at for each, at in found.items() if at is not None}
                open_ = {partition for partition, at in later.items() if at.offset < firsts[partition][0]}
                floors |= {partition: later[partition].timestamp for partition in open_}
        return floors

    async def read(self, wanted: Mapping[Partition, int], *, max_records: int, max_bytes: int) -> list[Slice]:
        """What is there, of every partition that has news. Raises LogUnavailable and LogBroken."""
        async with self._asked() as consumer:
            asked = [self._of(partition) for partition in wanted]
            ends = await consumer.end_offsets(asked) if asked else {}
            news = {p: offset for p, offset in wanted.items() if offset < ends[self._of(p)]}
            for partition, offset in wanted.items():
                if offset > (end := ends[self._of(partition)]):
                    raise LogBroken(f"log went backwards: {partition} ends at {end}, {offset} was read before")
            found = await self._fetch(consumer, news, max_records) if news else {}
        firsts = {p: (records[0].offset, records[0].timestamp) for p, records in found.items()}
        floors = await self.floors(firsts)
        slices: list[Slice] = []
        left = max_bytes
        for partition in sorted(found):
            some, left = _within(found[partition], left)
            slices += slices_of(partition, some, floors[partition])
        return slices

    async def _fetch(
        self, consumer: AIOKafkaConsumer, wanted: Mapping[Partition, int], max_records: int
    ) -> dict[Partition, list[ConsumerRecord]]:
        """At least one record of each."""
        found: dict[Partition, list[ConsumerRecord]] = {}
        consumer.assign([self._of(partition) for partition in wanted])
        for partition, offset in wanted.items():
            consumer.seek(self._of(partition), offset)
        try:
            while missing := [self._of(partition) for partition in wanted if partition not in found]:
                got = await consumer.getmany(*missing, timeout_ms=POLL_MS, max_records=max_records)
                for each, records in got.items():
                    partition = self._place.partition(*each)
                    if records[0].offset != wanted[partition]:
                        raise LogBroken(f"log incomplete: {partition} has no record at {wanted[partition]}")
                    found[partition] = records
        except OffsetOutOfRangeError as reason:
            without = ", ".join(str(self._place.partition(*each)) for each in reason.args[0])
            raise LogBroken(f"log incomplete: {without}: records were deleted") from None
        except CorruptRecordException:
            raise LogBroken("log damaged: a batch does not have the checksum that it was written with") from None
        finally:
            consumer.unsubscribe()
        return found

    def _of(self, partition: Partition) -> TopicPartition:
        return TopicPartition(self._place.topic(partition.topic), partition.number)

    @asynccontextmanager
    async def _asked(self) -> AsyncIterator[AIOKafkaConsumer]:
        """The consumer, for one question; one that failed is given up. Raises LogUnavailable.

        Who waits behind others has the same time in all: else the last one would wait for the sum.
        """
        has_turn = False
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                has_turn = await self._turn.acquire()
                if self._consumer is None:
                    self._consumer = new_consumer(self._place, fetch_max_wait_ms=0)
                    await self._consumer.start()
                    await self._introduce(self._consumer)
                yield self._consumer
        except LogUnavailable:
            raise
        except CLIENT_ERRORS as reason:
            if has_turn:
                await self._give_up()
            raise await explained(self._place, reason) from reason
        finally:
            if has_turn:
                self._turn.release()

    async def _introduce(self, consumer: AIOKafkaConsumer) -> None:
        """A topic that is gone meanwhile is waited for no longer than the others take."""
        firsts = [TopicPartition(self._place.topic(topic), 0) for topic in self.topics]
        asking = [asyncio.ensure_future(consumer.end_offsets([first])) for first in firsts]
        if asking:
            await asyncio.wait(asking, timeout=INTRODUCED_WITHIN_S)
        for each in asking:
            each.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    async def _give_up(self) -> None:
        if self._consumer is not None:
            consumer, self._consumer = self._consumer, None
            await stopped(consumer)

    async def close(self) -> None:
        async with self._turn:
            await self._give_up()


def _within(records: list[ConsumerRecord], max_bytes: int) -> tuple[list[ConsumerRecord], int]:
    """As many as fit, one at least; and the bytes that are left."""
    left = max_bytes
    for n, record in enumerate(records):
        if n and left <= 0:
            return records[:n], left
        left -= len(record.value or b"")
    return records, left
