"""What a projection makes of the golden corpus, as one hash: it changes when the tables, the known types or a fold do.

Pure: folded in memory, under places and times that stay. Tables folded by code with another fingerprint must not be
folded on, so a changed fingerprint needs a higher version.
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import get_args
from uuid import UUID

import msgspec
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from libs.events.catalog.contacts import Claim
from libs.events.catalog.registry import CATALOG, find
from libs.events.envelope import decode
from libs.events.fold import Fact, Projection, Row, RowKey, fact_of, known_tables
from libs.events.identity.graph import Graph
from libs.events.identity.judge import judge
from libs.events.log import Record
from libs.events.position import Partition

KEY = b"0198b1f2-5c1e-8c3a-9d6b-1f0a52c7e4d1"
RECORDED_AT = "2026-03-02T12:00:00.000Z"

_dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
_encode = msgspec.json.Encoder(order="deterministic").encode


def fingerprint(projection: Projection, corpus: Iterable[bytes]) -> str:
    """`sha256:` and 64 digits. The order of the corpus is of no matter. Raises what decoding and folding raise."""
    known = sorted(name for name, type_ in CATALOG.items() if type_.topic in projection.topics)
    graph = Graph()
    facts = [_ruled(fact, graph) for fact in _facts(projection, sorted(corpus))]
    memory, spans = projection.memory, projection.spans
    parts = [
        list(_tables(projection)),
        known,
        [] if memory is None else [memory.rows(fact) for fact in facts],
        [[fold.rows(fact) for fact in facts] for fold in projection.appends],
        _rows(projection, facts),
        [[span.row(fact) for fact in facts] for span in spans],
        [fact.ruling for fact in facts],
        graph.changed,
    ]
    if projection.derived is not None:
        parts.append([statement.text for statement in projection.derived.statements])
    return f"sha256:{hashlib.sha256(_encode(parts)).hexdigest()}"


def _ruled(fact: Fact, graph: Graph) -> Fact:
    if not isinstance(fact.data, get_args(Claim)):
        return fact
    ruling = judge(graph, fact.data, UUID(fact.event.id), fact.offset)
    return msgspec.structs.replace(fact, ruling=ruling)


def _tables(projection: Projection) -> Iterator[str]:
    for table in known_tables(projection).values():
        yield _one_line(CreateTable(table))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            yield _one_line(CreateIndex(index))


def _one_line(statement: CreateTable | CreateIndex) -> str:
    return " ".join(str(statement.compile(dialect=_dialect)).split())


def _facts(projection: Projection, corpus: Iterable[bytes]) -> Iterator[Fact]:
    mine = [(topic, value) for value in corpus if (topic := _topic(projection, value)) in projection.topics]
    for offset, (topic, value) in enumerate(mine, start=1):
        yield fact_of(Record(KEY, value), Partition(topic, 0), offset, RECORDED_AT)


def _topic(projection: Projection, value: bytes) -> str:
    event_type = find(decode(value).type)
    return projection.topics[0] if event_type is None else event_type.topic


def _rows(projection: Projection, facts: Iterable[Fact]) -> list[tuple[str, list[Row | None]]]:
    states: dict[str, dict[RowKey, Row | None]] = {fold.table.name: {} for fold in projection.rows}
    for fact in facts:
        for fold in projection.rows:
            rows = states[fold.table.name]
            for key in fold.keys(fact):
                rows[key] = fold.fold(rows.get(key), fact, key)
    return [(str(name), [rows[key] for key in sorted(rows, key=str)]) for name, rows in sorted(states.items())]
