"""Logs of their own on a broker that tests share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiokafka.admin import AIOKafkaAdminClient

from libs.events.ids import random_token
from libs.events.kafka_log.place import CLIENT_ERRORS, KafkaPlace


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
