"""One question to a broker, without an event loop: whom do you see?"""

import socket
import struct
from collections.abc import Iterator
from typing import BinaryIO

from libs.embedded.ports import HOST

# Metadata, version 1: no correlation, no client id, no topics. The fields stand in Kafka's protocol guide.
_QUESTION = struct.pack(">hhihi", 3, 1, 0, -1, 0)


def brokers_seen(port: int, timeout_s: float) -> set[int]:
    """The ids of the brokers that serve, in the eyes of the one at this port; none where it does not answer in time."""
    try:
        with socket.create_connection((HOST, port), timeout_s) as connection, connection.makefile("rb") as answer:
            connection.sendall(struct.pack(">i", len(_QUESTION)) + _QUESTION)
            return set(_brokers(answer))
    except (OSError, struct.error):  # the second where it hangs up in the middle
        return set()


def _brokers(answer: BinaryIO) -> Iterator[int]:
    _size, _correlation, count = _next(answer, ">iii")
    for _ in range(count):
        (node_id,) = _next(answer, ">i")
        _skip_text(answer)  # its host
        _next(answer, ">i")  # its port
        _skip_text(answer)  # its rack
        yield node_id


def _next(answer: BinaryIO, form: str) -> tuple[int, ...]:
    return struct.unpack(form, answer.read(struct.calcsize(form)))


def _skip_text(answer: BinaryIO) -> None:
    (length,) = _next(answer, ">h")
    answer.read(max(0, length))  # -1 is none
