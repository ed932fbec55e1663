"""aiokafka's connections, mended for uvloop: importing this is enough.

A connection that is cut is closed a moment before aiokafka's reader hears of it. Whoever writes to it in that moment
gets RuntimeError from uvloop, where asyncio's own loop says nothing. aiokafka expects OSError alone: its task that
fetches or sends would end for good, and a question would end whoever asked.
"""

from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError

_send = AIOKafkaConnection.send


def send(connection: AIOKafkaConnection, request: Any, expect_response: bool = True) -> Any:
    """aiokafka's own, for which a connection that is cut is an error of the network. Raises KafkaConnectionError."""
    try:
        return _send(connection, request, expect_response)
    except RuntimeError as reason:
        connection.close(reason=CloseReason.CONNECTION_BROKEN)
        raise KafkaConnectionError("the connection was cut") from reason


AIOKafkaConnection.send = send
