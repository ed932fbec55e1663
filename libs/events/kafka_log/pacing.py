"""A client that asks the brokers where partitions are, at a pace.

Where a partition that it was given has no leader, or is gone, aiokafka asks again as soon as it is answered: thousands
of times a second, for as long as that lasts, which is when a cluster needs it least.
"""

import asyncio

from aiokafka.client import AIOKafkaClient

from libs.events.clock import monotonic_s

ASK_EVERY_S = 0.05


def paced(client: AIOKafkaClient) -> None:
    """From now on the client asks at once after a quiet moment, and then no sooner than after the pace."""
    update = client.force_metadata_update
    asked_s = 0.0
    asking: asyncio.Task[object] | None = None

    async def ask() -> object:
        nonlocal asked_s
        await asyncio.sleep(max(0.0, asked_s + ASK_EVERY_S - monotonic_s()))
        asked_s = monotonic_s()
        return await update()

    def force_metadata_update() -> asyncio.Future[object]:
        nonlocal asking
        if asking is None or asking.done():
            asking = asyncio.create_task(ask())
        return asyncio.shield(asking)

    client.force_metadata_update = force_metadata_update
