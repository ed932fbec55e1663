"""A log of its own for each test, on a broker that they share."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from libs.events.kafka_log.adapter import KafkaLog, open_kafka_log
from libs.events.kafka_log.place import KafkaPlace
from libs.events.kafka_log.tests.places import new_place, remove_topics
from libs.events.log_created import ensure_topics
from libs.events.tests.log_contract import (
    CHECK,
)

if TYPE_CHECKING:
    from tests.integration.providers import Broker


@pytest.fixture
def place(kafka: "Broker") -> KafkaPlace:
    return new_place(kafka.bootstrap)


@pytest_asyncio.fixture
async def log(place: KafkaPlace) -> AsyncIterator[KafkaLog]:
    async with open_kafka_log(place) as log:
        await ensure_topics(log, CHECK)
        yield log
    await remove_topics(place)
