"""A small projection, and all that is needed to fold a log in memory into a real database with it.

An event `com.example.paid` adds an amount to its key's balance; an amount of null deletes the balance. A decision adds
the number that stands in its resolution.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Column, Integer, MetaData, SmallInteger, Table, Text, Uuid, select
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.events.arbitration import sequence_text
from libs.events.bookkeeping import checkpoints, duplicates, verdicts
from libs.events.catalog.interactions import InteractionCompleted
from libs.events.database import for_control, for_folds
from libs.events.fold import AppendFold, Fact, Projection, Row, RowFold, RowKey, SpanFold, TextRow
from libs.events.folding import Folder
from libs.events.generations import Generation, Generations, tables_to_compare
from libs.events.ids import new_id
from libs.events.leases import Leases
from libs.events.log import EVENT_HEADERS, REQUEST_HEADER, Record, Slice
from libs.events.log_created import ensure_topics
from libs.events.memory_log import MemoryLog
from libs.events.partitions import partition_of
from libs.events.position import Partition, Positions
from libs.events.progress import Progress
from libs.events.projector import Projector
from libs.events.steps import Step, steps_of
from libs.events.topics import INTERACTIONS

DEADLINE_S = 5.0
TOPIC = INTERACTIONS.name
PARTITIONS = [Partition(TOPIC, number) for number in range(INTERACTIONS.partitions)]
METADATA = MetaData()

entries = Table(
    "entries",
    METADATA,
    Column("name", Uuid, primary_key=True),
    Column("digest", Uuid, nullable=False),
    Column("topic", SmallInteger, nullable=False),
    Column("partition", SmallInteger, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("amount", Integer),
    Column("note", Text),
)
extremes = Table(
    "extremes",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("least", BigInteger, nullable=False),
    Column("greatest", BigInteger, nullable=False),
)
balances = Table(
    "balances",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("total", BigInteger, nullable=False),
    Column("events", Integer, nullable=False),
)


class Paid(msgspec.Struct):
    amount: int | None
    note: str | None = None
    surplus: int = 0


def paid(fact: Fact) -> Paid:
    """Raises ValueError for other data, as pure code may."""
    if isinstance(fact.data, InteractionCompleted):
        return Paid(int(str(fact.data.resolution)))
    return msgspec.json.decode(fact.event.data or b"", type=Paid)


def entry(fact: Fact) -> list[TextRow]:
    data = paid(fact)
    amount = None if data.amount is None else str(data.amount)
    place = (str(fact.topic_number), str(fact.partition.number), str(fact.offset))
    return [(fact.name, fact.digest, *place, amount, data.note)]


def balance_keys(fact: Fact) -> list[RowKey]:
    return [] if paid(fact).amount == 0 else [(fact.key,)]


def balance(row: Row | None, fact: Fact, _key: RowKey) -> Row | None:
    data = paid(fact)
    if data.amount is None:
        return None
    total, events = (row["total"], row["events"]) if row else (0, 0)
    return {"key": fact.key, "total": total + data.amount + data.surplus, "events": events + 1}


def extreme(fact: Fact) -> Row | None:
    amount = paid(fact).amount
    return None if amount is None else {"key": fact.key, "least": amount, "greatest": amount}


PROJECTION = Projection(
    service="sample",
    version=1,
    fingerprint="of a sample",
    topics=(TOPIC,),
    metadata=METADATA,
    memory=AppendFold(entries, entry, order=0),
    rows=(RowFold(balances, balance_keys, balance),),
    spans=(SpanFold(extremes, extreme, least=("least",), greatest=("greatest",)),),
)


def event(key: str, id_: str, amount: object, **more: object) -> Record:
    value = {
        "specversion": "1.0",
        "id": id_,
        "source": "urn:example:till",
        "type": "com.example.paid",
        "subject": f"crm:{key}",
        "data": {"amount": amount, **more},
    }
    return Record(key.encode(), json.dumps(value).encode())


def decision(
    key: str, id_: str, sequence: int | str | None, amount: object, *, request: str = "", scope: str = ""
) -> Record:
    """A decision about what belongs to this key, or about another scope of it."""
    value = {
        "specversion": "1.0",
        "id": id_,
        "source": f"/interactions/{scope or key}",
        "type": "rapport.interactions.interaction.completed.v1",
        "subject": f"crm:{key}",
        "sequence": sequence_text(sequence) if isinstance(sequence, int) else sequence,
        "data": {"interaction": key, "resolution": str(amount)},
    }
    headers = (*EVENT_HEADERS, (REQUEST_HEADER, request.encode())) if request else EVENT_HEADERS
    return Record(key.encode(), json.dumps(value).encode(), headers)


def keys_of(number: int, count: int) -> list[str]:
    """Keys that belong to one partition."""
    found = (f"key-{n}" for n in range(1_000_000) if partition_of(f"key-{n}".encode(), len(PARTITIONS)) == number)
    return [next(found) for _ in range(count)]


async def new_log(*records: Record) -> MemoryLog:
    log = MemoryLog()
    await ensure_topics(log, "check")
    for record in records:
        await log.append(TOPIC, [record])
    return log


async def steps_in(log: MemoryLog) -> dict[Partition, list[Step]]:
    """Everything in the log, made ready, by partition."""
    slices: list[Slice] = await log.read(dict.fromkeys(PARTITIONS, 0), max_records=100_000, max_bytes=1 << 30)
    found: dict[Partition, list[Step]] = {partition: [] for partition in PARTITIONS}
    for step in steps_of(slices, dict.fromkeys(PARTITIONS, 0))[0]:
        found[step.partition].append(step)
    return found


async def all_steps(log: MemoryLog) -> list[Step]:
    """The same in one list."""
    return [step for steps in (await steps_in(log)).values() for step in steps]


@dataclass
class Folding:
    """One generation and one process that folds into it."""

    log: MemoryLog
    control: AsyncEngine
    engine: AsyncEngine
    generation: Generation
    instance: str = "one"
    limited: Callable[[], bool] = lambda: False
    progress: Progress = field(default_factory=Progress)

    def __post_init__(self) -> None:
        self.leases = Leases(self.control, self.generation.schema, self.instance, new_id())
        self.folder = Folder(PROJECTION, self.engine, self.log, self.progress, limited=self.limited)

    def twin(self, instance: str = "one") -> "Folding":
        """Another process on the same generation."""
        return Folding(self.log, self.control, self.engine, self.generation, instance, self.limited)

    def projector(self) -> Projector:
        return Projector(
            PROJECTION,
            self.log,
            self.engine,
            self.leases,
            self.progress,
            partitions=PARTITIONS,
            limited=self.limited,
        )

    async def catch_up(self, until: Mapping[Partition, int] | None = None) -> None:
        async with asyncio.timeout(DEADLINE_S):
            await self.projector().run(until or await self.log.ends([TOPIC]))

    async def begin(self) -> Positions:
        """For folding batches by hand."""
        return await self.folder.begin(await self.leases.take(PARTITIONS))

    async def rows(self, table: Table) -> list[dict[str, Any]]:
        async with self.engine.connect() as connection:
            found = [dict(row) for row in (await connection.execute(select(table))).mappings()]
        return sorted(found, key=repr)

    async def tables(self) -> dict[str, list[dict[str, Any]]]:
        """All rows that are a function of the log."""
        return {table.name: await self.rows(table) for table in tables_to_compare(PROJECTION)}

    async def reached(self) -> Positions:
        rows = await self.rows(checkpoints)
        return {Partition(row["topic"], row["partition"]): row["next_offset"] for row in rows}

    async def balances(self) -> dict[str, int]:
        return {row["key"]: row["total"] for row in await self.rows(balances)}

    async def outcomes(self) -> list[tuple[str, str, int | None]]:
        """The verdicts on decisions in the log's order: command, outcome, and the sequence that was used up."""
        rows = sorted(await self.rows(verdicts), key=lambda row: (row["partition"], row["offset"]))
        return [(row["command"], row["outcome"], row["sequence"]) for row in rows]

    async def duplicates(self) -> list[dict[str, Any]]:
        return await self.rows(duplicates)


@asynccontextmanager
async def folding(log: MemoryLog, url: str, **more: Any) -> AsyncIterator[Folding]:
    """Fold into a new generation of this database."""
    control = for_control(url)
    generation = await Generations(control, PROJECTION).make_scratch(log.log_id, PARTITIONS)
    engine = for_folds(url, generation.schema)
    try:
        yield Folding(log, control, engine, generation, **more)
    finally:
        await engine.dispose()
        await control.dispose()


async def until(process: Folding, fact: Callable[[], Awaitable[bool]]) -> None:
    """Look after every append and commit, and now and then."""
    bell = process.log.doorbell()
    async with asyncio.timeout(DEADLINE_S):
        while not await fact():
            await bell.wait(0.02)


@asynccontextmanager
async def following(process: Folding) -> AsyncIterator["asyncio.Task[None]"]:
    """A projector that runs meanwhile, and has taken up its partitions."""

    async def begun() -> bool:
        return bool(process.progress.reached) or task.done()

    task = asyncio.create_task(process.projector().run())
    try:
        await until(process, begun)
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


def parked(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Key and code of parked records, in the log's order."""
    return [(row["key"], row["code"]) for row in sorted(rows, key=lambda row: (row["partition"], row["offset"]))]
