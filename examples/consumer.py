"""Reads Rapport's log from Apache Kafka and prints what becomes of each event, one JSON object a line.

A program of another system: it needs aiokafka[lz4] and nothing of Rapport. docs/consuming.md says why it does what it
does, and what a program that keeps its position does besides.
"""

import argparse
import asyncio
import hashlib
import json
import re
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

TOPICS = ("identity", "contacts", "interactions", "feedback", "scoring", "operations")
CLAIMS = "identity"
LOG_CREATED = "rapport.operations.log.created.v1"
SEQUENCE = re.compile(r"[0-9]{1,20}")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Event = dict[str, Any]
Name = tuple[str, bytes, str, str]


class LogBroken(Exception):
    """The log was cut or replaced, or is not whole: nothing more may be read from it, and a person must look."""


class First(NamedTuple):
    """What the record said that counts for a name: the hash of its bytes, and what tells a repetition of it."""

    digest: str
    says: str


def connection(bootstrap: str) -> dict[str, Any]:
    """What every client is given; TLS and a login are more of its arguments."""
    return {"bootstrap_servers": bootstrap}


def client(bootstrap: str) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        **connection(bootstrap),
        group_id=None,  # partitions are assigned by hand
        enable_auto_commit=False,  # where reading goes on is kept beside what was made of the records
        auto_offset_reset="none",  # an offset that is not there is a broken log, and no reason to begin elsewhere
        fetch_max_bytes=8 << 20,
    )


def decode(value: bytes) -> Event:
    """Attributes and data. Types, attributes and fields that nobody here knows are no fault.

    Raises ValueError or RecursionError for what is no event.
    """
    event = json.loads(value.decode(), parse_float=number, parse_constant=refuse)
    if not isinstance(event, dict) or not all(isinstance(event.get(name), str) for name in ("id", "source", "type")):
        raise ValueError("no CloudEvent in structured JSON")
    if not all(isinstance(event.get(name), str | None) for name in ("subject", "time", "sequence")):
        raise ValueError("an attribute that is no string")
    if event.get("time") is not None:
        event["time"] = moment(event["time"]).isoformat()
    if event.get("sequence") is not None and not SEQUENCE.fullmatch(event["sequence"]):
        raise ValueError("a sequence that is no number")
    return event


def readable(record: ConsumerRecord) -> Event:
    """The event of a record; empty where it is none."""
    try:
        return decode(record.value or b"")
    except (ValueError, RecursionError):
        return {}


def number(text: str) -> int | float:
    """1.0 and 1 are the same number."""
    value = float(text)
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


def moment(text: str) -> datetime:
    """RFC 3339 in UTC. Raises ValueError."""
    read = datetime.fromisoformat(text.upper())
    if read.tzinfo is None:
        raise ValueError("a time without an offset")
    return read.astimezone(UTC)


def header(record: ConsumerRecord, name: str) -> str:
    return next(((value or b"").decode(errors="replace") for key, value in record.headers if key == name), "")


def first_of(record: ConsumerRecord, event: Event) -> First:
    """A command that was tried again has the same request; everything else that is repeated has the same content."""
    request = header(record, "request")
    says = f"request {request}" if request else json.dumps(event, sort_keys=True)
    return First(sha256(record.value), sha256(says.encode()))


def sha256(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


@dataclass
class Reader:
    """All that has to be remembered of the log.

    A program that keeps what it makes of the log has these as tables of its own, and moves them in the transaction that
    writes what it made.
    """

    next_offset: dict[TopicPartition, int]
    recorded_at: dict[TopicPartition, datetime] = field(default_factory=dict)
    counted: dict[Name, First] = field(default_factory=dict)
    heads: dict[str, int] = field(default_factory=dict)
    parked: set[tuple[str, bytes]] = field(default_factory=set)

    def take(self, topic: str, record: ConsumerRecord) -> dict[str, object] | None:
        """What becomes of a partition's next record; None where it is no event of anybody's. Raises LogBroken."""
        recorded_at = self.step(record)
        event = readable(record)
        if event.get("type") == LOG_CREATED:
            return None
        return {
            "topic": topic,
            "partition": record.partition,
            "offset": record.offset,
            "recorded_at": recorded_at.isoformat(timespec="milliseconds"),
            "id": event.get("id"),
            "type": event.get("type"),
            "subject": event.get("subject"),
            "outcome": self.outcome(topic, record, event),
        }

    def step(self, record: ConsumerRecord) -> datetime:
        """Move on by one record, which is the next one; when it was recorded."""
        partition = TopicPartition(record.topic, record.partition)
        if record.offset != self.next_offset[partition]:
            raise LogBroken(f"{partition} jumps from {self.next_offset[partition]} to {record.offset}")
        self.next_offset[partition] += 1
        copied = header(record, "recordedtime")
        stamped = moment(copied) if copied else EPOCH + timedelta(milliseconds=record.timestamp)
        self.recorded_at[partition] = max(stamped, self.recorded_at.get(partition, EPOCH))
        return self.recorded_at[partition]

    def outcome(self, topic: str, record: ConsumerRecord, event: Event) -> str:
        """The first rule that fits. Only `applied` has an effect; a claim has the one that the judge gives it."""
        key = record.key or b""
        if topic == CLAIMS:
            return self.once(topic, key, record, event, "unjudged") if event else "invalid"
        if (topic, key) in self.parked:
            return "held"
        if not event:
            self.parked.add((topic, key))
            return "parked"
        if event.get("sequence") is not None:
            return self.arbitrate(topic, key, record, event)
        return self.once(topic, key, record, event, "applied")

    def once(self, topic: str, key: bytes, record: ConsumerRecord, event: Event, outcome: str) -> str:
        """The first record of a name has this outcome, and no other record of it has an effect."""
        name, says = (topic, key, event["source"], event["id"]), first_of(record, event)
        first = self.counted.setdefault(name, says)
        if first is says:
            return outcome
        is_same = first.digest == says.digest or first.says == says.says
        return "duplicate" if is_same else "quarantined"

    def arbitrate(self, topic: str, key: bytes, record: ConsumerRecord, event: Event) -> str:
        """Of decisions made at the same time one wins, and every reader knows which."""
        source, sequence = event["source"], int(event["sequence"])
        head = self.heads.get(source, 0)
        if (topic, key, source, event["id"]) in self.counted:
            return self.once(topic, key, record, event, "applied")
        if sequence <= head:
            return "superseded"
        if sequence > head + 1:
            raise LogBroken(f"{source} has the sequence {sequence} where the last one was {head}")
        self.heads[source] = sequence
        return self.once(topic, key, record, event, "applied")


async def partitions_of(bootstrap: str, topics: Sequence[str]) -> list[TopicPartition]:
    """All partitions of the topics. Raises LogBroken where a topic is missing."""
    admin = AIOKafkaAdminClient(**connection(bootstrap))
    try:
        await admin.start()
        described = await admin.describe_topics(list(topics))
    finally:
        await admin.close()
    if missing := [topic["topic"] for topic in described if topic["error_code"] != 0]:
        raise LogBroken(f"there is no topic {missing[0]}")
    return [TopicPartition(topic["topic"], each["partition"]) for topic in described for each in topic["partitions"]]


def rewind(consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]) -> None:
    for partition in partitions:
        consumer.seek(partition, 0)


