"""What the log on Kafka does when its broker dies, freezes or restarts; on a broker of its own."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import pytest
import pytest_asyncio

from libs.embedded.kafka import EmbeddedKafka
from libs.events.clock import monotonic_s
from libs.events.kafka_log import adapter, producing, writer
from libs.events.kafka_log.adapter import KafkaLog, open_kafka_log
from libs.events.kafka_log.tests.places import new_place
from libs.events.log import AppendRefused, AppendUnknown, LogUnavailable, Record
from libs.events.log_created import ensure_topics
from libs.events.tests.log_contract import CHECK, TOPIC, one_of_each_partition, record, rings
from libs.events.tests.log_load import WRITERS, Load, appends, kept
from tests.integration.providers import kafka_cache

BACK_WITHIN_S = 30.0
ENDS_WITHIN_S = writer.APPEND_TIMEOUT_S + 1.0
CROWD = 5
SHORT_S = 1.0  # instead of the writer's time limit, where nothing else is waited for

# aiokafka leaves a connection that is being made while its broker is frozen to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def _swept() -> Iterator[None]:
    """What a test leaves is collected before the next one."""
    yield
    gc.collect()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, kafka: object) -> Iterator[EmbeddedKafka]:
    """The shared one is asked for first: where none can be had, these tests are passed over for the same reason."""
    with EmbeddedKafka(tmp_path_factory.mktemp("own"), kafka_cache()) as own:
        yield own


@pytest_asyncio.fixture
async def log(broker: EmbeddedKafka) -> AsyncIterator[KafkaLog]:
    async with open_kafka_log(new_place(broker.bootstrap)) as log:
        await ensure_topics(log, CHECK)
        yield log


async def loaded(log: KafkaLog) -> tuple[Load, list[asyncio.Task[None]]]:
    """Writers at work, each of which has been answered many times."""
    load = Load(log)
    writing = [asyncio.create_task(load.write(n)) for n in range(WRITERS)]
    async with asyncio.timeout(BACK_WITHIN_S):
        while len(load.acknowledged) < 10 * WRITERS:
            await asyncio.wait(writing, timeout=0.01)
    return load, writing


async def until_it_appends(log: KafkaLog) -> None:
    async with asyncio.timeout(BACK_WITHIN_S):
        while not await _tried(log):
            pass


async def _tried(log: KafkaLog) -> bool:
    try:
        return await appends(log)
    except AppendUnknown:
        return False


@pytest.mark.asyncio
@pytest.mark.slow
@pytest.mark.faults("F05", fault="kill -9 the broker under appends")
async def test_nothing_acknowledged_is_lost_when_the_broker_is_killed(log: KafkaLog, broker: EmbeddedKafka) -> None:
    load, writing = await loaded(log)
    await asyncio.to_thread(broker.kill)
    async with asyncio.timeout(ENDS_WITHIN_S):
        await asyncio.gather(*writing)
    assert {type(failure) for failure in load.failures} <= {AppendUnknown, AppendRefused}
    assert len(load.failures) == WRITERS
    assert load.longest_s < ENDS_WITHIN_S
    await asyncio.to_thread(broker.start)
    await until_it_appends(log)
    await kept(log, load)


@pytest.mark.asyncio
@pytest.mark.faults("F11", fault="appends and many questions to a frozen broker", times=CROWD)
async def test_appends_and_questions_to_a_frozen_broker_end_in_time_however_many_wait(
    log: KafkaLog, broker: EmbeddedKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "APPEND_TIMEOUT_S", SHORT_S)
    monkeypatch.setattr(writer, "SILENT_AFTER_S", SHORT_S / 2)
    load, writing = await loaded(log)
    broker.freeze()
    try:
        late = asyncio.create_task(log.append(TOPIC, [record("ada", "late")] * 3))
        async with asyncio.timeout(4 * SHORT_S):
            await asyncio.gather(*writing)
            with pytest.raises((AppendUnknown, AppendRefused)):
                await late
        assert log.trouble is not None
        began_s = monotonic_s()
        with pytest.raises(AppendRefused):  # never handed over: an earlier batch of this partition is on its way
            await log.append(TOPIC, [record("ada", "later")])
        assert monotonic_s() - began_s < 2 * SHORT_S
        began_s = monotonic_s()
        answers = await asyncio.gather(*(log.ends([TOPIC]) for _ in range(CROWD)), return_exceptions=True)
        assert {type(answer) for answer in answers} == {LogUnavailable}
        assert monotonic_s() - began_s < ENDS_WITHIN_S + 1
    finally:
        broker.thaw()
    assert load.longest_s < 2 * SHORT_S
    await until_it_appends(log)
    await kept(log, load)
    assert log.trouble is None


@pytest.mark.asyncio
@pytest.mark.faults("F11", fault="a log is closed while its broker is frozen")
async def test_a_log_whose_broker_is_frozen_closes_all_the_same(broker: EmbeddedKafka) -> None:
    async with open_kafka_log(new_place(broker.bootstrap)) as log:
        await ensure_topics(log, CHECK)
        bell = log.doorbell()
        await log.read({}, max_records=1, max_bytes=1, bell=bell)
        await rings(bell)
        broker.freeze()
        began_s = monotonic_s()
        appending = asyncio.create_task(log.append(TOPIC, [record("ada")]))
        await asyncio.wait([appending], timeout=0.1)
    broker.thaw()
    assert monotonic_s() - began_s < 12
    with pytest.raises((AppendUnknown, AppendRefused)):
        await appending


@pytest.mark.asyncio
@pytest.mark.faults("F04", fault="a clean restart of the broker under appends and reads")
async def test_a_restarted_broker_is_found_again_by_writers_and_readers(log: KafkaLog, broker: EmbeddedKafka) -> None:
    load, writing = await loaded(log)
    bell = log.doorbell()
    positions = await log.ends([TOPIC])
    await log.read(positions, max_records=1_000, max_bytes=1 << 20, bell=bell)
    await asyncio.to_thread(broker.restart)
    for each in writing:  # who was quick enough noticed nothing, and would go on
        each.cancel()
    await asyncio.wait(writing)
    await until_it_appends(log)
    sent = await log.append(TOPIC, [Record(each.key, b"after") for each in one_of_each_partition()])
    async with asyncio.timeout(BACK_WITHIN_S):
        while any(positions[partition] < end for partition, end in sent.positions.items()):
            for piece in await log.read(positions, max_records=1_000, max_bytes=1 << 20, bell=bell):
                positions[piece.partition] = piece.next_offset
            await bell.wait(0.5)
    await kept(log, load)


@pytest.mark.asyncio
async def test_a_writer_that_found_no_broker_looks_again_though_nobody_appends(
    log: KafkaLog, broker: EmbeddedKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else whoever is asked nothing as long as it is not ready would never be ready again."""
    monkeypatch.setattr(adapter, "WATCH_EVERY_S", 0.1)
    monkeypatch.setattr(producing, "START_TIMEOUT_S", SHORT_S)
    log.writer.producers.replace(log.writer.producers.replaced)
    broker.freeze()
    try:
        with pytest.raises(AppendRefused):
            await log.append(TOPIC, [record("a")])
        assert log.trouble is not None
    finally:
        broker.thaw()
    async with asyncio.timeout(BACK_WITHIN_S):
        while log.trouble is not None:
            with suppress(LogUnavailable):
                await log.ends([TOPIC])
