"""A client that asks the brokers where partitions are, at a pace.

Where a partition that it was given has no leader, or is gone, aiokafka asks again as soon as it is answered: thousands
of times a second, for as long as that lasts, which is when a cluster needs it least. And who asked a client that was
closed meanwhile would wait for ever.
"""

import asyncio

from aiokafka.client import AIOKafkaClient

from libs.events.clock import monotonic_s

ASK_EVERY_S = 0.05


def paced(client: AIOKafkaClient) -> None:
    """From now on the client asks at once after a quiet moment, and then no sooner than after the pace.

    Once it is closed, the answer is False.
    """
    update, close = client.force_metadata_update, client.close
    closed = asyncio.get_running_loop().create_future()
    asked_s = 0.0
    asking: asyncio.Task[object] | None = None

    async def ask() -> object:
        nonlocal asked_s
        await asyncio.sleep(max(0.0, asked_s + ASK_EVERY_S - monotonic_s()))
        asked_s = monotonic_s()
        updating = update()
        await asyncio.wait([updating, closed], return_when=asyncio.FIRST_COMPLETED)
        return updating.done() and updating.result()

    def force_metadata_update() -> asyncio.Future[object]:
        nonlocal asking
        if asking is None or asking.done():
            asking = asyncio.create_task(ask())
        return asyncio.shield(asking)

    async def close_and_tell() -> None:
        try:
            await close()
        finally:
            if not closed.done():
                closed.set_result(None)

    client.force_metadata_update, client.close = force_metadata_update, close_and_tell
