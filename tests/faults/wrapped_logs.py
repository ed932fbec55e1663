"""Logs that deliver otherwise than asked: again from earlier offsets, or in another interleaving. For reading only."""

import random
from collections.abc import Mapping, Sequence
from uuid import UUID

from libs.events.log import Appended, Doorbell, EventLog, Record, Slice
from libs.events.position import Partition, Positions


class Passing:
    """Passes everything on."""

    def __init__(self, log: EventLog) -> None:
        self._log = log

    @property
    def log_id(self) -> UUID:
        return self._log.log_id

    async def append(self, topic: str, records: Sequence[Record]) -> Appended:
        return await self._log.append(topic, records)

    async def read(
        self, wanted: Mapping[Partition, int], *, max_records: int, max_bytes: int, bell: Doorbell | None = None
    ) -> list[Slice]:
        return await self._log.read(wanted, max_records=max_records, max_bytes=max_bytes)

    async def ends(self, topics: Sequence[str]) -> Positions:
        return await self._log.ends(topics)

    def doorbell(self) -> Doorbell:
        return self._log.doorbell()

    async def advise(self, service: str, reached: Mapping[Partition, int]) -> None:
        await self._log.advise(service, reached)

    @property
    def trouble(self) -> str | None:
        return self._log.trouble

    async def close(self) -> None:
        await self._log.close()


class Rewinding(Passing):
    """Delivers from earlier offsets so many times, and counts what it delivered again."""

    def __init__(self, log: EventLog, seed: int, times: int) -> None:
        super().__init__(log)
        self._choices = random.Random(seed)
        self.left = times
        self.again = 0

    async def read(
        self, wanted: Mapping[Partition, int], *, max_records: int, max_bytes: int, bell: Doorbell | None = None
    ) -> list[Slice]:
        earlier = {p: self._choices.randrange(offset) if offset else 0 for p, offset in wanted.items()}
        if not self.left or max(wanted.values(), default=0) < 2 or max_bytes == 1:  # one byte: a look at one record
            return await super().read(wanted, max_records=max_records, max_bytes=max_bytes)
        self.left -= 1
        slices = await super().read(earlier, max_records=max_records, max_bytes=max_bytes)
        self.again += sum(
            max(0, min(piece.next_offset, wanted[piece.partition]) - piece.base_offset) for piece in slices
        )
        return slices


class Interleaving(Passing):
    """Delivers some of the partitions, some of the records, in an order of its own."""

    def __init__(self, log: EventLog, seed: int) -> None:
        super().__init__(log)
        self._choices = random.Random(seed)

    async def read(
        self, wanted: Mapping[Partition, int], *, max_records: int, max_bytes: int, bell: Doorbell | None = None
    ) -> list[Slice]:
        if max_bytes == 1:
            return await super().read(wanted, max_records=max_records, max_bytes=max_bytes)
        some = self._choices.sample(sorted(wanted.items()), self._choices.randint(1, len(wanted)))
        few = self._choices.randint(1, max_records)
        slices = await super().read(dict(some), max_records=few, max_bytes=max_bytes)
        slices = slices or await super().read(wanted, max_records=max_records, max_bytes=max_bytes)
        by_partition: dict[Partition, list[Slice]] = {}
        for piece in slices:
            by_partition.setdefault(piece.partition, []).append(piece)
        shuffled = list(by_partition.values())
        self._choices.shuffle(shuffled)
        return [piece for pieces in shuffled for piece in pieces]
