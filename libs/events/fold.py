"""What a projection is: pure functions from events to rows, and the tables they fill (DESIGN.md section 5).

Two kinds of fold. An append fold makes one row of each event and serves as the projection's memory: it knows every
name it has seen, so a repeated event is noticed. A row fold keeps one row a key: `(row | None, event) -> row | None`.
Neither asks a clock, a random source or a database; the same log gives the same rows, however it is cut into batches.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import MetaData, Table

from libs.events.catalog.fields import Data
from libs.events.catalog.registry import find
from libs.events.envelope import Event, Undecodable, decode, digest_of, name_of
from libs.events.log import Record
from libs.events.position import Partition
from libs.events.times import BadTime, canonical
from libs.events.topics import BY_NAME
from libs.events.upcasts import UPCASTS

Row = dict[str, Any]
RowKey = tuple[Any, ...]


class Fact(msgspec.Struct, frozen=True, gc=False):
    """An event as folds see it.

    `data` is the decoded struct for types of the catalog and None for foreign ones, whose bytes are in `event.data`.
    `occurred_at` and `recorded_at` are canonical UTC text; `name` and `digest` are 32 hexadecimal digits.
    """

    event: Event
    data: Data | None
    key: str
    partition: Partition
    offset: int
    recorded_at: str
    occurred_at: str
    name: str
    digest: str

    @property
    def topic_number(self) -> int:
        return BY_NAME[self.partition.topic].number


@dataclass(frozen=True, slots=True)
class AppendFold:
    """One row of text an event, in the order of the table's columns (None for NULL); PostgreSQL parses it.

    The table has the columns name, digest, topic, partition and offset, so that a repeated name is found with where it
    stood first.
    `order` is the position of the column by which a batch is sorted before it is written, so that it touches few pages.
    """

    table: Table
    row: Callable[[Fact], tuple[str | None, ...]]
    order: int


@dataclass(frozen=True, slots=True)
class RowFold:
    """`key` names the row that an event is about (None: no row of this table); `fold` gives its next state."""

    table: Table
    key: Callable[[Fact], RowKey | None]
    fold: Callable[[Row | None, Fact], Row | None]


@dataclass(frozen=True, slots=True)
class Projection:
    """Everything about a service's tables that a replay needs to know.

    `version` only grows; `fingerprint` is committed, and a test fails when it changes while the version does not.
    """

    service: str
    version: int
    fingerprint: str
    topics: tuple[str, ...]
    metadata: MetaData
    memory: AppendFold
    rows: tuple[RowFold, ...] = ()


def fact_of(record: Record, partition: Partition, offset: int, recorded_at: str) -> Fact:
    """Read a record. Raises Undecodable where it is no event that any fold could understand."""
    event = decode(record.value)
    key = key_text(record.key)
    try:
        data = _data(event)
        occurred_at = recorded_at if event.time is None else canonical(event.time)
    except (msgspec.MsgspecError, UnicodeDecodeError, BadTime, RecursionError) as reason:
        raise Undecodable(str(reason)) from None
    name = name_of(partition.topic, key, event.source, event.id)
    return Fact(event, data, key, partition, offset, recorded_at, occurred_at, name, digest_of(record.value))


def key_text(key: bytes) -> str:
    """A record's key as text that any table can hold; our own keys are uuids and stay as they are."""
    return key.decode(errors="backslashreplace").replace("\x00", "\\0")


def _data(event: Event) -> Data | None:
    type_, raw = event.type, event.data
    if UPCASTS.needs(type_):
        type_, plain = UPCASTS.apply(type_, msgspec.json.decode(raw))
        raw = msgspec.Raw(msgspec.json.encode(plain))
    event_type = find(type_)
    return None if event_type is None else event_type.decoder.decode(raw)


def known_tables(projection: Projection) -> Mapping[str, Table]:
    """The projection's own tables by name, in one order."""
    return dict(sorted(projection.metadata.tables.items()))
