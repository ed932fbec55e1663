"""Reading ahead for one reader that follows: a consumer that is assigned and sought before its first fetch.

    brokers -> consumer -> ready, by partition -> the reader
                              |
                              +-> rings the reader's bell

The reader says where it is with every read; where that is not what is ready, the consumer is sought anew. A partition
of which much is ready is not taken from the consumer until some of it was read, and the consumer then fetches no more
of it: so memory is bounded. A consumer can stay stuck after an outage (aiokafka #703, #1154): where an end grows and
nothing arrives for long, `watch` rebuilds it.
"""

import asyncio
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import ConsumerStoppedError, CorruptRecordException, OffsetOutOfRangeError

from libs.events.adapting import Bell
from libs.events.clock import monotonic_s
from libs.events.kafka_log.lookups import Lookups, new_consumer, stopped
from libs.events.kafka_log.place import CLIENT_ERRORS, KafkaPlace
from libs.events.kafka_log.records import slices_of
from libs.events.kafka_log.refusals import explained
from libs.events.log import LogBroken, LogUnavailable, Slice
from libs.events.position import Partition

FETCH_MAX_WAIT_MS = 500  # the brokers answer at once when something arrives
POLL_MS = 1_000
POLL_SOME_MS = 50  # while some partitions have enough: others may get room at any time
POLL_RECORDS = 2_000  # decoded at once; requests get their turn in between
READY_BYTES = 4 << 20  # of one partition
LITTLE_BYTES = 24 << 10  # of all: some 50 events; who has more to read finds the newest ready too
UNREAD_S = 0.1
RETRY_S = 0.2
START_TIMEOUT_S = 5.0
PLACED_WITHIN_S = 5.0
STUCK_AFTER_S = 30.0

logger = structlog.get_logger()


@dataclass(slots=True, eq=False)
class Ahead:
    """One partition: what is ready from `next` on, and where the consumer goes on. Made anew by each seek."""

    next: int
    fetch: int
    ready: deque[tuple[Slice, int]] = field(default_factory=deque)
    size: int = 0
    floor_ms: int | None = None
    """Of recorded time; None until it is asked for, after a seek."""
    waits_at: int = -1
    waits_since_s: float = 0.0

    def take(self, max_records: int, max_bytes: int) -> Iterator[Slice]:
        """What is ready, within the limits but at least one slice of it."""
        taken = 0
        while self.ready and max_records and (taken < max_bytes or not taken):
            piece, size = self.ready.popleft()
            if len(piece.records) > max_records:
                rest = piece.records[max_records:]
                part = size * max_records // len(piece.records)
                self.ready.appendleft(
                    (Slice(piece.partition, piece.base_offset + max_records, piece.recorded_ms, rest), size - part)
                )
                piece, size = (
                    Slice(piece.partition, piece.base_offset, piece.recorded_ms, piece.records[:max_records]),
                    part,
                )
            self.size -= size
            taken += size
            max_records -= len(piece.records)
            self.next = piece.next_offset
            yield piece

    def is_stuck(self, end: int, now_s: float) -> bool:
        """Whether for long the log has had more of this partition, there was room for it, and nothing came."""
        if self.fetch >= end or self.size or self.fetch != self.waits_at:
            self.waits_at, self.waits_since_s = self.fetch, now_s
        return now_s - self.waits_since_s > STUCK_AFTER_S


