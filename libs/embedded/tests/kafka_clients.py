"""Clients as short as a test's question."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

ANSWERS_WITHIN_S = 15.0


@asynccontextmanager
async def admin_of(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def create(bootstrap: str, topic: str, replicas: int = 1) -> None:
    async with asyncio.timeout(ANSWERS_WITHIN_S), admin_of(bootstrap) as admin:
        made = await admin.create_topics([NewTopic(topic, 1, replicas)])
    assert [error for _, error, _ in made.topic_errors] == [0]


async def delete(bootstrap: str, topic: str) -> None:
    async with asyncio.timeout(ANSWERS_WITHIN_S), admin_of(bootstrap) as admin:
        await admin.delete_topics([topic])


async def leader_and_in_sync(bootstrap: str, topic: str) -> tuple[int, set[int]]:
    """Of its one partition."""
    async with asyncio.timeout(ANSWERS_WITHIN_S), admin_of(bootstrap) as admin:
        ((partition,),) = [each["partitions"] for each in await admin.describe_topics([topic])]
    return partition["leader"], set(partition["isr"])


async def append(bootstrap: str, topic: str, value: bytes) -> int:
    """The record's offset, when every replica in sync has it."""
    async with asyncio.timeout(ANSWERS_WITHIN_S):
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
        await producer.start()
        offset: int = (await producer.send_and_wait(topic, value, partition=0)).offset
        await producer.stop()
    return offset


async def first(bootstrap: str, topic: str) -> bytes:
    """The value of the first record."""
    async with asyncio.timeout(ANSWERS_WITHIN_S):
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        consumer.assign([TopicPartition(topic, 0)])
        value: bytes = (await consumer.getone()).value
        await consumer.stop()
    return value
