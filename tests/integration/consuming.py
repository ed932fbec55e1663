"""A log made by hand, with what two systems make of it: Rapport's own fold, and a program that reads it from Kafka."""

import json
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID, uuid5

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from sqlalchemy import BigInteger, Column, MetaData, Table, Uuid

from libs.events.catalog.registry import CATALOG
from libs.events.fold import AppendFold, Fact, Projection, TextRow
from libs.events.folding import _says_same
from libs.events.identity.graph import Graph
from libs.events.identity.judge import Ruling
from libs.events.identity.ruling import claims_of, ruled
from libs.events.log import Record
from libs.events.log_created import COUNTS, TYPE
from libs.events.memory_log import MemoryLog
from libs.events.partitions import partition_of
from libs.events.position import Partition
from libs.events.sorting import Known, Sorter
from libs.events.steps import Step, Unreadable, steps_of
from libs.events.tests.folding_sample import decision, event

LOG = UUID(int=7)
REGISTERED = "rapport.contacts.contact.registered.v1"
TRAITS_CHANGED = "rapport.contacts.contact.traits_changed.v1"
METADATA = MetaData()
NAMES = Table("names", METADATA, Column("name", Uuid), Column("digest", Uuid), Column("offset", BigInteger))

Place = tuple[str, int, int]
Said = tuple[str, Record]


def remembered(fact: Fact) -> list[TextRow]:
    return [(fact.name, fact.digest, str(fact.offset))]


PROJECTION = Projection(
    service="sample",
    version=1,
    fingerprint="of a sample",
    topics=tuple(COUNTS),
    metadata=METADATA,
    memory=AppendFold(NAMES, remembered, order=0),
)


def created(partition: Partition, log: UUID = LOG, counts: Mapping[str, int] = COUNTS) -> Record:
    """The first record of a partition."""
    value = {
        "specversion": "1.0",
        "id": str(uuid5(log, str(partition))),
        "source": "/operations/log",
        "type": TYPE,
        "data": {
            "log": str(log),
            "topic": partition.topic,
            "partition": partition.number,
            "partitions": counts,
            "brokers": "single",
            "secret_check": "check",
        },
    }
    return Record(b"log", json.dumps(value).encode(), partition=partition.number)


def partitions_of(topics: Iterable[str]) -> list[Partition]:
    return [Partition(topic, number) for topic in topics for number in range(COUNTS[topic])]


def firsts(topics: Iterable[str] = COUNTS) -> list[Said]:
    return [(partition.topic, created(partition)) for partition in partitions_of(topics)]


def respelled(record: Record, **attributes: object) -> Record:
    """The same content, or nearly so, in other bytes."""
    value = {**json.loads(record.value), **attributes}
    return Record(record.key, json.dumps(dict(reversed(value.items())), indent=1).encode(), record.headers)


def claim(number: int, reason: str = "") -> Record:
    """A registration."""
    id_ = str(UUID(int=number))
    example: dict[str, Any] = dict(CATALOG[REGISTERED].example)
    data = {**example["data"], "contact": id_} | ({"origin": reason} if reason else {})
    return Record(b"identity", json.dumps({**example, "id": id_, "data": data}).encode())


def traits(number: int, sequence: int) -> Record:
    contact = str(UUID(int=1))
    value = {
        **CATALOG[TRAITS_CHANGED].example,
        "id": str(UUID(int=number)),
        "source": f"/contacts/{contact}",
        "sequence": f"{sequence:020}",
    }
    return Record(contact.encode(), json.dumps(value).encode())


UNREADABLE = (
    b"",
    b"\xff",
    b"null",
    b"[]",
    b"{}",
    b'{"id": "1"',
    b'{"id": 1, "source": "urn:x", "type": "t"}',
    b'{"id": "1", "source": "urn:x"}',
    b'{"id": "1", "source": "urn:x", "type": "t", "data": NaN}',
    b'{"id": "1", "source": "urn:x", "type": "t", "subject": 5}',
    b'{"id": "1", "source": "urn:x", "type": "t", "time": "yesterday"}',
    b'{"id": "1", "source": "urn:x", "type": "t", "time": "2026-01-01T00:00:00"}',
    '{"id": "1", "source": "urn:x", "type": "t"}'.encode("utf-16"),
)


