"""F06: of three brokers the one that leads a partition is killed; another takes over, and nothing is lost."""

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from libs.embedded.kafka_cluster import EmbeddedCluster
from libs.events.kafka_log.place import KafkaPlace
from libs.events.kafka_log.tests.places import admin_of
from tests.faults.deadlines import until
from tests.faults.events import EVERYWHERE, TOPIC
from tests.faults.logs import live_on
from tests.faults.poison import subjects_in
from tests.faults.running import is_written, loaded, resumes, under_load
from tests.integration.conftest import System, kafka_environment, new_system, running
from tests.integration.providers import kafka_cache

TIMES = 5
GAP_S = 30.0
WHOLE_WITHIN_S = 60.0


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(tmp_path / "brokers", kafka_cache()) as brokers:
        yield brokers


@pytest.fixture
def cluster_live(cluster: EmbeddedCluster, tmp_path: Path) -> Iterator[System]:
    """Its topics are on all three brokers."""
    with kafka_environment(cluster.bootstrap) as environment:
        yield from running(new_system(tmp_path / "data", environment | {"RAPPORT_SINGLE_BROKER": "0"}))


async def leaders_and_in_sync(place: KafkaPlace) -> tuple[dict[int, int], int]:
    """Of each partition of interactions; and how many brokers have all of the partition that the fewest have."""
    async with admin_of(place) as admin:
        ((_, partitions),) = [
            (topic["topic"], topic["partitions"]) for topic in await admin.describe_topics([place.topic(TOPIC)])
        ]
    return {each["partition"]: each["leader"] for each in partitions}, min(len(each["isr"]) for each in partitions)


@pytest.mark.faults("F06", fault="three brokers, kill -9 the leader of a partition", times=TIMES)
@pytest.mark.slow
@pytest.mark.asyncio
@live_on("cluster")
async def test_another_broker_takes_over_when_the_leader_is_killed(live: System, cluster: EmbeddedCluster) -> None:
    place = live.log_place
    assert isinstance(place, KafkaPlace)

    async def whole() -> bool:
        return (await leaders_and_in_sync(place))[1] == len(cluster.nodes)

    async with loaded(live, seed=6) as history:
        for each in EVERYWHERE[:TIMES]:
            await until(whole, WHOLE_WITHIN_S, "all brokers have all")
            leaders, _ = await leaders_and_in_sync(place)
            killed = cluster.node(leaders[each.number])
            (subject,) = subjects_in(each.number, 1, "led")
            killed.kill()
            await until(partial(is_written, live, subject), GAP_S, f"{each} is written again")
            await under_load(history)
            await asyncio.to_thread(killed.start)
        await resumes(live, GAP_S)
