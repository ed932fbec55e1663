"""How far services have folded, told to Kafka under a group's name: advice for lag tools and autoscalers.

Nothing reads it back: the checkpoint is a row in the service's database, moved with the rows themselves.
"""

import asyncio
from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition

from libs.events.kafka_log.lookups import new_consumer, stopped
from libs.events.kafka_log.place import CLIENT_ERRORS, KafkaPlace
from libs.events.log import LogUnavailable
from libs.events.position import Partition, Positions

TELL_EVERY_S = 1.0
TELL_TIMEOUT_S = 5.0


class Advice:
    """Of one service; the newest positions are told now and then."""

    def __init__(self, place: KafkaPlace, service: str, tasks: asyncio.TaskGroup) -> None:
        self._place = place
        self._group = place.topic(f"rapport-{service}")
        self._reached: Positions = {}
        self._news = asyncio.Event()
        self.task = tasks.create_task(self._run())

    def tell(self, reached: Mapping[Partition, int]) -> None:
        if reached and reached != self._reached:
            self._reached = dict(reached)
            self._news.set()

    async def _run(self) -> None:
        while True:
            try:
                await self._tell()
            except (*CLIENT_ERRORS, LogUnavailable):
                self._news.set()
                await asyncio.sleep(TELL_EVERY_S)

    async def _tell(self) -> None:
        consumer = new_consumer(self._place, fetch_max_wait_ms=0, group=self._group)
        try:
            await consumer.start()
            while True:
                await self._news.wait()
                self._news.clear()
                async with asyncio.timeout(TELL_TIMEOUT_S):
                    await self._commit(consumer)
                await asyncio.sleep(TELL_EVERY_S)
        finally:
            await stopped(consumer)

    async def _commit(self, consumer: AIOKafkaConsumer) -> None:
        """Only partitions that are assigned can be committed; they are paused, so that nothing is fetched."""
        offsets = {TopicPartition(self._place.topic(p.topic), p.number): offset for p, offset in self._reached.items()}
        if consumer.assignment() != offsets.keys():
            consumer.assign(list(offsets))
            consumer.pause(*offsets)
        for each, offset in offsets.items():
            consumer.seek(each, offset)
        await consumer.commit(offsets)
