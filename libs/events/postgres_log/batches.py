"""A record batch as bytes: MessagePack of keys, values and, by index, headers that are not an event's usual ones.

Large batches are deflated: events repeat themselves, and a sixth of the bytes has to reach the disk before anybody is
answered. The first byte tells: MessagePack's array of three is 0x93, a zlib stream begins with 0x78.
"""

import zlib
from collections.abc import Sequence

import msgspec

from libs.events.log import EVENT_HEADERS, Headers, Record

DEFLATED_FROM_BYTES = 8_192  # below this the disk is written by the page anyway, and deflating would only cost time
_ZLIB = 0x78


class _Batch(msgspec.Struct, array_like=True, frozen=True, gc=False):
    keys: list[bytes]
    values: list[bytes]
    headers: dict[int, Headers]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Batch)


def encode(records: Sequence[Record]) -> bytes:
    """The body of one `log_batches` row."""
    headers = {n: record.headers for n, record in enumerate(records) if record.headers != EVENT_HEADERS}
    packed = _encoder.encode(_Batch([r.key for r in records], [r.value for r in records], headers))
    return packed if len(packed) < DEFLATED_FROM_BYTES else zlib.compress(packed, level=1)


def decode(body: bytes, skip: int = 0) -> list[Record]:
    """The records of a row, without the first `skip`."""
    batch = _decoder.decode(zlib.decompress(body) if body[0] == _ZLIB else body)
    records = list(map(Record, batch.keys[skip:], batch.values[skip:]))
    for n, headers in batch.headers.items():
        if n >= skip:
            records[n - skip] = Record(batch.keys[n], batch.values[n], headers)
    return records
