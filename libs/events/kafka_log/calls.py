"""An append on its way: cut into pieces, one or more a partition, and answered when all of them have ended."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from libs.events.log import Appended, AppendRefused, AppendUnknown, Record, Span
from libs.events.position import Partition

MAX_RECORD_BYTES = 900_000  # with what a batch adds it stays below what a topic takes, and so does a batch of these
RECORD_OVERHEAD_BYTES = 40  # of a record in a batch, at most, beside its key, value and headers


@dataclass(slots=True, eq=False)
class Call:
    """One append: how its pieces ended, until all have."""

    topic: str
    done: asyncio.Future[Appended]
    left: int = 0
    spans: dict[int, Span] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)
    unknown: dict[int, str] = field(default_factory=dict)

    def cut(self, groups: Mapping[Partition, Sequence[Record]]) -> list["Piece"]:
        """Its records as pieces, none larger than a batch."""
        pieces = [
            Piece(self, partition.number, part, sum(map(size_of, part)))
            for partition, records in groups.items()
            for part in _parts(records)
        ]
        self.left = len(pieces)
        return pieces

    def settle(self) -> None:
        """Answer with what is known now. A partition of which only a part is known is unknown."""
        if self.done.done():
            return
        partly = self.refused.keys() & self.spans.keys()
        unknown = self.unknown.keys() | partly
        known = {number: span for number, span in self.spans.items() if number not in unknown}
        refused = self.refused.keys() - unknown
        if unknown or (known and refused):
            reason = next(iter((self.unknown | self.refused).values()))
            self.done.set_exception(AppendUnknown(reason, known, refused))
        elif refused:
            self.done.set_exception(AppendRefused(next(iter(self.refused.values()))))
        else:
            self.done.set_result(Appended(self.topic, known))


@dataclass(slots=True, eq=False)
class Piece:
    """Records of one call for one partition, at most a batch of them."""

    call: Call
    number: int
    records: Sequence[Record]
    size: int
    handed_over: bool = False
    is_doubtful: bool = False
    """It was handed over before, to a producer that failed."""
    is_over: bool = False

    def written(self, first: int) -> None:
        """A call's batches of one partition may have others' between them: its span covers those."""
        start = self.call.spans[self.number].first if self.number in self.call.spans else first
        self.call.spans[self.number] = Span(start, first + len(self.records) - start)
        self._end()

    def failed(self, reason: str) -> None:
        (self.call.unknown if self.handed_over else self.call.refused)[self.number] = reason
        self._end()

    def _end(self) -> None:
        self.is_over = True
        self.call.left -= 1
        if not self.call.left:
            self.call.settle()


def size_of(record: Record) -> int:
    """Bytes of a record in a batch, at most."""
    headers = sum(len(name) + len(value) + 6 for name, value in record.headers)
    return len(record.key) + len(record.value) + headers + RECORD_OVERHEAD_BYTES


def _parts(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    """Cut where a batch would be too large."""
    start, size = 0, 0
    for n, record in enumerate(records):
        more = size_of(record)
        if n > start and size + more > MAX_RECORD_BYTES:
            yield records[start:n]
            start, size = n, 0
        size += more
    yield records[start:] if start else records
