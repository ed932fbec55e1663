"""From a consumer's records to the log's."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from aiokafka import ConsumerRecord

from libs.events.log import EVENT_HEADERS, Record, Slice
from libs.events.position import Partition


def slices_of(partition: Partition, records: Sequence[ConsumerRecord], floor_ms: int) -> Iterator[Slice]:
    """Consecutive records, cut where the recorded time changes; it never falls below `floor_ms` or what came before."""
    for (time_ms, _), run in groupby(enumerate(records), key=_time_and_run):
        same = [record for _, record in run]
        floor_ms = max(floor_ms, time_ms)
        yield Slice(partition, same[0].offset, floor_ms, [_record(each) for each in same])


def _time_and_run(numbered: tuple[int, ConsumerRecord]) -> tuple[int, int]:
    """The second changes where an offset is missing: a slice has no gap, so that its reader sees one."""
    n, record = numbered
    return record.timestamp, record.offset - n


def _record(record: ConsumerRecord) -> Record:
    """A foreign record may lack a key or a value: then it is empty, and no event."""
    headers = tuple((name, value or b"") for name, value in record.headers)
    return Record(record.key or b"", record.value or b"", EVENT_HEADERS if headers == EVENT_HEADERS else headers)
