"""How often the brokers are asked where partitions are, while they do not know."""

import asyncio

import pytest
import pytest_asyncio
from aiokafka.client import AIOKafkaClient

from libs.events.kafka_log import pacing
from libs.events.kafka_log.pacing import paced

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def client(monkeypatch: pytest.MonkeyPatch) -> AIOKafkaClient:
    """Answers at once, and counts what it is asked."""
    made = AIOKafkaClient()
    made.asked = 0

    async def answer() -> bool:
        made.asked += 1
        return True

    monkeypatch.setattr(made, "force_metadata_update", lambda: asyncio.ensure_future(answer()))
    return made


async def test_after_a_quiet_moment_it_asks_at_once(client: AIOKafkaClient) -> None:
    paced(client)
    async with asyncio.timeout(pacing.ASK_EVERY_S / 2):
        assert await client.force_metadata_update()


async def test_a_loop_that_asks_without_end_asks_at_a_pace(client: AIOKafkaClient) -> None:
    paced(client)

    async def loop() -> None:
        while True:
            await client.force_metadata_update()

    looping = asyncio.create_task(loop())
    await asyncio.wait([looping], timeout=5 * pacing.ASK_EVERY_S)
    looping.cancel()
    assert 2 <= client.asked <= 6


async def test_who_is_cancelled_takes_no_answer_from_others(client: AIOKafkaClient) -> None:
    paced(client)
    await client.force_metadata_update()
    first, second = client.force_metadata_update(), client.force_metadata_update()
    first.cancel()
    assert await second
    assert client.asked == 2


async def test_who_asks_a_client_that_is_closed_is_answered(client: AIOKafkaClient) -> None:
    never = asyncio.get_running_loop().create_future()
    client.force_metadata_update = lambda: asyncio.shield(never)
    paced(client)
    before = client.force_metadata_update()
    await asyncio.wait([before], timeout=pacing.ASK_EVERY_S)
    await client.close()
    async with asyncio.timeout(1):
        assert not await before
        assert not await client.force_metadata_update()