def story() -> list[Said]:
    """Each outcome at least once."""
    timed = respelled(event("ada", "3", 1.0), time="2026-03-02T10:15:00Z")
    late = decision("ada", "c", 2, 7, request="c")
    interactions = [
        event("ada", "1", 5),
        event("ada", "1", 5),
        respelled(event("ada", "1", 5)),
        event("ada", "1", 6),
        respelled(event("ada", "1", 5), subject="crm:somebody else"),
        event("bob", "1", 5),
        timed,
        respelled(timed, time="2026-03-02T11:15:00.000+01:00", data={"amount": 1}),
        respelled(timed, data={"amount": True}),
        decision("ada", "a", 1, 5),
        decision("ada", "b", 1, 6),
        decision("ada", "a", 1, 5),
        decision("ada", "c", 1, 7, request="c"),
        late,
        decision("ada", "c", 3, 7, request="c"),
        late,
        decision("ada", "c", 3, 7, request="another"),
        decision("ada", "b", 3, 6),
        decision("ada", "d", 1, 6, scope="other"),
        created(Partition("interactions", partition_of(b"ada", COUNTS["interactions"]))),
        event("ada", "2", 5, beyond={"what": ["anybody", "knows"]}),
        event("eve", "1", 5),
        Record(b"eve", b"{"),
        event("eve", "1", 5),
        decision("eve", "a", 1, 5),
        decision("bob", "a", "first", 5),
        event("bob", "2", 5),
        *(Record(b"key-%d" % number, value) for number, value in enumerate(UNREADABLE)),
    ]
    identity = [claim(1), claim(1), claim(1, "other words"), Record(b"identity", b"{"), claim(2), claim(1)]
    contacts = [traits(1, 1), traits(2, 1), traits(2, 2), traits(1, 1)]
    said = {"interactions": interactions, "identity": identity, "contacts": contacts}
    return [(topic, record) for topic, records in said.items() for record in records]


async def outcomes(said: Iterable[Said]) -> dict[Place, str]:
    """What Rapport's own fold says about every record that is an event of somebody's. Raises LogBroken."""
    log = MemoryLog()
    await log.create_topics(COUNTS)
    for topic, record in said:
        await log.append(topic, [record])
    slices = await log.read(dict.fromkeys(partitions_of(COUNTS), 0), max_records=100_000, max_bytes=1 << 30)
    steps, _ = steps_of(slices, dict.fromkeys(partitions_of(COUNTS), 0))
    records = {(piece.partition, piece.base_offset): piece.records[0] for piece in slices}
    sorter = Sorter(PROJECTION, Known(), set(), ruled(claims_of(steps), {}, Graph()), limited=False)
    for step in steps:
        sorter.take(step)
    same = {}
    for fact, first in sorter.suspects:
        is_same = _says_same(records[fact.partition, first], records[fact.partition, fact.offset])
        same[fact.partition, fact.offset] = "duplicate" if is_same else "quarantined"
    held = {(Partition(row[0] or "", int(row[1] or 0)), int(row[2] or 0)) for row in sorter.held if row[6] == "held"}
    return {
        (step.partition.topic, step.partition.number, step.offset): "held"
        if (step.partition, step.offset) in held
        else same.get((step.partition, step.offset)) or _told(step, sorter)
        for step in steps
        if isinstance(step, Fact | Unreadable)
    }


def _told(step: Step, sorter: Sorter) -> str:
    """As the program says it, which cannot judge claims."""
    match sorter.told.get((step.partition, step.offset), "applied"):
        case Ruling():
            return "unjudged"
        case _ if step.partition.topic == "identity" and isinstance(step, Unreadable):
            return "invalid"
        case str(outcome):
            return outcome


async def write(bootstrap: str, prefix: str, said: Iterable[Said]) -> None:
    """Make the topics that are spoken of, and append to them."""
    said = list(said)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        topics = dict.fromkeys(topic for topic, _ in said)
        configs = {"message.timestamp.type": "LogAppendTime"}
        await admin.create_topics([NewTopic(prefix + name, COUNTS[name], 1, topic_configs=configs) for name in topics])
    finally:
        await admin.close()
    await append(bootstrap, prefix, said)


async def append(bootstrap: str, prefix: str, said: Iterable[Said]) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, compression_type="lz4"
    )
    await producer.start()
    try:
        sent = [
            await producer.send(prefix + topic, each.value, each.key, each.partition, headers=list(each.headers))
            for topic, each in said
        ]
        for delivery in sent:
            await delivery
    finally:
        await producer.stop()