class Stream(Bell):
    """A doorbell, and what is read ahead for whoever waits for it. See `libs.events.log.Doorbell`."""

    def __init__(
        self, place: KafkaPlace, lookups: Lookups, topics: Collection[str], tasks: asyncio.TaskGroup
    ) -> None:  # fmt: skip
        super().__init__()
        self._place = place
        self._tasks = tasks
        self._lookups = lookups
        self._topics = topics
        self._ahead: dict[Partition, Ahead] = {}
        self._is_read = False
        self._placed = asyncio.Event()
        self._room = asyncio.Event()
        self._consumer: AIOKafkaConsumer | None = None
        self._failure: LogBroken | None = None
        self.trouble: str | None = None
        self.task: asyncio.Task[None] | None = None
        self.is_closed = False

    @property
    def is_ending(self) -> bool:
        """Whether its consumer is still to be waited for."""
        return self.task is not None and not self.task.done()

    async def wait(self, timeout_s: float) -> None:
        """Who never reads is rung from the log's ends on, once these are known."""
        if not self._is_read:
            self._start()
            with suppress(TimeoutError):
                async with asyncio.timeout(PLACED_WITHIN_S):
                    await self._placed.wait()
        await super().wait(timeout_s)

    def close(self) -> None:
        """The consumer ends in the background."""
        self.is_closed = True
        if self.task is not None:
            self.task.cancel()
        super().close()

    def take(self, wanted: Mapping[Partition, int], *, max_records: int, max_bytes: int) -> list[Slice]:
        """What is ready from these offsets on; the bell rings when there is more. Raises LogBroken."""
        if self._failure is not None:
            raise self._failure
        if not self._is_read:
            self._is_read = True
            self._ahead.clear()
        moved = {p: Ahead(offset, offset) for p, offset in wanted.items() if not self._is_at(p, offset)}
        if moved:
            has_new = not moved.keys() <= self._ahead.keys()
            self._ahead |= moved
            self._seek(moved, assign=has_new)
        self._start()
        share = max(1, max_bytes // max(1, len(wanted)))
        slices = [piece for p in sorted(wanted) for piece in self._ahead[p].take(max_records, share)]
        if slices or moved:
            self._room.set()
        return slices

    def _is_at(self, partition: Partition, offset: int) -> bool:
        ahead = self._ahead.get(partition)
        return ahead is not None and ahead.next == offset

    def _seek(self, moved: Mapping[Partition, Ahead], *, assign: bool) -> None:
        """Before the next fetch: there is no turn of the loop between assigning and seeking."""
        if self._consumer is None:
            return
        if assign:
            self._consumer.assign([self._of(partition) for partition in self._ahead])
        for partition, ahead in (self._ahead if assign else moved).items():
            self._consumer.seek(self._of(partition), ahead.fetch)

    def _of(self, partition: Partition) -> TopicPartition:
        return TopicPartition(self._place.topic(partition.topic), partition.number)

    def _start(self) -> None:
        if self.task is None and not self.is_closed:
            self.task = self._tasks.create_task(self._run())

    def watch(self, ends: Mapping[Partition, int]) -> None:
        """Given the ends of the log now and then: rebuild the consumer where nothing arrives although there is more."""
        now_s = monotonic_s()
        stuck = [p for p, ahead in self._ahead.items() if ahead.is_stuck(ends.get(p, 0), now_s)]
        if not stuck:
            return
        logger.warning("consumer_rebuilt", partition=str(stuck[0]), others=len(stuck) - 1)
        self.trouble = f"nothing arrived of {stuck[0]} although the log has more; its consumer is rebuilt"
        if self.task is not None:
            self.task.cancel()
            self.task = None
        for partition in stuck:
            self._ahead[partition].waits_at = -1
        self._start()

    async def _run(self) -> None:
        while not self.is_closed:
            try:
                await self._pump()
            except (LogBroken, OffsetOutOfRangeError, CorruptRecordException) as reason:
                self._failure = await self._explain(reason)
                if self._failure is not None:
                    self.ring()
                    return
            except LogUnavailable as reason:
                self.trouble = str(reason)
            except CLIENT_ERRORS as reason:
                self.trouble = str(await explained(self._place, reason))
            await asyncio.sleep(RETRY_S)

    async def _explain(self, reason: Exception) -> LogBroken | None:
        """None where the brokers no longer say so."""
        if isinstance(reason, LogBroken):
            return reason
        if isinstance(reason, CorruptRecordException):
            return LogBroken("log damaged: a batch does not have the checksum that it was written with")
        try:
            starts, ends = await self._lookups.bounds(self._ahead)
        except LogUnavailable:
            return None
        except LogBroken as broken:
            return broken
        for partition, ahead in self._ahead.items():
            if ahead.fetch > ends[partition]:
                return LogBroken(f"log went backwards: {partition} ends at {ends[partition]}, not at {ahead.fetch}")
            if ahead.fetch < starts[partition]:
                return LogBroken(f"log incomplete: {partition} begins at {starts[partition]}: records were deleted")
        return None

    async def _pump(self) -> None:
        if not self._ahead and not self._is_read:
            ends = await self._lookups.ends(self._topics)
            if not self._is_read:
                self._ahead = {partition: Ahead(end, end) for partition, end in ends.items()}
        consumer = new_consumer(self._place, fetch_max_wait_ms=FETCH_MAX_WAIT_MS)
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                await consumer.start()
            self._consumer = consumer
            self._seek(self._ahead, assign=True)
            self._placed.set()
            self.ring()  # something may have come before it listened
            while not self.is_closed:  # the client may swallow a cancellation
                await self._fill(consumer)
        finally:
            self._consumer = None
            await stopped(consumer)

    async def _fill(self, consumer: AIOKafkaConsumer) -> None:
        # What it does not expect ends aiokafka's fetching task, and nobody is told.
        if consumer._fetcher.error_future.done():  # noqa: SLF001
            raise ConsumerStoppedError
        await self._until_read()
        hungry = [self._of(partition) for partition, ahead in self._ahead.items() if ahead.size < READY_BYTES]
        if not hungry:
            self._room.clear()
            await self._room.wait()
        elif len(hungry) == len(self._ahead):
            await self._put(await consumer.getmany(timeout_ms=POLL_MS, max_records=POLL_RECORDS))
        else:
            await self._put(await consumer.getmany(*hungry, timeout_ms=POLL_SOME_MS, max_records=POLL_RECORDS))

    async def _until_read(self) -> None:
        """Where a little is ready, wait until it is read, for a moment.

        Else a reader that reads at a pace would make the brokers answer at that of the writers. What was fetched and
        not taken from the consumer keeps it from fetching more.
        """
        if self._is_read and 0 < sum([ahead.size for ahead in self._ahead.values()]) < LITTLE_BYTES:
            self._room.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(UNREAD_S):
                    await self._room.wait()

    async def _put(self, got: Mapping[TopicPartition, Sequence[ConsumerRecord]]) -> None:
        if not got:
            return
        self.trouble = None
        by_partition = {self._place.partition(*each): records for each, records in got.items()}
        arrived = [(partition, self._ahead[partition], records) for partition, records in by_partition.items()]
        firsts = {p: (records[0].offset, records[0].timestamp) for p, at, records in arrived if at.floor_ms is None}
        floors = await self._lookups.floors(firsts) if firsts else {}
        for partition, ahead, records in arrived:
            if ahead is not self._ahead[partition]:
                continue  # it was sought elsewhere meanwhile
            floor_ms = floors[partition] if ahead.floor_ms is None else ahead.floor_ms
            for piece in slices_of(partition, records, floor_ms):
                size = sum([len(record.value) for record in piece.records])
                ahead.ready.append((piece, size))
                ahead.size += size
                ahead.fetch, ahead.floor_ms = piece.next_offset, piece.recorded_ms
        self.ring()
