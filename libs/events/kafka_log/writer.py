"""Appending to Kafka: one lane a partition, one batch of a lane on its way at a time.

What waits for a partition while a batch is on its way goes into the next one, so many callers share a request and
nothing lingers. Since a lane hands over one batch and waits for its answer, whatever still waits when a caller's time
is over was certainly never sent (refused), and only what was handed over is unknown: aiokafka goes on delivering that,
with the same sequence numbers, for as long as it takes.

    written    the broker said where it stands
    refused    never handed over, or the broker said no
    unknown    handed over, and no answer in time

A batch that the broker refuses spoils its producer (see `producing`). The producer is replaced; the callers of that
batch are sent again one by one, so that only the guilty one is refused; all others are sent again as they were. Readers
drop what comes twice.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTopicError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)

from libs.events.clock import monotonic_s
from libs.events.kafka_log.calls import MAX_RECORD_BYTES, Call, Piece
from libs.events.kafka_log.place import CLIENT_ERRORS, KafkaPlace
from libs.events.kafka_log.producing import Producers
from libs.events.log import Appended, AppendRefused, LogOverloaded, LogUnavailable, Record
from libs.events.position import Partition

APPEND_TIMEOUT_S = 4.5  # of the 5 s in which every call ends
CLOSE_TIMEOUT_S = 3.0
RETRY_S = 0.1
SILENT_AFTER_S = 2.0  # a batch that is on its way for so long is worth telling
MAX_WAITING_BYTES = 64 << 20  # beyond this the process would rather refuse than grow

# The broker read the batch and will never take it.
_REFUSALS = (
    InvalidTopicError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)


@dataclass(slots=True, eq=False)
class Lane:
    """One partition's way to the broker."""

    partition: Partition
    waiting: deque[Piece] = field(default_factory=deque)
    task: asyncio.Task[None] | None = None
    sent_s: float | None = None


