"""How far the log has been read or written: positions, and the opaque token that clients carry between requests."""

import base64
import binascii
from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

import msgspec

from libs.events.topics import BY_NAME, BY_NUMBER

MAX_TOKEN_CHARACTERS = 2_000  # every partition of every topic with 8-byte offsets takes about 700


class Partition(NamedTuple):
    """One partition of the log."""

    topic: str
    number: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.number}"


def place_text(topic: int, partition: int | str, offset: int | str) -> str:
    """`topic/partition/offset` of a record, by its topic's number."""
    return f"{BY_NUMBER[topic].name}/{partition}/{offset}"


Positions = dict[Partition, int]
"""For each partition the next offset: everything below it is covered."""


class BadToken(ValueError):
    """Not a position token of this log; the text says which of the two."""


class _Token(msgspec.Struct, array_like=True, frozen=True):
    log: bytes
    reached: dict[int, dict[int, int]]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Token)
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def encode(log_id: UUID, positions: Mapping[Partition, int]) -> str:
    """The token of positions in one log."""
    reached: dict[int, dict[int, int]] = {}
    for (topic, partition), offset in positions.items():
        reached.setdefault(BY_NAME[topic].number, {})[partition] = offset
    return _written(log_id, reached)


def encode_topic(log_id: UUID, topic: str, offsets: dict[int, int]) -> str:
    """The token of positions in one topic, by partition: what every write answers with."""
    return _written(log_id, {BY_NAME[topic].number: offsets})


def _written(log_id: UUID, reached: dict[int, dict[int, int]]) -> str:
    packed = binascii.b2a_base64(_encoder.encode((log_id.bytes, reached)), newline=False)
    return packed.translate(_URL_SAFE, b"=").decode()


def decode(token: str, log_id: UUID) -> Positions:
    """Read a token made by `encode`. Raises BadToken for anything else, another log's token included."""
    try:
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise BadToken("not a position token")
        packed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        read = _decoder.decode(packed)
        positions = {
            Partition(BY_NUMBER[topic].name, partition): offset
            for topic, partitions in read.reached.items()
            for partition, offset in partitions.items()
        }
    except (binascii.Error, ValueError, KeyError, RecursionError):
        raise BadToken("not a position token") from None
    if read.log != log_id.bytes:
        raise BadToken("this position is of another log")
    if any(not _is_possible(partition, offset) for partition, offset in positions.items()):
        raise BadToken("not a position token")
    return positions


def _is_possible(partition: Partition, offset: int) -> bool:
    return 0 <= offset < 2**63 and 0 <= partition.number < BY_NAME[partition.topic].partitions


def merge(one: Mapping[Partition, int], other: Mapping[Partition, int]) -> Positions:
    """The positions that cover both."""
    merged = dict(one)
    for partition, offset in other.items():
        merged[partition] = max(offset, merged.get(partition, 0))
    return merged


def covers(reached: Mapping[Partition, int], wanted: Mapping[Partition, int]) -> bool:
    """Whether all wanted partitions that `reached` knows of are reached; others are not ours to wait for."""
    return all(reached[partition] >= offset for partition, offset in wanted.items() if partition in reached)
