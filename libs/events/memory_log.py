"""The log in memory, for tests and for trying folds: the same contract, gone with the process."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from libs.events.adapting import Adapter, Bell
from libs.events.clock import now_ms
from libs.events.log import Appended, AppendRefused, Doorbell, LogBroken, Record, Slice, Span
from libs.events.partitions import partition_of
from libs.events.position import Partition, Positions


class _Kept(NamedTuple):
    recorded_ms: int
    record: Record


class MemoryLog(Adapter):
    """See `libs.events.log.EventLog` for what it promises."""

    def __init__(self) -> None:
        self._partitions: dict[Partition, list[_Kept]] = {}
        self._counts: dict[str, int] = {}
        self._bells: list[Bell] = []

    async def create_topics(self, counts: Mapping[str, int]) -> None:
        """Make topics that do not exist."""
        for topic, count in counts.items():
            if topic not in self._counts:
                self._counts[topic] = count
                self._partitions |= {Partition(topic, number): [] for number in range(count)}

    async def partition_counts(self) -> Mapping[str, int]:
        """How many partitions each topic has."""
        return dict(self._counts)

    async def append(self, topic: str, records: Sequence[Record]) -> Appended:
        """See `EventLog.append`."""
        if topic not in self._counts:
            raise AppendRefused(f"there is no topic {topic}")
        count = self._counts[topic]
        numbers = [partition_of(r.key, count) if r.partition is None else r.partition for r in records]
        if not all(0 <= number < count for number in numbers):
            raise AppendRefused(f"topic {topic} has no such partition")
        spans: dict[int, Span] = {}
        for number, record in zip(numbers, records, strict=True):
            kept = self._partitions[Partition(topic, number)]
            last_ms = kept[-1].recorded_ms if kept else 0
            first, length = spans.get(number, Span(len(kept), 0))
            kept.append(_Kept(max(now_ms(), last_ms), record))
            spans[number] = Span(first, length + 1)
        for bell in self._bells:
            bell.ring()
        return Appended(topic, spans)

    async def read(
        self, wanted: Mapping[Partition, int], *, max_records: int, max_bytes: int, bell: Doorbell | None = None
    ) -> list[Slice]:
        """See `EventLog.read`."""
        slices = []
        left = max_bytes
        for partition, offset in sorted(wanted.items()):
            if partition not in self._partitions:
                raise LogBroken(f"log went backwards: there is no {partition}")
            kept = self._partitions[partition]
            if offset > len(kept):
                raise LogBroken(f"log went backwards: {partition} ends at {len(kept)}, {offset} was read before")
            for n, (recorded_ms, record) in enumerate(kept[offset : offset + max_records], start=offset):
                if n > offset and left <= 0:
                    break
                left -= len(record.value)
                slices.append(Slice(partition, n, recorded_ms, [record]))
        return slices

    async def ends(self, topics: Sequence[str]) -> Positions:
        """See `EventLog.ends`."""
        return {p: len(kept) for p, kept in sorted(self._partitions.items()) if p.topic in topics}

    def doorbell(self) -> Bell:
        """See `EventLog.doorbell`."""
        bell = Bell()
        self._bells.append(bell)
        return bell

    async def close(self) -> None:
        """See `EventLog.close`."""
