"""A service that decides about traits and claims, without HTTP: a log in memory, a real database, a projector."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Column, Integer, MetaData, Table, Text, func, select

from libs.events.background import running
from libs.events.bookkeeping import counted, verdicts
from libs.events.catalog.contacts import Change, Claim, TraitsChanged
from libs.events.database import for_control, for_folds, for_reads
from libs.events.fold import Fact, Projection, Row, RowFold, RowKey
from libs.events.generations import Generations
from libs.events.identifiers import Nodes
from libs.events.ids import new_id
from libs.events.leases import Leases
from libs.events.log import Appended, AppendUnknown, Record
from libs.events.log_created import ensure_topics
from libs.events.memory_log import MemoryLog
from libs.events.position import Partition
from libs.events.projector import Projector
from libs.events.topics import CONTACTS, IDENTITY
from libs.service.commands import Asked, Commands, Done, Draft, Found, drafted, outcome_of
from libs.service.runtime import Service, State

POISON = "poison"
METADATA = MetaData()
changes = Table(
    "changes", METADATA, Column("key", Text, primary_key=True), Column("total", Integer, nullable=False)
)  # fmt: skip


def keys(fact: Fact) -> Sequence[RowKey]:
    return [(fact.key,)] if isinstance(fact.data, TraitsChanged) else ()


def count(row: Row | None, fact: Fact, key: RowKey) -> Row | None:
    """Raises ValueError for a change of `poison`."""
    if isinstance(fact.data, TraitsChanged) and POISON in fact.data.changes:
        raise ValueError(POISON)
    return {"key": key[0], "total": 1 if row is None else row["total"] + 1}


TOPICS = (IDENTITY, CONTACTS)
PROJECTION = Projection(
    service="contacts",
    version=1,
    fingerprint="of a sample",
    topics=tuple(topic.name for topic in TOPICS),
    metadata=METADATA,
    rows=(RowFold(changes, keys, count),),
)
PARTITIONS = [Partition(topic.name, number) for topic in TOPICS for number in range(topic.partitions)]


class ForgetfulLog(MemoryLog):
    """Writes, and at times does not say so."""

    is_silent = False

    async def append(self, topic: str, records: Sequence[Record]) -> Appended:
        appended = await super().append(topic, records)
        if self.is_silent:
            raise AppendUnknown("no answer in time")
        return appended


@dataclass
class Person:
    """Somebody about whose traits is decided."""

    node: UUID

    @property
    def key(self) -> str:
        return str(self.node)

    @property
    def source(self) -> str:
        return f"/contacts/{self.node}"


ADA, BOB = Person(UUID(int=0xADA)), Person(UUID(int=0xB0B))


class Deciding:
    """What a route would do, in short words."""

    def __init__(self, service: Service, log: ForgetfulLog) -> None:
        self.service = service
        self.log = log
        self.commands = Commands(service)

    def asked(self, key: str | None = None, body: object = "a body", person: Person = ADA) -> Asked:
        return self.commands.asked("PATCH", person.source, key=key, body=body)

    def draft(self, command: UUID, sequence: int, person: Person = ADA, field: str = "name") -> Draft:
        said = {field: Change(before=None, to="Ada")}
        data = TraitsChanged(changes=said, origin="correction", observed_at=datetime(2026, 3, 2, tzinfo=UTC))
        return drafted(
            command, data, topic=CONTACTS, key=person.key, source=person.source, subject="crm:1", node=person.node,
            sequence=sequence,
        )  # fmt: skip

    async def head(self, person: Person = ADA) -> int:
        async with self.service.reads.connect() as connection:
            mine = (verdicts.c.scope == person.source, counted)
            return await connection.scalar(select(func.max(verdicts.c.sequence)).where(*mine)) or 0

    async def change(
        self, asked: Asked, person: Person = ADA, *, field: str = "name", first: Sequence[Asked] = ()
    ) -> Done | None:
        """Change a trait. Each time after it was decided, and before it is recorded, one of `first` is."""
        before = iter(first)

        async def decide() -> Draft:
            sequence = await self.head(person) + 1
            if (other := next(before, None)) is not None:
                await self.commands.append(self.draft(other.command, sequence, person, field), other.request)
            return self.draft(asked.command, sequence, person, field)

        return await self.commands.carry_out(asked, decide)

    async def claim(self, asked: Asked, claim: Claim) -> Done | None:
        async def decide() -> Draft:
            return drafted(
                asked.command, claim, topic=IDENTITY, key="identity", source="/identity", subject="crm:1",
                node=UUID(int=1),
            )  # fmt: skip

        return await self.commands.carry_out(asked, decide)

    async def outcome(self, command: UUID) -> Found | None:
        async with self.service.reads.connect() as connection:
            return await outcome_of(connection, command)

    async def recorded(self) -> int:
        """How many decisions and claims the log holds."""
        return sum((await self.log.ends([topic.name for topic in TOPICS])).values()) - len(PARTITIONS)


@asynccontextmanager
async def deciding(url: str, *, folds: bool = True) -> AsyncIterator[Deciding]:
    """With a projector that follows, or with one that has stopped after the beginning."""
    log = ForgetfulLog()
    await ensure_topics(log, "check")
    control = for_control(url)
    generation = await Generations(control, PROJECTION).make_scratch(log.log_id, PARTITIONS)
    folding, reads = for_folds(url, generation.schema), for_reads(url, generation.schema, 4)
    service = Service(PROJECTION)
    service._log, service._nodes, service._reads, service.state = log, Nodes(bytes(32)), reads, State.READY
    leases = Leases(control, generation.schema, "one", new_id())
    projector = Projector(
        PROJECTION, log, folding, leases, service.progress, partitions=PARTITIONS, limited=lambda: False
    )
    try:
        async with asyncio.timeout(30):
            await projector.run(await log.ends(PROJECTION.topics))
            async with running(*([projector.run()] if folds else [])):
                yield Deciding(service, log)
    finally:
        await reads.dispose()
        await folding.dispose()
        await control.dispose()
