"""What can befall a log in Kafka, done to its topics; each with what the services call it.

No topic can be cut at its end: it is deleted and made again with less.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewPartitions, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from libs.events.identifiers import Nodes
from libs.events.kafka_log.place import KafkaPlace
from libs.events.kafka_log.tests.places import admin_of
from libs.events.kafka_log.topics import TopicKeeper, settings
from libs.events.log import Record
from libs.events.log_created import COUNTS, ensure_topics
from libs.events.opening import open_log
from libs.events.position import Partition
from libs.events.topics import IDENTITY
from tests.faults.deadlines import until
from tests.faults.events import EVERYWHERE, TOPIC, purchase, purchases, record_of
from tests.faults.poison import subjects_in
from tests.faults.stage import Stage, append_in_pieces

RECORDS = 300
CUT = 5  # records that are gone at the end of each partition
ALL_RECORDS, ALL_BYTES = 10_000, 64 << 20
GONE_WITHIN_S = 20.0
TWO_DAYS_MS = 2 * 24 * 3_600_000
Damage = Callable[[Stage], Awaitable[None]]
Kept = Mapping[Partition, Sequence[Record]]


def place_of(stage: Stage) -> KafkaPlace:
    assert isinstance(stage.place, KafkaPlace)
    return stage.place


async def everything(stage: Stage, topic: str) -> dict[Partition, list[Record]]:
    """All records of a topic as they stand, `log.created` first."""
    found: dict[Partition, list[Record]] = {Partition(topic, number): [] for number in range(COUNTS[topic])}
    async with stage.log() as log:
        for each, records in found.items():
            while pieces := await log.read({each: len(records)}, max_records=ALL_RECORDS, max_bytes=ALL_BYTES):
                records += [record for piece in pieces for record in piece.records]
    return found


async def delete(stage: Stage, *topics: str) -> None:
    """Returns when the brokers no longer know them."""
    names = {place_of(stage).topic(topic) for topic in topics}
    async with admin_of(place_of(stage)) as admin:
        await admin.delete_topics(sorted(names))

        async def gone() -> bool:
            return not names & set(await admin.list_topics())

        await until(gone, GONE_WITHIN_S, f"{names} are gone")


async def make_again(stage: Stage, topic: str, kept: Kept) -> None:
    """A topic with these records, each in its partition, instead of the one that is there."""
    await delete(stage, topic)
    await TopicKeeper(place_of(stage)).make({topic: COUNTS[topic]})
    async with open_log(stage.place) as log:
        placed = [
            Record(record.key, record.value, record.headers, each.number)
            for each, records in kept.items()
            for record in records
        ]
        await append_in_pieces(log, placed, topic=topic)


async def set_topic(stage: Stage, topic: str, changes: Mapping[str, str]) -> None:
    """All other settings are those of a log."""
    resource = ConfigResource(ConfigResourceType.TOPIC, place_of(stage).topic(topic), {**settings("single"), **changes})
    async with admin_of(place_of(stage)) as admin:
        (answer,) = await admin.alter_configs([resource])
    assert [code for code, *_ in answer.resources] == [0], answer


async def put_the_clock_on(stage: Stage, ahead_ms: int) -> None:
    """A broker's clock that was wrong stamped a record in every partition; then it was put right."""
    place = place_of(stage)
    wrong = {"message.timestamp.type": "CreateTime", "message.timestamp.after.max.ms": str(TWO_DAYS_MS)}
    await set_topic(stage, TOPIC, wrong)
    producer = AIOKafkaProducer(**place.client(), acks="all")
    await producer.start()
    for each in EVERYWHERE:
        (subject,) = subjects_in(each.number, 1, "clock")
        record = record_of(purchase(subject, "clock"))
        where = {"topic": place.topic(TOPIC), "partition": each.number, "timestamp_ms": ahead_ms}
        await producer.send_and_wait(value=record.value, key=record.key, headers=list(record.headers), **where)
    await producer.stop()
    await set_topic(stage, TOPIC, {})


