"""Events of about 390 bytes, as a shop sends them, and the requests that carry them. Seeded: all runs are alike."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

CUSTOMERS = 20_000
FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)
SPAN_MS = 2 * 365 * 24 * 3_600 * 1_000  # events lie anywhere in two years, so late ones are normal

STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"

_CHANNELS = ("web", "store", "telephone", "email")


class Events:
    """Makes events of random customers with random ids of 16 bytes."""

    def __init__(self, seed: int, customers: int = CUSTOMERS) -> None:
        self._random = random.Random(seed)
        self._customers = customers

    def one(self, subject: str | None = None, moment: datetime | None = None) -> bytes:
        return self.named(subject, moment)[1]

    def named(self, subject: str | None = None, moment: datetime | None = None) -> tuple[str, bytes]:
        """The subject and the event."""
        draw = self._random.random
        subject = subject or customer(int(draw() * self._customers))
        moment = moment or FIRST_DAY + timedelta(milliseconds=int(draw() * SPAN_MS))
        amount, order = int(draw() * 100_000), int(draw() * 10_000_000)
        return subject, (
            f'{{"specversion":"1.0","id":"{self._random.randbytes(16).hex()}","source":"urn:example:shop",'
            f'"type":"rapport.interactions.purchase.recorded.v1","subject":"{subject}",'
            f'"time":"{moment.isoformat(timespec="milliseconds")}","datacontenttype":"application/json",'
            f'"data":{{"channel":"{_CHANNELS[order % 4]}","touchpoint":"store","direction":"inbound",'
            f'"amount_minor":{amount},"currency":"GBP","order":"{order:07}","cost_minor":{amount // 2}}}}}'
        ).encode()

    def many(self, count: int) -> Iterator[bytes]:
        return (self.one() for _ in range(count))


def customer(number: int) -> str:
    return f"crm:{number:05}"


def batch(events: Sequence[bytes]) -> bytes:
    return b"[" + b",".join(events) + b"]"


def post(path: str, media_type: str, body: bytes) -> bytes:
    """A whole request, ready to be written."""
    head = f"POST {path} HTTP/1.1\r\nhost: rapport\r\ncontent-type: {media_type}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: rapport\r\n\r\n".encode()
