"""The contract of a log, on a real broker."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest_asyncio

from libs.events.kafka_log.adapter import open_kafka_log
from libs.events.kafka_log.tests.places import new_place, remove_topics
from libs.events.tests.log_contract import LogContract, OpenLog, Storage
from libs.events.tests.log_created_contract import LogCreatedContract

if TYPE_CHECKING:
    from tests.integration.providers import Broker


@pytest_asyncio.fixture
async def storage(kafka: "Broker") -> AsyncIterator[Storage]:
    places = []

    async def new() -> OpenLog:
        places.append(place := new_place(kafka.bootstrap))
        return lambda: open_kafka_log(place)

    yield new
    for place in places:
        await remove_topics(place)


class TestKafkaLog(LogContract):
    pass


class TestLogCreatedInKafka(LogCreatedContract):
    pass
