"""The whole log as one stream, in the order in which it was recorded: what `rapport tail` reads."""

import heapq
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import NamedTuple

from libs.events.log import DOORBELL_TIMEOUT_S, EventLog, Record, Slice
from libs.events.position import Partition, Positions

READ_RECORDS = 1_000  # of each partition at a time; with events of the usual size some 6 MB in all
READ_BYTES = 8 * 1024 * 1024


class Stored(NamedTuple):
    """A record and where it stands."""

    partition: Partition
    offset: int
    recorded_ms: int
    record: Record

    @property
    def order(self) -> tuple[int, Partition, int]:
        return self.recorded_ms, self.partition, self.offset


async def up_to(log: EventLog, start: Mapping[Partition, int], ends: Mapping[Partition, int]) -> AsyncIterator[Stored]:
    """Everything between two positions, merged by recorded time. Memory: one read of every partition."""
    wanted = {partition: offset for partition, offset in start.items() if offset < ends.get(partition, 0)}
    waiting: dict[Partition, deque[Stored]] = {}
    heads: list[tuple[tuple[int, Partition, int], Stored]] = []
    await _refill(log, wanted, ends, waiting)
    for queue in waiting.values():
        heapq.heappush(heads, (queue[0].order, queue.popleft()))
    while heads:
        _, stored = heapq.heappop(heads)
        yield stored
        queue = waiting[stored.partition]
        if not queue and wanted[stored.partition] < ends[stored.partition]:
            emptied = {p: wanted[p] for p, q in waiting.items() if not q and wanted[p] < ends[p]}
            wanted |= await _refill(log, emptied, ends, waiting)
        if queue:
            heapq.heappush(heads, (queue[0].order, queue.popleft()))


async def _refill(
    log: EventLog, wanted: Positions, ends: Mapping[Partition, int], waiting: dict[Partition, deque[Stored]]
) -> Positions:
    """Read on and queue what is found; `wanted` is moved along."""
    for piece in await log.read(wanted, max_records=READ_RECORDS, max_bytes=READ_BYTES):
        found = [stored for stored in _stored(piece) if stored.offset < ends[piece.partition]]
        waiting.setdefault(piece.partition, deque()).extend(found)
        wanted[piece.partition] = piece.next_offset
    return wanted


async def from_then_on(log: EventLog, start: Mapping[Partition, int]) -> AsyncIterator[Stored]:
    """Everything after a position, for ever; what is read at once is in recorded order."""
    wanted = dict(start)
    bell = log.doorbell()
    try:
        while True:
            pieces = await log.read(wanted, max_records=READ_RECORDS, max_bytes=READ_BYTES, bell=bell)
            for stored in sorted((stored for piece in pieces for stored in _stored(piece)), key=lambda s: s.order):
                yield stored
            wanted |= {piece.partition: piece.next_offset for piece in pieces}
            if not pieces:
                await bell.wait(DOORBELL_TIMEOUT_S)
    finally:
        bell.close()


async def recorded_since(log: EventLog, ends: Mapping[Partition, int], since_ms: int) -> Positions:
    """The first offset of each partition that was recorded then or later: a binary search, all partitions at once."""
    low, high = dict.fromkeys(ends, 0), dict(ends)
    while middle := {p: (low[p] + high[p]) // 2 for p in ends if low[p] < high[p]}:
        for piece in await _one_each(log, middle):
            if piece.recorded_ms < since_ms:
                low[piece.partition] = middle[piece.partition] + 1
            else:
                high[piece.partition] = middle[piece.partition]
    return low


async def _one_each(log: EventLog, wanted: Positions) -> Sequence[Slice]:
    return await log.read(wanted, max_records=1, max_bytes=1)


def _stored(piece: Slice) -> list[Stored]:
    return [
        Stored(piece.partition, offset, piece.recorded_ms, record)
        for offset, record in enumerate(piece.records, start=piece.base_offset)
    ]
