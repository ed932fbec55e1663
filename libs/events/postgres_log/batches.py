"""A record batch as bytes: MessagePack of keys, values and, by index, headers that are not an event's usual ones."""

from collections.abc import Sequence

import msgspec

from libs.events.log import EVENT_HEADERS, Headers, Record


class _Batch(msgspec.Struct, array_like=True, frozen=True, gc=False):
    keys: list[bytes]
    values: list[bytes]
    headers: dict[int, Headers]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Batch)


def encode(records: Sequence[Record]) -> bytes:
    """The body of one `log_batches` row."""
    headers = {n: record.headers for n, record in enumerate(records) if record.headers != EVENT_HEADERS}
    return _encoder.encode(_Batch([r.key for r in records], [r.value for r in records], headers))


def decode(body: bytes, skip: int = 0) -> list[Record]:
    """The records of a row, without the first `skip`."""
    batch = _decoder.decode(body)
    records = list(map(Record, batch.keys[skip:], batch.values[skip:]))
    for n, headers in batch.headers.items():
        if n >= skip:
            records[n - skip] = Record(batch.keys[n], batch.values[n], headers)
    return records
