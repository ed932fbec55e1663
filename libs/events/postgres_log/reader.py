"""Reading batches back. One statement serves all partitions that are asked for."""

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from libs.events.log import LogBroken, LogUnavailable, Slice
from libs.events.position import Partition, Positions
from libs.events.postgres_log import batches
from libs.events.postgres_log.connection import CONNECTION_ERRORS

READ_TIMEOUT_S = 15.0

# A partition's batches begin with the one that holds the wanted offset. The window adds up the bytes before each batch,
# so that a read stays within its limit however large the events are. A head behind the wanted offset is returned too.
_READ = """
SELECT r.topic, r.partition, r.wanted, h.next_offset, b.base_offset, b.recorded_ms, b.body
FROM unnest($1::text[], $2::int[], $3::bigint[]) AS r (topic, partition, wanted)
LEFT JOIN log_heads h ON h.topic = r.topic AND h.partition = r.partition
LEFT JOIN LATERAL (
    SELECT w.* FROM (
        SELECT base_offset, records, recorded_ms, body,
               sum(bytes) OVER (ORDER BY base_offset) - bytes AS bytes_before
        FROM log_batches
        WHERE topic = r.topic AND partition = r.partition AND base_offset < r.wanted + $4
          AND base_offset >= coalesce((
              SELECT max(base_offset) FROM log_batches
              WHERE topic = r.topic AND partition = r.partition AND base_offset <= r.wanted), 0)
    ) w WHERE w.bytes_before < $5 AND w.base_offset + w.records > r.wanted
) b ON true
WHERE h.next_offset IS DISTINCT FROM r.wanted
ORDER BY r.topic, r.partition, b.base_offset
"""


class Reader:
    """Reads through a pool that it shares."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool

    async def read(self, wanted: Mapping[Partition, int], *, max_records: int, max_bytes: int) -> list[Slice]:
        """See `EventLog.read`."""
        if not wanted:
            return []
        topics, numbers = [p.topic for p in wanted], [p.number for p in wanted]
        share = max(1, max_bytes // len(wanted))
        rows = await self._fetch(_READ, topics, numbers, list(wanted.values()), max_records, share)
        slices: list[Slice] = []
        taken: dict[Partition, int] = {}
        for topic, number, offset, end, base_offset, recorded_ms, body in rows:
            partition = Partition(topic, number)
            if end is None or end < offset:
                raise LogBroken(f"log went backwards: {partition} ends at {end or 0}, {offset} was read before")
            expected = offset + taken.get(partition, 0)
            if base_offset is None or base_offset > expected:
                raise LogBroken(f"log incomplete: {partition} has no record at {expected}, although it ends at {end}")
            skip = max(0, offset - base_offset)
            records = batches.decode(body, skip)[: max_records - taken.get(partition, 0)]
            taken[partition] = taken.get(partition, 0) + len(records)
            if records:
                slices.append(Slice(partition, base_offset + skip, recorded_ms, records))
        return slices

    async def ends(self, topics: Sequence[str]) -> Positions:
        """See `EventLog.ends`."""
        rows = await self._fetch(
            "SELECT topic, partition, next_offset FROM log_heads WHERE topic = ANY($1) ORDER BY 1, 2", list(topics)
        )
        return {Partition(topic, number): end for topic, number, end in rows}

    async def _fetch(self, statement: str, *arguments: object) -> list[Any]:
        try:
            return await self._pool.fetch(statement, *arguments, timeout=READ_TIMEOUT_S)
        except CONNECTION_ERRORS as reason:
            raise LogUnavailable(f"the log's database cannot be read ({type(reason).__name__})") from reason
