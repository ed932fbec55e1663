"""Who a log is: the `log.created` record at offset 0 of each of its partitions.

The operations topic is named first and read back: what stands at its offset 0 is the log's id, whoever wrote it. So
two installers at once agree on one name, and a partition that was emptied, replaced or added is noticed by its first
record.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

import msgspec

from libs.events.adapting import Brokers
from libs.events.catalog.operations import LogCreated
from libs.events.clock import now
from libs.events.ids import new_id
from libs.events.log import EventLog, LogBroken, Record, Slice
from libs.events.position import Partition
from libs.events.times import utc_text
from libs.events.topics import OPERATIONS, TOPICS

TYPE = "rapport.operations.log.created.v1"
COUNTS = {topic.name: topic.partitions for topic in TOPICS}
_FIRST = Partition(OPERATIONS.name, 0)


class AdministeredLog(EventLog, Protocol):
    """An adapter, with what only setting up needs."""

    brokers: Brokers

    def identify(self, log_id: UUID) -> None: ...

    async def require_safe(self, brokers: Brokers) -> None: ...

    async def create_topics(self, counts: Mapping[str, int]) -> None: ...

    async def partition_counts(self) -> Mapping[str, int]: ...


class _Envelope(msgspec.Struct):
    type: str
    data: LogCreated


async def ensure_topics(log: AdministeredLog, secret_check: str) -> UUID:
    """Make every topic, name the log where it has no name, and return its id. Safe to repeat and to interrupt.

    Raises LogBroken where what is there does not fit.
    """
    await log.create_topics(COUNTS)
    await _require_counts(log)
    if _FIRST not in await _first_records(log, [_FIRST]):
        await log.append(_FIRST.topic, [_record(log, _FIRST, new_id(), secret_check)])
    log_id = _log_id(await _first_records(log, [_FIRST]))
    ends = await log.ends(list(COUNTS))
    for topic in COUNTS:
        if empty := [p for p, end in ends.items() if p.topic == topic and end == 0]:
            await log.append(topic, [_record(log, partition, log_id, secret_check) for partition in empty])
    return await recognise(log, secret_check)


async def recognise(log: AdministeredLog, secret_check: str) -> UUID:
    """Compare every partition's first record with what it should be, and give the log its id. Raises LogBroken."""
    await _require_counts(log)
    partitions = [Partition(name, number) for name, count in COUNTS.items() for number in range(count)]
    found = await _first_records(log, partitions)
    log_id = _log_id(found)
    for partition in partitions:
        if partition not in found:
            raise LogBroken(f"log incomplete: {partition} has no first record; run `rapport topics ensure`")
        _require_same(partition, found[partition], log_id, secret_check)
    await log.require_safe(found[_FIRST].brokers)
    log.identify(log_id)
    return log_id


async def _require_counts(log: AdministeredLog) -> None:
    counts = await log.partition_counts()
    for name, count in COUNTS.items():
        if (found := counts.get(name, 0)) != count:
            cure = "run `rapport topics ensure`" if found == 0 else "partition counts never change: restore the log"
            raise LogBroken(f"topic {name} has {found} partitions, not {count}; {cure}")


def _require_same(partition: Partition, created: LogCreated, log_id: UUID, secret_check: str) -> None:
    if created.log != str(log_id):
        raise LogBroken(f"log replaced: {partition} belongs to log {created.log}, not to {log_id}")
    if Partition(created.topic, created.partition) != partition:
        raise LogBroken(f"log replaced: the first record of {partition} is of {created.topic}/{created.partition}")
    if created.partitions != COUNTS:
        raise LogBroken(f"log replaced: {partition} was made with other partition counts")
    if created.secret_check != secret_check:
        raise LogBroken("the identity secret is not the one that this log was made with")


def _log_id(found: Mapping[Partition, LogCreated]) -> UUID:
    if _FIRST not in found:
        raise LogBroken("this log has no name yet: run `rapport topics ensure`")
    return UUID(found[_FIRST].log)


async def _first_records(log: EventLog, partitions: Sequence[Partition]) -> dict[Partition, LogCreated]:
    slices = await log.read(dict.fromkeys(partitions, 0), max_records=1, max_bytes=1)
    return {slice_.partition: _decode(slice_) for slice_ in slices}


def _decode(first: Slice) -> LogCreated:
    try:
        envelope = msgspec.json.decode(first.records[0].value, type=_Envelope)
    except msgspec.MsgspecError as reason:
        raise LogBroken(f"log replaced: the first record of {first.partition} is not log.created") from reason
    if envelope.type != TYPE:
        raise LogBroken(f"log replaced: the first record of {first.partition} is {envelope.type}, not {TYPE}")
    return envelope.data


def _record(log: AdministeredLog, partition: Partition, log_id: UUID, secret_check: str) -> Record:
    created = LogCreated(
        log=str(log_id),
        topic=partition.topic,
        partition=partition.number,
        partitions=COUNTS,
        brokers=log.brokers,
        secret_check=secret_check,
    )
    event = {
        "specversion": "1.0",
        "id": str(new_id()),
        "source": "/operations/log",
        "type": TYPE,
        "time": utc_text(now()),
        "datacontenttype": "application/json",
        "data": created,
    }
    return Record(b"log", msgspec.json.encode(event), partition=partition.number)
