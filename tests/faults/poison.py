"""Records that no edge would let in, appended to the log directly: each must be parked, and nothing but it."""

from collections.abc import Iterator

import msgspec

from libs.events.log import Record
from libs.events.partitions import partition_of
from libs.events.topics import INTERACTIONS
from tests.faults.events import NODES, PURCHASE, purchase, record_of

DEEP = b"[" * 5_000 + b"]" * 5_000


def poison_for(subject: str) -> list[bytes]:
    """Values that neither service can fold, each in its own way."""
    good = purchase(subject, "poison")
    plain = msgspec.json.encode(good)
    return [
        b"\xff\xfe not JSON",
        b"",
        b"[]",
        msgspec.json.encode(good | {"data": {"amount_minor": "a text"}}),
        msgspec.json.encode(good | {"time": "yesterday"}),
        msgspec.json.encode(good | {"id": 7}),
        msgspec.json.encode(good | {"type": "com.example.\x00"}),
        plain.replace(b'"data":{', b'"data":{"lines":' + DEEP + b","),
        msgspec.json.encode({name: value for name, value in good.items() if name != "source"}),
        plain.replace(b'"poison"', b'"poi\xffson"'),
    ]


def poisoned(keys: int) -> Iterator[Record]:
    """Two records a key: one that can never be folded, and a good one that is held back behind it."""
    for n in range(keys):
        subject = f"crm:poisoned-{n}"
        values = poison_for(subject)
        yield Record(NODES.key(subject), values[n % len(values)])
        yield record_of(purchase(subject, f"held-{n}"))


def subjects_in(partition: int, count: int, prefix: str) -> list[str]:
    """Names of people whose events are in one partition."""
    found: list[str] = []
    n = 0
    while len(found) < count:
        subject = f"crm:{prefix}-{n}"
        if partition_of(NODES.key(subject), INTERACTIONS.partitions) == partition:
            found.append(subject)
        n += 1
    return found


FOREIGN = [
    Record(b"", b""),
    Record(b"\xff\xfe", b"\x00\x01\x02", ()),
    Record(b"a key that is no node", msgspec.json.encode(purchase("crm:1", "foreign", type=PURCHASE))),
    Record(b"k" * 1_000, b"\x80" * 10_000, (("content-type", b"application/octet-stream"),)),
]
"""Bytes of another program in the topic: keys that are no nodes, values that are no events."""
