"""Topics that are not what a log needs, or no longer what they were. On a real broker."""

from typing import TYPE_CHECKING

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import NewPartitions, NewTopic, RecordsToDelete

from libs.events.kafka_log import lookups
from libs.events.kafka_log.adapter import KafkaLog, open_kafka_log
from libs.events.kafka_log.place import KafkaPlace
from libs.events.kafka_log.tests.places import admin_of, alter, followed, new_place
from libs.events.log import LogBroken, LogUnavailable
from libs.events.log_created import ensure_topics, recognise
from libs.events.tests.log_contract import (
    ALL_BYTES,
    CHECK,
    DEADLINE_S,
    TOPIC,
    end_of,
    one_of_each_partition,
    record,
    until,
)

if TYPE_CHECKING:
    from tests.integration.providers import Broker

pytestmark = pytest.mark.asyncio


class TestTopics:
    @pytest.mark.parametrize(
        ("setting", "value", "needed"),
        [
            ("retention.ms", "604800000", "-1"),
            ("retention.bytes", "1000000", "-1"),
            ("cleanup.policy", "compact", "delete"),
            ("message.timestamp.type", "CreateTime", "LogAppendTime"),
            ("unclean.leader.election.enable", "true", "false"),
        ],
    )
    async def test_a_topic_that_is_set_otherwise_is_refused_with_the_cure(
        self, log: KafkaLog, place: KafkaPlace, setting: str, value: str, needed: str
    ) -> None:
        safe = {"retention.ms": "-1", "retention.bytes": "-1", "message.timestamp.type": "LogAppendTime"}
        await alter(place, **(safe | {setting: value}))
        cure = f"needs {needed}: kafka-configs.*{setting}={needed}"
        with pytest.raises(LogBroken, match=rf"{place.topic(TOPIC)} has {setting}=.*{cure}"):
            await until(log, lambda: _recognises(log))

    async def test_a_log_of_a_cluster_is_refused_on_one_replica(self, log: KafkaLog) -> None:
        with pytest.raises(LogBroken, match=r"has 1 replicas, not 3: .*kafka-reassign-partitions"):
            await log.require_safe("cluster")

    async def test_one_broker_must_be_asked_for(self, kafka: "Broker") -> None:
        place = new_place(kafka.bootstrap)
        async with open_kafka_log(KafkaPlace(place.bootstrap_servers, place.prefix)) as log:
            with pytest.raises(LogBroken, match=r"needs 3 brokers; .*--single-broker"):
                await ensure_topics(log, CHECK)

    async def test_partitions_that_were_added_are_seen(self, log: KafkaLog, place: KafkaPlace) -> None:
        async with admin_of(place) as admin:
            await admin.create_partitions({place.topic(TOPIC): NewPartitions(13)})

        async def seen() -> bool:
            return len(await log.ends([TOPIC])) == 13

        await until(log, seen, within_s=2 * DEADLINE_S)
        with pytest.raises(LogBroken, match="has 13 partitions, not 12"):
            await recognise(log, CHECK)

    async def test_a_topic_that_was_made_again_is_noticed_by_who_has_seen_it(
        self, log: KafkaLog, place: KafkaPlace
    ) -> None:
        await log.append(TOPIC, one_of_each_partition())
        await log.ends([TOPIC])
        async with admin_of(place) as admin:
            await admin.delete_topics([place.topic(TOPIC)])
            await until(log, lambda: _is_gone(place), within_s=2 * DEADLINE_S)
            await admin.create_topics([NewTopic(place.topic(TOPIC), 12, 1)])
        with pytest.raises(LogBroken, match=r"log went backwards: interactions/\d+ ends at 0, and had 2 records"):
            await until(log, lambda: _answers(log), within_s=2 * DEADLINE_S)

    async def test_a_topic_that_is_gone_breaks_the_log(
        self, log: KafkaLog, place: KafkaPlace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lookups, "GONE_AFTER_S", 0.2)
        monkeypatch.setattr(lookups, "ANSWER_TIMEOUT_S", 1.0)  # nobody answers who leads a topic that is gone
        async with admin_of(place) as admin:
            await admin.delete_topics([place.topic(TOPIC)])
        with pytest.raises(LogBroken, match=r"there is no topic .*; run `rapport topics ensure`"):
            await until(log, lambda: _answers(log), within_s=3 * DEADLINE_S)

    async def test_records_that_were_deleted_break_the_log(self, log: KafkaLog, place: KafkaPlace) -> None:
        await log.append(TOPIC, [record("ada", n) for n in range(5)])
        partition, _ = await end_of(log)
        async with admin_of(place) as admin:
            gone = {TopicPartition(place.topic(TOPIC), partition.number): RecordsToDelete(before_offset=4)}
            await admin.delete_records(gone)
        with pytest.raises(LogBroken, match="records were deleted"):
            await log.read({partition: 1}, max_records=9, max_bytes=ALL_BYTES)
        with pytest.raises(LogBroken, match=r"begins at 4: records were deleted"):
            await followed(log, {partition: 1}, {partition: 6})


async def _recognises(log: KafkaLog) -> bool:
    await recognise(log, CHECK)
    return False


async def _answers(log: KafkaLog) -> bool:
    """Whether the ends can be told and are lower; never so."""
    try:
        await log.ends([TOPIC])
    except LogUnavailable:
        return False
    return False


async def _is_gone(place: KafkaPlace) -> bool:
    async with admin_of(place) as admin:
        return place.topic(TOPIC) not in await admin.list_topics()
