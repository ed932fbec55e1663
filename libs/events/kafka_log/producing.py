"""One idempotent producer at a time, replaced when an error has spoiled it.

After an error that cannot be retried the sequence numbers of an idempotent producer are off, and every later send to
that partition fails for ever (aiokafka issue #1017). So it is closed, and a new one with a new producer id takes over.
Closing waits for ever while a broker is away (#1101): it is bounded, and what then was not delivered is given up.
"""

import asyncio

from aiokafka import AIOKafkaProducer
from aiokafka.errors import ProducerClosed

from libs.events.kafka_log.pacing import paced
from libs.events.kafka_log.place import CLIENT_ERRORS, KafkaPlace
from libs.events.kafka_log.refusals import explained

START_TIMEOUT_S = 4.0
STOP_TIMEOUT_S = 3.0
BATCH_BYTES = 1_000_000  # below a topic's usual max.message.bytes, 1,048,588, and above what a lane puts into one


class Producers:
    """Hands out the producer of the moment."""

    def __init__(self, place: KafkaPlace) -> None:
        self._place = place
        self._number = 0
        self._current: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self._retiring: set[asyncio.Task[None]] = set()

    @property
    def replaced(self) -> int:
        """How many producers had to be given up."""
        return self._number

    async def current(self) -> tuple[int, AIOKafkaProducer]:
        """The producer and its number. Raises LogUnavailable when no broker answers."""
        if self._current is None:
            async with self._starting:
                if self._current is None:
                    self._current = await self._start()
        return self._number, self._current

    async def _start(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            **self._place.client(),
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            max_batch_size=BATCH_BYTES,
            compression_type="lz4",
        )
        paced(producer.client)
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                await producer.start()
        except CLIENT_ERRORS as reason:
            await producer.stop()
            raise await explained(self._place, reason) from reason
        except BaseException:
            await producer.stop()
            raise
        return producer

    def replace(self, number: int) -> None:
        """Give up the producer of this number, if it is still the one in use."""
        if number != self._number or self._current is None:
            return
        spoiled, self._current = self._current, None
        self._number += 1
        retiring = asyncio.create_task(_retire(spoiled))
        self._retiring.add(retiring)
        retiring.add_done_callback(self._retiring.discard)

    async def close(self) -> None:
        """Within a few seconds, whatever the brokers do."""
        self.replace(self._number)
        if self._retiring:
            await asyncio.wait(self._retiring)


async def _retire(producer: AIOKafkaProducer) -> None:
    """Batches of its other partitions get a moment to be delivered; what is left fails with ProducerClosed."""
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await producer.stop()
    except CLIENT_ERRORS:
        pass
    # aiokafka has no public way to end a producer whose broker is silent.
    sender = producer._sender.sender_task  # noqa: SLF001
    producer._message_accumulator.fail_all(ProducerClosed())  # noqa: SLF001
    if sender is not None and not sender.done():
        sender.cancel()
        await asyncio.wait([sender], timeout=1.0)
    await producer.client.close()
