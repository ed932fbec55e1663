"""The EventLog port on Apache Kafka."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from libs.events.adapting import Adapter, Brokers, by_partition
from libs.events.background import running
from libs.events.kafka_log.advice import Advice
from libs.events.kafka_log.calls import MAX_RECORD_BYTES, size_of
from libs.events.kafka_log.lookups import Lookups
from libs.events.kafka_log.place import KafkaPlace
from libs.events.kafka_log.stream import Stream
from libs.events.kafka_log.topics import TopicKeeper
from libs.events.kafka_log.writer import Writer
from libs.events.log import Appended, Doorbell, LogBroken, LogError, Record, Slice
from libs.events.position import Partition, Positions
from libs.events.topics import TOPICS

WATCH_EVERY_S = 5.0
_NAMES = {topic.name: topic.partitions for topic in TOPICS}


class KafkaLog(Adapter):
    """See `libs.events.log.EventLog` for what it promises; made by `open_kafka_log`."""

    def __init__(
        self, place: KafkaPlace, keeper: TopicKeeper, counts: Mapping[str, int], tasks: asyncio.TaskGroup
    ) -> None:  # fmt: skip
        self.brokers: Brokers = "single" if place.single_broker else "cluster"
        self._place = place
        self._keeper = keeper
        self._counts = counts
        self._tasks = tasks
        self.writer = Writer(place, tasks)
        self.lookups = Lookups(place)
        self.lookups.topics = counts
        self.streams: list[Stream] = []
        self._advice: dict[str, Advice] = {}

    async def create_topics(self, counts: Mapping[str, int]) -> None:
        """Make topics that do not exist. A count that differs from an existing topic's is left as it was."""
        await self._keeper.make(counts)
        self._counts = self.lookups.topics = await self._keeper.counts(counts)

    async def partition_counts(self) -> Mapping[str, int]:
        """How many partitions each topic has."""
        self._counts = self.lookups.topics = await self._keeper.counts(_NAMES)
        return self._counts

    async def require_safe(self, brokers: Brokers) -> None:
        """See `Adapter.require_safe`: topics are compared with the settings that they are made with."""
        await self._keeper.require_safe(self._counts, brokers)

    async def append(self, topic: str, records: Sequence[Record]) -> Appended:
        """See `EventLog.append`. Partitions are written one by one, so some of them may be known and others not."""
        groups, size = by_partition(topic, self._counts.get(topic, 0), records, size_of, MAX_RECORD_BYTES)
        if not groups:
            return Appended(topic, {})
        return await self.writer.put(topic, groups, size)

    async def read(
        self, wanted: Mapping[Partition, int], *, max_records: int, max_bytes: int, bell: Doorbell | None = None
    ) -> list[Slice]:
        """See `EventLog.read`."""
        for partition in wanted:
            if partition.number >= self._counts.get(partition.topic, 0):
                raise LogBroken(f"log went backwards: there is no {partition}")
        if isinstance(bell, Stream):
            return bell.take(wanted, max_records=max_records, max_bytes=max_bytes)
        return await self.lookups.read(wanted, max_records=max_records, max_bytes=max_bytes)

    async def ends(self, topics: Sequence[str]) -> Positions:
        """See `EventLog.ends`."""
        return await self.lookups.ends(topics)

    def doorbell(self) -> Stream:
        """See `EventLog.doorbell`."""
        self.streams = [stream for stream in self.streams if not stream.is_closed or stream.is_ending]
        self.streams.append(stream := Stream(self._place, self.lookups, list(self._counts), self._tasks))
        return stream

    async def advise(self, service: str, reached: Mapping[Partition, int]) -> None:
        """See `EventLog.advise`."""
        if service not in self._advice:
            self._advice[service] = Advice(self._place, service, self._tasks)
        self._advice[service].tell(reached)

    @property
    def trouble(self) -> str | None:
        """See `EventLog.trouble`."""
        return self.writer.trouble or next((each.trouble for each in self.streams if each.trouble), None)

    async def watch(self) -> None:
        """Look after the writer's producer and the streams' consumers, until cancelled."""
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            await self.writer.look_again()
            if followed := [stream for stream in self.streams if not stream.is_closed]:
                try:
                    ends = await self.lookups.ends(list(self._counts))
                except LogError:
                    continue
                for stream in followed:
                    stream.watch(ends)

    async def close(self) -> None:
        """See `EventLog.close`."""
        for stream in self.streams:
            stream.close()
        advice = [each.task for each in self._advice.values()]
        for task in advice:
            task.cancel()
        ending = [*advice, *(stream.task for stream in self.streams if stream.task is not None)]
        if ending:
            await asyncio.wait(ending)
        await self.writer.close()
        await self.lookups.close()


@asynccontextmanager
async def open_kafka_log(place: KafkaPlace) -> AsyncIterator[KafkaLog]:
    """Serve appends and reads while the block runs. Raises LogUnavailable when no broker answers."""
    keeper = TopicKeeper(place)
    counts = await keeper.counts(_NAMES)
    async with running() as tasks:
        log = KafkaLog(place, keeper, counts, tasks)
        watching = tasks.create_task(log.watch())
        try:
            yield log
        finally:
            watching.cancel()
            await log.close()
