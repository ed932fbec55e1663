"""Several brokers as one cluster: a topic on all of them outlives the death of a few."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from libs.embedded.kafka import EmbeddedKafka
from libs.embedded.kafka_settings import Node, new_cluster_id
from libs.embedded.ports import free_ports

NODES = 3


class EmbeddedCluster:
    """Every node is a broker and a controller: the cluster works while most of its nodes live.

    `node(id)` is killed, frozen and started like a broker of its own; ids count from 1. Topics are on every node, and
    an append with acks=all waits for most of them, unless the topic says otherwise.
    """

    def __init__(self, folder: Path, cache: Path, nodes: int = NODES) -> None:
        ids = range(1, nodes + 1)
        free = free_ports(2 * nodes)
        ports, controller_ports = dict(zip(ids, free, strict=False)), dict(zip(ids, free[nodes:], strict=True))
        cluster_id = new_cluster_id()
        self.nodes = [
            EmbeddedKafka(folder / f"node-{id_}", cache, Node(id_, ports[id_], controller_ports, cluster_id))
            for id_ in ids
        ]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def bootstrap(self) -> str:
        return ",".join(node.bootstrap for node in self.nodes)

    def node(self, node_id: int) -> EmbeddedKafka:
        """The one that clients see under this id, such as the leader of a partition."""
        return self.nodes[node_id - 1]

    def start(self) -> None:
        """Starts those that do not live, and returns when each of them serves; else none of them is left running."""
        with ExitStack() as on_failure:
            on_failure.callback(self._each, EmbeddedKafka.kill)
            self._each(EmbeddedKafka.start)
            on_failure.pop_all()

    def stop(self) -> None:
        """Takes 5 s: without the others the last one waits so long for a new leader of the controllers."""
        self._each(EmbeddedKafka.stop)

    def _each(self, act: Callable[[EmbeddedKafka], None]) -> None:
        """At once, since none serves before most of them live; raises the first one's error when all have ended."""
        with ThreadPoolExecutor(len(self.nodes)) as threads:
            list(threads.map(act, self.nodes))
