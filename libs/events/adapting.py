"""What every log adapter has in common: a flag for each reader, and the name it is told."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Literal
from uuid import UUID

from libs.events.log import AppendRefused, LogBroken, Record
from libs.events.partitions import partition_of
from libs.events.position import Partition

Brokers = Literal["single", "cluster"]
"""What a log was made on: more than one broker must hold what a cluster's log acknowledges."""


class Bell:
    """One reader's flag. See `libs.events.log.Doorbell`."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()

    async def wait(self, timeout_s: float) -> None:
        """Return at the next ring, at once if it rang since the last wait, or after the timeout."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._rung.wait()
        except TimeoutError:
            return
        self._rung.clear()

    def close(self) -> None:
        self._rung.set()


class Adapter:
    """A log that knows who it is once `libs.events.log_created` has read it."""

    _log_id: UUID | None = None
    brokers: Brokers = "single"
    """What a log that is made now is made on."""

    @property
    def trouble(self) -> str | None:
        """See `EventLog.trouble`."""
        return None

    async def advise(self, service: str, reached: Mapping[Partition, int]) -> None:
        """See `EventLog.advise`; most logs have no tools of their own."""

    async def require_safe(self, brokers: Brokers) -> None:
        """Raise LogBroken where what is acknowledged here could be lost, or could be lost more easily than promised."""

    @property
    def log_id(self) -> UUID:
        if self._log_id is None:
            raise LogBroken("this log has no name yet: run `rapport topics ensure`")
        return self._log_id

    def identify(self, log_id: UUID) -> None:
        self._log_id = log_id


def by_partition(
    topic: str, count: int, records: Sequence[Record], size_of: Callable[[Record], int], max_bytes: int
) -> tuple[dict[Partition, list[Record]], int]:
    """Records where their keys belong, in order, and their size in all.

    Raises AppendRefused for what this topic cannot take.
    """
    if not count:
        raise AppendRefused(f"there is no topic {topic}")
    groups: dict[int, list[Record]] = {}
    total = 0
    for record in records:
        number = partition_of(record.key, count) if record.partition is None else record.partition
        if not 0 <= number < count:
            raise AppendRefused(f"topic {topic} has no partition {number}")
        if (size := size_of(record)) > max_bytes:
            raise AppendRefused("a record is larger than the log takes")
        total += size
        if number in groups:
            groups[number].append(record)
        else:
            groups[number] = [record]
    return {Partition(topic, number): group for number, group in groups.items()}, total
