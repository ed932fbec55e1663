"""What a projection is: pure functions from events to rows, and the tables they fill (DESIGN.md section 5).

Three kinds of fold write rows, each row from one partition only. An append fold makes rows of each event and serves as
the projection's memory: it knows every name it has seen, so a repeated event is noticed. A row fold keeps one row a
key: `(row | None, event) -> row | None`. A span fold keeps the least and the greatest of what it has seen, which no
repetition changes, so it needs no memory. None asks a clock, a random source or a database; the same log gives the same
rows, however it is cut into batches. What joins several partitions is derived from those rows by the database
(`Derived`), inside the fold's transaction.

Decisions reach a fold only when they were applied, claims together with the judge's ruling.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import MetaData, Table

from libs.events.catalog.fields import Data
from libs.events.catalog.registry import EventType, Kind, find
from libs.events.envelope import Event, Undecodable, decode, digest_of, name_of
from libs.events.identity import tables as identity_tables
from libs.events.identity.judge import Ruling
from libs.events.log import EVENT_HEADERS, REQUEST_HEADER, Headers, Record
from libs.events.position import Partition
from libs.events.precompiled import Precompiled
from libs.events.times import BadTime, canonical
from libs.events.topics import BY_NAME, IDENTITY
from libs.events.upcasts import UPCASTS

TextRow = tuple[str | None, ...]
Row = dict[str, Any]
RowKey = tuple[Any, ...]


class Fact(msgspec.Struct, frozen=True, gc=False):
    """An event as folds see it.

    `data` is the decoded struct for types of the catalog and None for foreign ones, whose bytes are in `event.data`.
    `occurred_at` and `recorded_at` are canonical UTC text; `name` and `digest` are 32 hexadecimal digits.
    `request` is the keyed hash of the request that one of our own commands came with; `ruling` is a claim's.
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
    kind: Kind | None = None
    request: str = ""
    ruling: Ruling | None = None

    @property
    def topic_number(self) -> int:
        return BY_NAME[self.partition.topic].number

    @property
    def node(self) -> str:
        """The node of the subject: the record's key, unless the event carries another."""
        return self.event.subjectnode or self.key


@dataclass(frozen=True, slots=True)
class AppendFold:
    """Rows of text, in the order of the table's columns (None for NULL); PostgreSQL parses them.

    As a projection's memory it makes at most one row an event, and the table has the columns name, digest and offset,
    so that a repeated name is found with where it stood first. An event without a row is not remembered.
    `order` is the position of the column by which a batch is sorted before it is written, so that it touches few pages.
    """

    table: Table
    rows: Callable[[Fact], Sequence[TextRow]]
    order: int
    remembers: Callable[[Fact], bool] = lambda _fact: True
    """Whether an event can have a row at all: of others it is not asked whether they were seen."""


@dataclass(frozen=True, slots=True)
class RowFold:
    """`keys` names the rows that an event is about; `fold` gives the next state of each."""

    table: Table
    keys: Callable[[Fact], Sequence[RowKey]]
    fold: Callable[[Row | None, Fact, RowKey], Row | None]


@dataclass(frozen=True, slots=True)
class SpanFold:
    """`row` is what one event says; rows of one key become the least and the greatest of the columns named so.

    All other columns follow from the key.
    """

    table: Table
    row: Callable[[Fact], Row | None]
    least: tuple[str, ...]
    greatest: tuple[str, ...]


Statement = tuple[Precompiled, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Derived:
    """Tables that join what several partitions wrote, such as votes with the identity of who cast them.

    `due` says, of the rows that a batch wrote, which statements bring the tables up to date, with what arguments; none
    where nothing of theirs has changed. They are executed in order, after those rows were written and while identity
    stands still. What they leave must be a function of the rows alone. `statements` are all there are.
    """

    statements: tuple[Precompiled, ...]
    due: Callable[[Mapping[Table, Sequence[Row]], Mapping[Table, Sequence[TextRow]]], Sequence[Statement]]


@dataclass(frozen=True, slots=True)
class Projection:
    """Everything about a service's tables that a replay needs to know.

    `version` only grows; `fingerprint` is committed, and a test fails when it changes while the version does not.
    Without a memory only decisions and claims are told from their repetitions. `appends` may therefore make rows of
    those alone. `patient` are topics whose events may be folded a moment after others that were written later, where
    nobody waits for them: what a reactor says is no news to whoever made it say so.
    """

    service: str
    version: int
    fingerprint: str
    topics: tuple[str, ...]
    metadata: MetaData
    memory: AppendFold | None = None
    appends: tuple[AppendFold, ...] = ()
    rows: tuple[RowFold, ...] = ()
    spans: tuple[SpanFold, ...] = ()
    derived: Derived | None = None
    patient: tuple[str, ...] = ()

    @property
    def metadatas(self) -> tuple[MetaData, ...]:
        """Its own tables, and those of identity where it reads that topic."""
        return (self.metadata, identity_tables.METADATA) if IDENTITY.name in self.topics else (self.metadata,)


def fact_of(record: Record, partition: Partition, offset: int, recorded_at: str) -> Fact:
    """Read a record. Raises Undecodable where it is no event that any fold could understand."""
    event = decode(record.value)
    key = key_text(record.key)
    try:
        event_type, data = _data(event)
        occurred_at = recorded_at if event.time is None else canonical(event.time)
    except (msgspec.MsgspecError, UnicodeDecodeError, BadTime, RecursionError) as reason:
        raise Undecodable(str(reason)) from None
    name = name_of(partition.topic, key, event.source, event.id)
    kind = None if event_type is None else event_type.kind
    request = "" if record.headers is EVENT_HEADERS else request_of(record.headers)
    digest = digest_of(record.value)
    return Fact(event, data, key, partition, offset, recorded_at, occurred_at, name, digest, kind, request)


def key_text(key: bytes) -> str:
    """Bytes of a record's key or header as text that any table can hold; our own are ASCII and stay as they are."""
    return key.decode(errors="backslashreplace").replace("\x00", "\\0")


def request_of(headers: Headers) -> str:
    """The keyed hash of the request that one of our own commands came with; empty for others' events."""
    return next((key_text(value) for name, value in headers if name == REQUEST_HEADER), "")


def _data(event: Event) -> tuple[EventType | None, Data | None]:
    type_, raw = event.type, event.data
    if UPCASTS.needs(type_):
        type_, plain = UPCASTS.apply(type_, msgspec.json.decode(raw))
        raw = msgspec.Raw(msgspec.json.encode(plain))
    event_type = find(type_)
    return event_type, None if event_type is None else event_type.decoder.decode(raw)


def known_tables(projection: Projection) -> Mapping[str, Table]:
    """The projection's own tables by name, in one order."""
    return dict(sorted((name, table) for each in projection.metadatas for name, table in each.tables.items()))