async def cut_the_end(stage: Stage, topic: str = TOPIC) -> None:
    found = await everything(stage, topic)
    await make_again(stage, topic, {each: records[: max(1, len(records) - CUT)] for each, records in found.items()})


async def cut_the_end_of_identity(stage: Stage) -> None:
    await cut_the_end(stage, IDENTITY.name)


async def cut_and_grow_again(stage: Stage) -> None:
    await cut_the_end(stage)
    async with stage.log() as log:
        await append_in_pieces(log, purchases(RECORDS, customers=100, prefix="other"), size=50)


async def exchange_the_last_record(stage: Stage) -> None:
    """The offsets stay, other records stand there."""
    found = await everything(stage, TOPIC)
    await make_again(stage, TOPIC, {each: [*records[:-1], records[1]] for each, records in found.items()})


async def make_a_topic_again(stage: Stage) -> None:
    await make_again(stage, TOPIC, {})


async def delete_a_topic(stage: Stage) -> None:
    await delete(stage, TOPIC)


async def delete_the_first_records(stage: Stage) -> None:
    """As a retention time would."""
    place = place_of(stage)
    async with admin_of(place) as admin:
        await admin.delete_records({TopicPartition(place.topic(TOPIC), 3): RecordsToDelete(CUT)})


async def exchange_the_log(stage: Stage) -> None:
    await delete(stage, *COUNTS)
    async with stage.log() as log:
        await append_in_pieces(log, purchases(2 * RECORDS, customers=100), size=50)


async def exchange_the_secret(stage: Stage) -> None:
    await delete(stage, *COUNTS)
    async with open_log(stage.place) as log:
        await ensure_topics(log, Nodes(bytes(32)).check_value())


async def add_a_partition(stage: Stage, topic: str = TOPIC) -> None:
    place = place_of(stage)
    async with admin_of(place) as admin:
        await admin.create_partitions({place.topic(topic): NewPartitions(COUNTS[topic] + 1)})


async def add_a_partition_to_identity(stage: Stage) -> None:
    await add_a_partition(stage, IDENTITY.name)


def setting(name: str, value: str, wanted: str) -> tuple[Damage, str]:
    """A topic that would lose records, or their order in time; the cause comes with the cure."""

    async def damage(stage: Stage) -> None:
        await set_topic(stage, TOPIC, {name: value})

    damage.__name__ = f"set_{name}"
    return damage, f"-{TOPIC} --add-config {name}={wanted}"


WHILE_STOPPED: list[tuple[Damage, str]] = [
    (delete_the_first_records, "log incomplete: interactions/3: records were deleted"),
    (add_a_partition, "topic interactions has 13 partitions, not 12"),
    (cut_the_end, "log went backwards"),
    (cut_and_grow_again, "log replaced: record"),
    (exchange_the_last_record, "log replaced: record"),
    (make_a_topic_again, "log incomplete: interactions/0 has no first record"),
    (delete_a_topic, "topic interactions has 0 partitions, not 12"),
    (exchange_the_log, "log replaced"),
    (exchange_the_secret, "the identity secret is not the one"),
    (cut_the_end_of_identity, "log went backwards: identity/0"),
    (add_a_partition_to_identity, "topic identity has 2 partitions, not 1"),
    setting("retention.ms", "3600000", "-1"),
    setting("retention.bytes", "1000000000", "-1"),
    setting("cleanup.policy", "compact", "delete"),
    setting("message.timestamp.type", "CreateTime", "LogAppendTime"),
    setting("unclean.leader.election.enable", "true", "false"),
]
_GONE = r"log (went backwards|incomplete: there is no topic)"
WHILE_RUNNING: list[tuple[Damage, str]] = [
    (add_a_partition, r"log replaced: \d+ partitions where \d+ were made"),
    (cut_the_end, _GONE),
    (cut_the_end_of_identity, _GONE),
    (make_a_topic_again, _GONE),
    (delete_a_topic, _GONE),
]
