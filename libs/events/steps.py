"""A piece of the log made ready to be folded: what a transaction works through, in order within each partition."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from libs.events.envelope import Undecodable, digest_of
from libs.events.fold import Fact, fact_of, key_text
from libs.events.log import LogBroken, Record, Slice
from libs.events.log_created import TYPE as LOG_CREATED
from libs.events.position import Partition, Positions
from libs.events.times import ms_text

AT_A_STRETCH = 500  # records that stay in the cache, and after which requests get their turn


class Unreadable(msgspec.Struct, frozen=True, gc=False):
    """A record that can never be folded by this code; its key is parked."""

    key: str
    partition: Partition
    offset: int
    recorded_at: str
    digest: str
    code: str
    detail: str
    name: str | None = None
    event_id: str | None = None


class Passed(msgspec.Struct, frozen=True, gc=False):
    """A record that is no event of anybody's: `log.created`."""

    partition: Partition
    offset: int
    digest: str


class First(NamedTuple):
    """Where a name was seen first, and the digest of what it said."""

    digest: str
    offset: int


Step = Fact | Unreadable | Passed


def steps_of(slices: Iterable[Slice], positions: Positions) -> tuple[list[Step], int]:
    """Decode what follows `positions`; also how many records were delivered again. Raises LogBroken on a gap.

    `positions` is moved along. Pure otherwise: decoding failures become steps.
    """
    steps: list[Step] = []
    again = 0
    for piece in slices:
        offset, expected = piece.base_offset, positions[piece.partition]
        if offset > expected:
            raise LogBroken(f"log incomplete: {piece.partition} jumps from {expected} to {offset}")
        recorded_at = ms_text(piece.recorded_ms)
        skipped = min(expected - offset, len(piece.records))
        again += skipped
        for n, record in enumerate(piece.records[skipped:], start=offset + skipped):
            steps.append(_step(record, piece.partition, n, recorded_at))
        positions[piece.partition] = max(expected, piece.next_offset)
    return steps, again


def _step(record: Record, partition: Partition, offset: int, recorded_at: str) -> Step:
    try:
        fact = fact_of(record, partition, offset, recorded_at)
    except Undecodable as reason:
        key = key_text(record.key)
        digest = digest_of(record.value)
        return Unreadable(key, partition, offset, recorded_at, digest, "undecodable", str(reason)[:500])
    if fact.event.type == LOG_CREATED:
        return Passed(partition, offset, fact.digest)
    return fact


def ends_of(steps: Sequence[Step]) -> dict[Partition, tuple[int, int, str]]:
    """For each partition: the first offset, the next offset after the last, and the digest of the last record."""
    ends: dict[Partition, tuple[int, int, str]] = {}
    for step in steps:
        first = ends[step.partition][0] if step.partition in ends else step.offset
        ends[step.partition] = (first, step.offset + 1, step.digest)
    return ends
