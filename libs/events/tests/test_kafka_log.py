"""The contract of a log, on a real broker."""

import os
from itertools import count

import pytest

from libs.events.kafka_log.adapter import open_kafka_log
from libs.events.kafka_log.place import KafkaPlace
from libs.events.tests.log_contract import LogContract, OpenLog, Storage
from libs.events.tests.log_created_contract import LogCreatedContract

_n = count(1)


@pytest.fixture
def storage() -> Storage:
    async def new() -> OpenLog:
        place = KafkaPlace(
            os.environ.get("PROBE", "127.0.0.1:19092"), f"t{os.getpid()}-{next(_n)}-", single_broker=True
        )
        return lambda: open_kafka_log(place)

    return new


class TestKafkaLog(LogContract):
    pass


class TestLogCreatedInKafka(LogCreatedContract):
    pass
