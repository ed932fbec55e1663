"""What a broker of ours is told: small, quick to come back, and durable as any."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from libs.embedded.ports import HOST, free_ports
from libs.events.ids import new_id

SETTINGS = {
    "process.roles": "broker,controller",
    "inter.broker.listener.name": "DIRECT",
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",
    # A record is as old as its writer says: none may leave because of its time.
    "log.retention.ms": "-1",
    "group.initial.rebalance.delay.ms": "0",
    # Of the broker's own topics, each of which would have 50 partitions.
    "offsets.topic.num.partitions": "3",
    "transaction.state.log.num.partitions": "3",
    "share.coordinator.state.topic.num.partitions": "3",
    # Two index files of this size are mapped for each partition; thousands of partitions are cheap.
    "log.index.size.max.bytes": str(1 << 20),
    # By default 128 MB of the heap, for compacted topics, of which only the broker's own are any.
    "log.cleaner.dedupe.buffer.size": str(4 << 20),
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
    "group.coordinator.threads": "1",
    # A killed broker may come back, and lose its partitions to others, when its session is over: 9 s by default.
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "400",
}


@dataclass(frozen=True, slots=True)
class Proxied:
    """Clients that come to `port`, through a proxy that forwards to it, are sent to `advertised`, a host:port."""

    port: int
    advertised: str


@dataclass(frozen=True, slots=True)
class Secured:
    """A port for clients that use TLS, say who they are, or both; `settings` are those of this listener alone."""

    name: str
    port: int
    protocol: Literal["SSL", "SASL_SSL", "SASL_PLAINTEXT"]
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Node:
    """One broker that is a controller too, of as many as `controller_ports` has.

    `users` are made with the data, each in the form of `kafka-storage format --add-scram`.
    """

    id: int
    port: int
    controller_ports: Mapping[int, int]
    cluster_id: str
    proxied: Proxied | None = None
    secured: Sequence[Secured] = ()
    users: Sequence[str] = ()

    @classmethod
    def alone(cls, port: int | None = None, advertised: str | None = None) -> "Node":
        """A cluster of one, on a free port where none is given."""
        free, controller_port, proxied_port = free_ports(3)
        proxied = Proxied(proxied_port, advertised) if advertised else None
        return cls(1, free if port is None else port, {1: controller_port}, new_cluster_id(), proxied)

    @property
    def ports(self) -> list[int]:
        proxied = [self.proxied.port] if self.proxied else []
        return [self.port, *proxied, *(each.port for each in self.secured), self.controller_ports[self.id]]

    def properties(self, data: str) -> str:
        """`data` is a folder's name in the broker's working folder: no path needs escaping."""
        return "".join(f"{name}={value}\n" for name, value in self._settings(data).items())

    def _settings(self, data: str) -> dict[str, str]:
        listeners = {"DIRECT": f"{HOST}:{self.port}"}
        advertised = dict(listeners)
        if self.proxied:
            listeners["PROXIED"] = f"{HOST}:{self.proxied.port}"
            advertised["PROXIED"] = self.proxied.advertised
        for each in self.secured:
            listeners[each.name] = advertised[each.name] = f"{HOST}:{each.port}"
        listeners["CONTROLLER"] = f"{HOST}:{self.controller_ports[self.id]}"
        voters = (f"{node}@{HOST}:{port}" for node, port in self.controller_ports.items())
        return {
            **SETTINGS,
            **self._replication(),
            **self._security(),
            "node.id": str(self.id),
            "listeners": _listed(listeners),
            "advertised.listeners": _listed(advertised),
            # Given rather than kept in the data: a folder may be started on other ports.
            "controller.quorum.voters": ",".join(voters),
            "log.dirs": data,
        }

    def _security(self) -> dict[str, str]:
        protocols = {"DIRECT": "PLAINTEXT", "PROXIED": "PLAINTEXT", "CONTROLLER": "PLAINTEXT"}
        protocols |= {each.name: each.protocol for each in self.secured}
        return {
            "listener.security.protocol.map": ",".join(f"{name}:{each}" for name, each in protocols.items()),
            **{
                f"listener.name.{each.name.lower()}.{name}": value
                for each in self.secured
                for name, value in each.settings.items()
            },
        }

    def _replication(self) -> dict[str, str]:
        """On every node, and safe while most of them live."""
        nodes = len(self.controller_ports)
        replicas, most = str(nodes), str(nodes // 2 + 1)
        return {
            "default.replication.factor": replicas,
            "min.insync.replicas": most,
            "offsets.topic.replication.factor": replicas,
            "transaction.state.log.replication.factor": replicas,
            "transaction.state.log.min.isr": most,
            "share.coordinator.state.topic.replication.factor": replicas,
            "share.coordinator.state.topic.min.isr": most,
        }


def new_cluster_id() -> str:
    """Kafka's form: a uuid in 22 characters."""
    return base64.urlsafe_b64encode(new_id().bytes).decode().rstrip("=")


def _listed(addresses: Mapping[str, str]) -> str:
    return ",".join(f"{name}://{address}" for name, address in addresses.items())
