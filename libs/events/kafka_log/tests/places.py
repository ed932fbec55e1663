"""Logs of their own on a broker that tests share."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from libs.events.ids import random_token
from libs.events.kafka_log.adapter import KafkaLog
from libs.events.kafka_log.place import CLIENT_ERRORS, KafkaPlace
from libs.events.log import LogBroken, Slice
from libs.events.log_created import recognise
from libs.events.position import Partition
from libs.events.tests.log_contract import ALL_BYTES, ALL_RECORDS, CHECK, DEADLINE_S, TOPIC


def new_place(bootstrap: str) -> KafkaPlace:
    """Nobody else's topics."""
    return KafkaPlace(bootstrap, f"test-{random_token()[:12]}-", single_broker=True)


@asynccontextmanager
async def admin_of(place: KafkaPlace) -> AsyncIterator[AIOKafkaAdminClient]:
    """For doing to topics what never should be done."""
    admin = AIOKafkaAdminClient(**place.client())
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def remove_topics(place: KafkaPlace) -> None:
    """What is left of a test, if the broker still answers."""
    with suppress(*CLIENT_ERRORS):
        async with admin_of(place) as admin:
            mine = [topic for topic in await admin.list_topics() if topic.startswith(place.prefix)]
            if mine:
                await admin.delete_topics(mine)


async def alter(place: KafkaPlace, **settings: str) -> None:
    """Set a topic otherwise; a setting that is not named goes back to its default."""
    named = {name.replace("_", "."): value for name, value in settings.items()}
    async with admin_of(place) as admin:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, place.topic(TOPIC), named)])


async def followed(log: KafkaLog, start: Mapping[Partition, int], ends: Mapping[Partition, int]) -> list[Slice]:
    """All that one reader sees who follows from one position to another."""
    found: list[Slice] = []
    positions, bell = dict(start), log.doorbell()
    async with asyncio.timeout(2 * DEADLINE_S):
        while any(positions[partition] < end for partition, end in ends.items()):
            for piece in await log.read(positions, max_records=ALL_RECORDS, max_bytes=ALL_BYTES, bell=bell):
                assert piece.base_offset == positions[piece.partition]
                positions[piece.partition] = piece.next_offset
                found.append(piece)
            await bell.wait(0.2)
    bell.close()
    return found


async def refuses(log: KafkaLog) -> bool:
    try:
        await recognise(log, CHECK)
    except LogBroken:
        return True
    return False
