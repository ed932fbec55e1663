"""A cluster of three works while two of its nodes live."""

from pathlib import Path

import psutil
import pytest
from aiokafka.errors import KafkaError

from libs.embedded.kafka_cluster import EmbeddedCluster
from libs.embedded.tests.kafka_clients import append, create, first, leader_and_in_sync
from libs.embedded.tests.processes import all_ended
from tests.faults.deadlines import until
from tests.integration.providers import kafka_cache

IN_SYNC_WITHIN_S = 30.0


@pytest.mark.slow
@pytest.mark.asyncio
async def test_a_topic_on_three_nodes_outlives_its_leader(tmp_path: Path) -> None:
    with EmbeddedCluster(tmp_path, kafka_cache()) as cluster:
        processes = [psutil.Process(node.pid) for node in cluster.nodes]
        await create(cluster.bootstrap, "kept", replicas=3)
        assert await append(cluster.bootstrap, "kept", b"before") == 0
        dead, in_sync = await leader_and_in_sync(cluster.bootstrap, "kept")
        assert in_sync == {1, 2, 3}
        cluster.node(dead).kill()
        alive = ",".join(node.bootstrap for node in cluster.nodes if node.alive())

        async def moved() -> bool:
            try:
                leader, _ = await leader_and_in_sync(alive, "kept")
            except KafkaError:  # it may be sent to the dead node until the others know
                return False
            return leader not in {dead, -1}

        await until(moved, IN_SYNC_WITHIN_S, "another node leads")
        assert await append(alive, "kept", b"meanwhile") == 1

        async def all_in_sync() -> bool:
            return (await leader_and_in_sync(cluster.bootstrap, "kept"))[1] == {1, 2, 3}

        cluster.node(dead).start()
        await until(all_in_sync, IN_SYNC_WITHIN_S, "the node that was killed has caught up")
        assert await first(cluster.node(dead).bootstrap, "kept") == b"before"
        processes.append(psutil.Process(cluster.node(dead).pid))
    assert all_ended(processes, within_s=0)
