"""The log: the only truth, and the only way to write (DESIGN.md laws 1 and 2).

What every adapter promises
    A partition is a sequence of records with offsets 0, 1, 2, ... without gaps. An offset always means the same record.
    A key's bytes choose the partition (murmur2), so records of one key have one order, everywhere.
    `append` ends in one of three ways: the records are durable (it returns where they stand), they certainly are not
    (`AppendRefused`), or nobody knows (`AppendUnknown`): then they may appear later, or never.
    Records of one `append` keep their order within each partition. On adapters with transactions they appear together.
    A record's time never lies before that of its predecessor in the partition.
    `read` returns what is there and does not wait; a doorbell says when to look again. It is a hint: readers also look
    without it.

What no adapter promises
    An order between partitions. Appending on a condition: arbitration by readers replaces that.

Offset 0 of every partition is a `log.created` record that names the log; whoever opens a log compares it.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

import msgspec

from libs.events.position import Partition, Positions

CONTENT_TYPE = "application/cloudevents+json"
EVENT_HEADERS = (("content-type", CONTENT_TYPE.encode()),)
REQUEST_HEADER = "request"  # of our own commands: a keyed hash of the request, which tells a retry from another one
DOORBELL_TIMEOUT_S = 0.5  # the doorbell is a hint; this is how long a lost ring may go unnoticed

Headers = tuple[tuple[str, bytes], ...]


class Record(msgspec.Struct, frozen=True, gc=False):
    """What a writer hands over: the key's bytes choose the partition, the value is stored byte for byte.

    `partition` is for `log.created` alone, which stands in every partition whatever its key.
    """

    key: bytes
    value: bytes
    headers: Headers = EVENT_HEADERS
    partition: int | None = None


class Slice(msgspec.Struct, frozen=True, gc=False):
    """Consecutive records of one partition that share a recorded time (a batch, or the rest of one)."""

    partition: Partition
    base_offset: int
    recorded_ms: int
    records: Sequence[Record]

    @property
    def next_offset(self) -> int:
        return self.base_offset + len(self.records)


class Span(NamedTuple):
    """Where the records of one append stand in one partition."""

    first: int
    length: int


class Appended(NamedTuple):
    """The answer to an append: per partition the first offset and how many, in the order given."""

    topic: str
    spans: dict[int, Span]

    @property
    def next_offsets(self) -> dict[int, int]:
        """By partition, the offset after the last of these records."""
        return {number: first + length for number, (first, length) in self.spans.items()}

    @property
    def positions(self) -> Positions:
        return {Partition(self.topic, number): offset for number, offset in self.next_offsets.items()}


class LogError(Exception):
    """Everything that can go wrong with the log."""


class AppendRefused(LogError):
    """Nothing of it was written and nothing will be."""


class LogOverloaded(AppendRefused):
    """More waits to be written than this process may hold."""


class AppendUnknown(LogError):
    """It may have been written; appending the same ids again is safe, since readers drop duplicates.

    `known` says where the partitions stand that certainly were written, `refused` names those that certainly were not:
    more than nothing only on an adapter that cannot write several partitions together.
    """

    def __init__(self, detail: str, known: Mapping[int, Span] | None = None, refused: Collection[int] = ()) -> None:
        super().__init__(detail)
        self.known: Mapping[int, Span] = known or {}
        self.refused = frozenset(refused)


class LogUnavailable(LogError):
    """The log cannot be reached now; trying again later is right."""


class LogForbidden(LogUnavailable):
    """The log's servers do not let this process in: until somebody changes its settings or theirs."""


class LogBroken(LogError):
    """The log is not the one it was, or not whole. Nothing may be folded from it; a person must look."""


class Doorbell(Protocol):
    """Rings when something was appended, by whichever process. One reader, one doorbell."""

    async def wait(self, timeout_s: float) -> None:
        """Return at the next ring, at once if it rang since the last wait, or after the timeout."""
        ...

    def close(self) -> None: ...


class EventLog(Protocol):
    """The port. Adapters: memory, PostgreSQL, Apache Kafka."""

    @property
    def log_id(self) -> UUID:
        """Who this log is; from `log.created` of the operations topic."""
        ...

    async def append(self, topic: str, records: Sequence[Record]) -> Appended:
        """Write records durably. Raises AppendRefused, AppendUnknown."""
        ...

    async def read(
        self, wanted: Mapping[Partition, int], *, max_records: int, max_bytes: int, bell: Doorbell | None = None
    ) -> list[Slice]:
        """Records from each given offset on, in order within a partition; empty where there is nothing yet.

        At most `max_records` of each partition, and about `max_bytes` in all: an adapter may read whole batches, and
        every partition that has news gives at least one record. A reader that follows gives its own `bell`: then an
        adapter may read ahead for it, and what has not arrived yet is left out and announced by the bell.
        Raises LogUnavailable, and LogBroken where an offset lies behind the end.
        """
        ...

    async def ends(self, topics: Sequence[str]) -> Positions:
        """The next offset of every partition of these topics. Raises LogUnavailable."""
        ...

    def doorbell(self) -> Doorbell: ...

    async def advise(self, service: str, reached: Mapping[Partition, int]) -> None:
        """Tell the log's own tools how far a service has folded. Nothing reads it back; failures are not told."""
        ...

    @property
    def trouble(self) -> str | None:
        """What keeps this adapter from working now, for readiness."""
        ...

    async def close(self) -> None:
        """Stop; what was appended and not answered ends as unknown."""
        ...


def key_of(node: UUID) -> bytes:
    """A node as a key: its canonical text."""
    return str(node).encode()