async def recognise(consumer: AIOKafkaConsumer, prefix: str, partitions: Sequence[TopicPartition]) -> str:
    """The id of the log, on which all first records agree. Raises LogBroken."""
    rewind(consumer, partitions)
    ends = await consumer.end_offsets(partitions)
    if empty := [partition for partition, end in ends.items() if end == 0]:
        raise LogBroken(f"{empty[0]} has no first record")
    logs, missing = set(), set(partitions)
    while missing:
        for partition, (record, *_) in (await consumer.getmany(*missing, timeout_ms=1_000, max_records=1)).items():
            count = sum(each.topic == partition.topic for each in partitions)
            logs.add(log_of(record, partition.topic.removeprefix(prefix), count))
            missing.discard(partition)
    if len(logs) != 1:
        raise LogBroken(f"the first records name {len(logs)} logs: {', '.join(sorted(logs))}")
    return logs.pop()


def log_of(record: ConsumerRecord, topic: str, count: int) -> str:
    """The log that the first record of a partition names. Raises LogBroken where it belongs somewhere else."""
    created = readable(record)
    if record.offset != 0 or created.get("type") != LOG_CREATED:
        raise LogBroken(f"the first record of {topic}/{record.partition} is not log.created")
    data = created["data"]
    there, said = (topic, record.partition, count), (data["topic"], data["partition"], data["partitions"].get(topic))
    if there != said:
        raise LogBroken(f"a first record stands in {there} and was made for {said}: topic, partition, partitions")
    return str(data["log"])


async def follow(
    consumer: AIOKafkaConsumer, prefix: str, partitions: Sequence[TopicPartition], until: Mapping[TopicPartition, int]
) -> AsyncIterator[dict[str, object]]:
    """What becomes of every record, in the order of each partition; for ever, or until these offsets."""
    reader = Reader(dict.fromkeys(partitions, 0))
    rewind(consumer, partitions)
    while not until or any(reader.next_offset[partition] < end for partition, end in until.items()):
        batches = await consumer.getmany(timeout_ms=500, max_records=1_000)
        for partition, records in batches.items():
            for record in records:
                if until and record.offset >= until[partition]:
                    break
                if line := reader.take(partition.topic.removeprefix(prefix), record):
                    yield line


async def run(bootstrap: str, prefix: str, topics: Sequence[str], *, until_end: bool) -> None:
    consumer = client(bootstrap)
    try:
        partitions = await partitions_of(bootstrap, [prefix + topic for topic in topics])
        await consumer.start()
        consumer.assign(partitions)
        sys.stderr.write(f"log {await recognise(consumer, prefix, partitions)}\n")
        until = await consumer.end_offsets(partitions) if until_end else {}
        async for line in follow(consumer, prefix, partitions, until):
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()
    except OffsetOutOfRangeError as reason:
        raise LogBroken(f"an offset that was there is gone: {reason}") from reason
    finally:
        await consumer.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bootstrap", default="localhost:9092", help="host:port of a broker (default: %(default)s)")
    parser.add_argument("--prefix", default="", help="what stands before each topic's name (default: nothing)")
    parser.add_argument("--topics", nargs="+", choices=TOPICS, default=TOPICS, metavar="TOPIC", help="default: all")
    parser.add_argument("--until-end", action="store_true", help="stop at the ends that were there at the start")
    asked = parser.parse_args()
    try:
        with suppress(KeyboardInterrupt):
            asyncio.run(run(asked.bootstrap, asked.prefix, asked.topics, until_end=asked.until_end))
    except LogBroken as reason:
        sys.exit(f"log broken: {reason}")
    except KafkaError as reason:
        sys.exit(f"Kafka: {reason}")


if __name__ == "__main__":
    main()
