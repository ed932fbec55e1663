"""A broker for the figures that are also measured on Apache Kafka, and what only it is asked: `kafka_replay`."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter

from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks.figures import Benchmark, Figure, Outcome
from benchmarks.library import PARTITIONS, TIMELINE, empty_generation, ends, fill, new_log, postgres, timed_replay
from benchmarks.system import run, scratch_folder
from libs.embedded.kafka import EmbeddedKafka
from libs.events.kafka_log.lookups import new_consumer
from libs.events.kafka_log.place import KafkaPlace
from libs.events.position import Positions

JARS = Path(__file__).parents[1] / ".rapport"  # where `rapport kafka` keeps them, too
ROUNDS = 3
POLL_MS = 1_000


@contextmanager
def broker() -> Iterator[EmbeddedKafka]:
    """A broker with nothing in it."""
    with scratch_folder() as folder, EmbeddedKafka(folder, JARS) as kafka:
        yield kafka


def kafka_replay(size: int) -> Outcome:
    with postgres() as server, broker() as kafka:
        place = KafkaPlace(kafka.bootstrap, single_broker=True)
        replayed_s, python_s, thrown_away_s = run(_rounds(place, server.url(TIMELINE), size))
    note = (
        f"{median(replayed_s) / size * 1e6:.1f} us an event: the replaying process computes for "
        f"{median(python_s) / size * 1e6:.1f} of them; getmany alone takes {median(thrown_away_s) / size * 1e6:.1f}"
    )
    figure = Figure("kafka_replay", size / median(replayed_s), "events/s", size / median(thrown_away_s), 0.2)
    return Outcome([figure], [note])


async def _rounds(place: KafkaPlace, url: str, size: int) -> tuple[list[float], list[float], list[float]]:
    replayed_s, python_s, thrown_away_s = [], [], []
    async with new_log(place) as log:
        await fill(log, size)
        until = await ends(log)
        for _ in range(ROUNDS):
            async with empty_generation(url, log) as schema:
                took_s, computed_s = await timed_replay(url, schema, log, until)
                replayed_s.append(took_s)
                python_s.append(computed_s)
            thrown_away_s.append(await _thrown_away(place, until))
    return replayed_s, python_s, thrown_away_s


async def _thrown_away(place: KafkaPlace, until: Positions) -> float:
    """Seconds in which the same records are fetched and decoded by the client, from one consumer."""
    left = {TopicPartition(place.topic(p.topic), p.number) for p in PARTITIONS}
    ends_of = {TopicPartition(place.topic(p.topic), p.number): end for p, end in until.items()}
    async with _consumer(place) as consumer:
        began_s = perf_counter()
        consumer.assign(list(left))
        for each in left:
            consumer.seek(each, 0)
        while left:
            for each, records in (await consumer.getmany(timeout_ms=POLL_MS)).items():
                if records[-1].offset + 1 >= ends_of[each]:
                    left.discard(each)
        return perf_counter() - began_s


@asynccontextmanager
async def _consumer(place: KafkaPlace) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = new_consumer(place, fetch_max_wait_ms=500)
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


BENCHMARKS = {"kafka_replay": Benchmark(kafka_replay, 200_000, "events")}
