"""aiokafka's connections, coordinators and commits, mended: importing this is enough.

Connections, for uvloop. One that is cut is closed a moment before aiokafka's reader hears of it. Whoever writes to it
in that moment gets RuntimeError from uvloop, where asyncio's own loop says nothing. aiokafka expects OSError alone: its
task that fetches or sends would end for good, and a question would end whoever asked.

Names, for uvloop too. Whoever stops waiting for a connection while the broker's name is looked up leaves the lookup
behind; where it fails in the end, as it does while a container is away, asyncio prints that nobody retrieved it. A
lookup on its own ends with whoever waits for it.

Commits. They are shielded from whoever stops waiting for them; when their connection is closed then, asyncio prints a
failure that nobody retrieved, with its traceback.

Coordinators. Brokers that were frozen are not listed for a moment after it, not even by themselves. Whoever looks for
the coordinator of a group then knows no broker to ask, which aiokafka takes for a fault of the program.
"""

import asyncio
import socket
from typing import Any

from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import KafkaConnectionError, NodeNotReadyError

_connect = AIOKafkaConnection.connect
_send = AIOKafkaConnection.send
_lookup = AIOKafkaClient.coordinator_lookup
_commit = GroupCoordinator._do_commit_offsets  # noqa: SLF001  what `commit_offsets` shields


async def connect(connection: AIOKafkaConnection) -> Any:
    """aiokafka's own, once the name is known to have an address. Raises OSError, TimeoutError among them."""
    async with asyncio.timeout(connection._request_timeout):  # noqa: SLF001  that of aiokafka's own
        loop = asyncio.get_running_loop()
        await loop.getaddrinfo(connection.host, connection.port, type=socket.SOCK_STREAM)
    return await _connect(connection)


def send(connection: AIOKafkaConnection, request: Any, expect_response: bool = True) -> Any:
    """aiokafka's own, for which a connection that is cut is an error of the network. Raises KafkaConnectionError."""
    try:
        return _send(connection, request, expect_response)
    except RuntimeError as reason:
        connection.close(reason=CloseReason.CONNECTION_BROKEN)
        raise KafkaConnectionError("the connection was cut") from reason


async def commit(coordinator: GroupCoordinator, assignment: Any, offsets: Any) -> None:
    """aiokafka's own, whose failure counts as heard of also where nobody waits for it any longer."""
    if (shielded := asyncio.current_task()) is not None:
        shielded.add_done_callback(_hear)
    await _commit(coordinator, assignment, offsets)


def _hear(done: "asyncio.Task[Any]") -> None:
    if not done.cancelled():
        done.exception()


async def coordinator_lookup(client: AIOKafkaClient, kind: CoordinationType, key: str) -> Any:
    """aiokafka's own, to be tried again where no broker is known now. Raises KafkaError."""
    if client.get_random_node() is None:
        raise NodeNotReadyError("no broker is known now")
    return await _lookup(client, kind, key)


AIOKafkaConnection.connect = connect
AIOKafkaConnection.send = send
AIOKafkaClient.coordinator_lookup = coordinator_lookup
GroupCoordinator._do_commit_offsets = commit  # noqa: SLF001
