"""Claims in the fold: nothing of the identity topic is parked, and an id is used up by whatever is ruled on it."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from sqlalchemy import BigInteger, Column, MetaData, Table, Text, select
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.events.bookkeeping import duplicates, parked_records, quarantined
from libs.events.database import for_control, for_folds
from libs.events.fold import AppendFold, Fact, Projection, TextRow
from libs.events.folding import Folder
from libs.events.generations import Generations
from libs.events.identity.judge import Ruling, Verdict
from libs.events.identity.tables import claims
from libs.events.identity.tests.moves import PLACE, TYPES
from libs.events.identity.tests.said import Said, at, link, node, register
from libs.events.ids import new_id
from libs.events.leases import Leases
from libs.events.log import EVENT_HEADERS, REQUEST_HEADER, Record
from libs.events.log_created import ensure_topics
from libs.events.memory_log import MemoryLog
from libs.events.progress import Progress
from libs.events.steps import Step, steps_of
from libs.events.topics import IDENTITY

pytestmark = pytest.mark.asyncio

KEY = b"identity"
METADATA = MetaData()
folded = Table(
    "folded", METADATA, Column("offset", BigInteger, primary_key=True), Column("verdict", Text, nullable=False)
)


def rulings(fact: Fact) -> list[TextRow]:
    assert fact.ruling is not None
    return [(str(fact.offset), fact.ruling.verdict.value)]


PROJECTION = Projection(
    service="contacts",
    version=1,
    fingerprint="of a sample",
    topics=(IDENTITY.name,),
    metadata=METADATA,
    appends=(AppendFold(folded, rulings, order=0),),
)


def record(number: int, said: Said, *, request: str = "", **changes: Any) -> Record:
    """The claim of this number as an event, with other attributes where they are given."""
    claim = said(at(number))
    event = {
        "specversion": "1.0",
        "id": str(at(number)),
        "source": "/identity",
        "type": TYPES[type(claim)],
        "subject": "crm:1",
        "data": msgspec.to_builtins(claim),
    }
    headers = (*EVENT_HEADERS, (REQUEST_HEADER, request.encode())) if request else EVENT_HEADERS
    return Record(KEY, json.dumps(event | changes).encode(), headers)


@dataclass
class Process:
    engine: AsyncEngine
    folder: Folder
    progress: Progress

    async def rows(self, table: Table, *columns: str) -> list[tuple[Any, ...]]:
        shown = [table.c[name] for name in columns]
        async with self.engine.connect() as connection:
            return [tuple(row) for row in await connection.execute(select(*shown).order_by(table.c.offset))]


@asynccontextmanager
async def folding(url: str, *records: Record, one_by_one: bool) -> AsyncIterator[Process]:
    """All records folded: the first stands at offset 1."""
    log = MemoryLog()
    await ensure_topics(log, "check")
    await log.append(IDENTITY.name, records)
    control = for_control(url)
    generation = await Generations(control, PROJECTION).make_scratch(log.log_id, [PLACE])
    engine, progress = for_folds(url, generation.schema), Progress()
    folder = Folder(PROJECTION, engine, log, progress, limited=lambda: True)
    await folder.begin(await Leases(control, generation.schema, "one", new_id()).take([PLACE]))
    steps = steps_of(await log.read({PLACE: 0}, max_records=1000, max_bytes=1 << 30), {PLACE: 0})[0]
    for batch in batches(steps, one_by_one=one_by_one):
        await folder.fold(batch)
    try:
        yield Process(engine, folder, progress)
    finally:
        await engine.dispose()
        await control.dispose()


def batches(steps: list[Step], *, one_by_one: bool) -> Iterator[list[Step]]:
    yield from [[step] for step in steps] if one_by_one else [steps]


NONSENSE = {
    "undecodable": Record(KEY, b"\xff"),
    "undecodable, no event": Record(KEY, b"{}"),
    "undecodable, another shape": record(2, register("crm:9"), data={"contact": 7}),
    "undecodable, no node": record(2, register("crm:9", contact="nobody")),
    "undecodable, a name that cannot be stored": record(2, register("crm:\x00")),
    "undecodable, a contact that cannot be stored": record(2, link("crm:\x00", "crm:2")),
    "id_is_no_uuid": record(2, register("crm:9"), id="2"),
    "id_is_no_uuid, no claim": record(2, register("crm:9"), id="\x00", type="com.example.claimed"),
    "not_a_claim": record(2, register("crm:9"), type="com.example.claimed"),
    "not_a_claim, a later version": record(2, register("crm:9"), type="rapport.contacts.contact.registered.v9"),
    "not_a_claim, a decision": record(
        2, register("crm:9"), type="rapport.interactions.interaction.completed.v1", data={"interaction": "x"}
    ),
    "not_a_claim, an observation": record(2, link("crm:1", "crm:2"), type="rapport.interactions.need.fulfilled.v1",
                                          data={"need": "N-1"}),
}  # fmt: skip
CUTS = pytest.mark.parametrize("one_by_one", [False, True], ids=["at once", "one by one"])


@CUTS
@pytest.mark.parametrize("reason", NONSENSE)
async def test_what_is_no_claim_is_invalid_and_what_follows_goes_on(
    database: str, reason: str, *, one_by_one: bool
) -> None:
    said = record(1, register("crm:1")), NONSENSE[reason], NONSENSE[reason], record(9, link("crm:1", "crm:2"))
    async with folding(database, *said, one_by_one=one_by_one) as process:
        code = reason.partition(",")[0]
        ruled = await process.rows(claims, "offset", "verdict", "reason")
        assert [row for row in ruled if row[0] != 3] == [
            (1, "effective", None), (2, "invalid", code), (4, "effective", None),
        ]  # fmt: skip
        assert all(row == (3, "invalid", code) for row in ruled if row[0] == 3)
        assert await process.rows(parked_records, "offset") == []
        assert (await process.rows(folded, "offset", "verdict"))[-1] == (4, "effective")
        assert process.progress.stopped == {}
        assert process.progress.parked_keys == 0


@CUTS
async def test_an_id_is_used_up_by_any_ruling(database: str, *, one_by_one: bool) -> None:
    first, conflict = record(1, register("crm:1")), record(2, register("crm:1", "crm:2"), request="b")
    async with folding(
        database,
        first,
        conflict,
        first,
        record(2, register("crm:1", "crm:2"), request="b", time="2026-03-02T12:00:00Z"),
        record(2, register("crm:3"), request="c"),
        record(1, register("crm:3")),
        one_by_one=one_by_one,
    ) as process:
        assert await process.rows(claims, "offset", "verdict") == [(1, "effective"), (2, "conflict")]
        assert await process.rows(folded, "offset", "verdict") == [(1, "effective"), (2, "conflict")]
        assert await process.rows(duplicates, "offset", "first_offset") == [(3, 1), (4, 2)]
        assert await process.rows(quarantined, "offset", "first_offset") == [(5, 2), (6, 1)]
        assert [process.progress.told(PLACE, offset) for offset in (3, 4, 5, 6)] == [
            "duplicate", "duplicate", "quarantined", "quarantined",
        ]  # fmt: skip


async def test_whoever_claims_is_told_the_ruling(database: str) -> None:
    said = record(1, register("crm:1")), record(2, link("crm:2", "crm:1"))
    async with folding(database, *said, one_by_one=False) as process:
        told = [process.progress.told(PLACE, offset) for offset in (1, 2)]
        assert all(isinstance(each, Ruling) for each in told)
        rulings_ = [(each.verdict, each.contact, each.conflict) for each in told if isinstance(each, Ruling)]
        assert rulings_ == [(Verdict.EFFECTIVE, at(1), None), (Verdict.CONFLICT, None, at(2))]
        assert await process.rows(claims, "id", "contact", "conflict") == [(at(1), at(1), None), (at(2), None, at(2))]


async def test_a_claim_is_kept_with_what_it_said(database: str) -> None:
    async with folding(database, record(1, register("crm:1"), request="a"), one_by_one=False) as process:
        [(type_, request, data)] = await process.rows(claims, "type", "request", "data")
        assert (type_, request) == ("rapport.contacts.contact.registered.v1", "a")
        assert json.loads(data)["identifiers"] == [{"name": "crm:1", "node": str(node("crm:1"))}]