class Writer:
    """Takes appends from any task of this process."""

    def __init__(self, place: KafkaPlace, tasks: asyncio.TaskGroup) -> None:
        self._place = place
        self._tasks = tasks
        self.producers = Producers(place)
        self._lanes: dict[Partition, Lane] = {}
        self._waiting_bytes = 0
        self._unreachable: str | None = None
        self._is_closed = False

    @property
    def trouble(self) -> str | None:
        """What keeps appends from being acknowledged now."""
        if self._unreachable:
            return self._unreachable
        silent = [each for each in self._lanes.values() if each.sent_s and monotonic_s() - each.sent_s > SILENT_AFTER_S]
        return f"Kafka has not acknowledged what was sent to {silent[0].partition} yet" if silent else None

    async def look_again(self) -> None:
        """Whether brokers that were not there are back. Nobody may have anything to append meanwhile."""
        if self._unreachable is not None:
            await self._producer()

    async def _producer(self) -> tuple[int, AIOKafkaProducer] | None:
        """None where there is none, as `trouble` then says."""
        try:
            found = await self.producers.current()
        except LogUnavailable as reason:
            self._unreachable = str(reason)
            return None
        self._unreachable = None
        return found

    async def put(self, topic: str, groups: Mapping[Partition, Sequence[Record]], size: int) -> Appended:
        """See `EventLog.append`. A caller that is cancelled stops nothing."""
        if self._is_closed:
            raise AppendRefused("the log is closed")
        if self._waiting_bytes + size > MAX_WAITING_BYTES:
            raise LogOverloaded("too much waits to be written")
        call = Call(topic, asyncio.get_running_loop().create_future())
        pieces = call.cut(groups)
        self._waiting_bytes += size
        for piece in pieces:
            self._enter(Partition(topic, piece.number), piece)
        timer = asyncio.get_running_loop().call_later(APPEND_TIMEOUT_S, _expire, pieces)
        call.done.add_done_callback(lambda done: self._ended(done, size, timer))
        return await asyncio.shield(call.done)

    def _ended(self, done: asyncio.Future[Appended], size: int, timer: asyncio.TimerHandle) -> None:
        self._waiting_bytes -= size
        timer.cancel()
        _retrieve(done)

    def _enter(self, partition: Partition, piece: Piece) -> None:
        lane = self._lanes.get(partition)
        if lane is None:
            lane = self._lanes[partition] = Lane(partition)
        lane.waiting.append(piece)
        if lane.task is None:
            lane.task = self._tasks.create_task(self._run(lane))

    async def _run(self, lane: Lane) -> None:
        """Send batch after batch until nothing waits."""
        try:
            while pieces := list(_next_batch(lane)):
                await self._deliver(lane, pieces)
        finally:
            lane.task, lane.sent_s = None, None

    async def _deliver(self, lane: Lane, pieces: Sequence[Piece]) -> None:
        """Ends when each piece has ended, or its caller no longer waits and the broker has nothing of it any more."""
        try:
            while pieces := [piece for piece in pieces if not piece.is_over]:
                found = await self._producer()
                if found is None:
                    _fail(pieces, str(self._unreachable))
                    return
                number, producer = found
                try:
                    first = await self._send(lane, producer, pieces)
                except _REFUSALS as reason:
                    self.producers.replace(number)
                    await self._deliver_each(lane, pieces, f"Kafka refused it ({type(reason).__name__})")
                    return
                except CLIENT_ERRORS:
                    self.producers.replace(number)
                    for piece in pieces:
                        piece.is_doubtful = True
                    await asyncio.sleep(RETRY_S)
                    continue
                _place(pieces, first)
                return
        except asyncio.CancelledError:
            _fail(pieces, "the log was closed")
            raise

    async def _deliver_each(self, lane: Lane, pieces: Sequence[Piece], reason: str) -> None:
        """One caller's records that are refused take no others with them."""
        if len(pieces) > 1:
            for piece in pieces:
                await self._deliver(lane, [piece])
            return
        for piece in pieces:
            piece.handed_over = piece.is_doubtful  # this time it came back
            piece.failed(reason)

    async def _send(self, lane: Lane, producer: AIOKafkaProducer, pieces: Sequence[Piece]) -> int:
        """The offset of the first record; less than 0 where the broker no longer knows."""
        batch = producer.create_batch()
        for piece in pieces:
            for record in piece.records:
                batch.append(key=record.key, value=record.value, timestamp=None, headers=list(record.headers))
        topic = self._place.topic(lane.partition.topic)
        for piece in pieces:
            piece.handed_over = True
        lane.sent_s = monotonic_s()
        try:
            sending = await producer.send_batch(batch, topic, partition=lane.partition.number)
            sending.add_done_callback(_retrieve)
            return int((await sending).offset)
        finally:
            lane.sent_s = None

    async def close(self) -> None:
        """What waits gets a moment; then it ends as refused or unknown."""
        self._is_closed = True
        if tasks := [lane.task for lane in self._lanes.values() if lane.task]:
            _, late = await asyncio.wait(tasks, timeout=CLOSE_TIMEOUT_S)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
        for lane in self._lanes.values():
            _fail(lane.waiting, "the log was closed")
        await self.producers.close()


def _retrieve(done: asyncio.Future[Any]) -> None:
    """Whoever asked may be gone."""
    if not done.cancelled():
        done.exception()


def _next_batch(lane: Lane) -> Iterator[Piece]:
    """What waits, in order, as much as fits; whose caller was told already is passed over."""
    size = 0
    while lane.waiting and (not size or size + lane.waiting[0].size <= MAX_RECORD_BYTES):
        piece = lane.waiting.popleft()
        if not piece.is_over:
            size += piece.size
            yield piece


def _place(pieces: Sequence[Piece], first: int) -> None:
    for piece in pieces:
        if piece.is_over:
            pass
        elif first < 0:
            piece.failed("Kafka has it and no longer knows where")
        else:
            piece.written(first)
        first += len(piece.records) if first >= 0 else 0


def _fail(pieces: Iterable[Piece], reason: str) -> None:
    for piece in pieces:
        if not piece.is_over:
            piece.failed(reason)


def _expire(pieces: Sequence[Piece]) -> None:
    _fail(pieces, "Kafka did not answer in time")
