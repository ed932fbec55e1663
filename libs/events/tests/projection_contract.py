"""What every projection keeps, as a test class: it is given its projection and inherits the rest."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.events.database import for_control, for_folds
from libs.events.digest import Digest, digests_of
from libs.events.fingerprint import fingerprint
from libs.events.fold import Projection
from libs.events.folding import Folder
from libs.events.generations import Generations
from libs.events.identifiers import Nodes
from libs.events.ids import new_id
from libs.events.leases import Leases
from libs.events.log import Record
from libs.events.log_created import ensure_topics
from libs.events.memory_log import MemoryLog
from libs.events.position import Partition
from libs.events.progress import Progress
from libs.events.sorting import Sorter
from libs.events.steps import Step, steps_of
from libs.events.topics import BY_NAME

GOLDEN = {path.stem: path.read_bytes() for path in (Path(__file__).parents[3] / "tests/golden").glob("*.json")}
CUSTOMERS = [f"crm:{number}" for number in range(7)] + ["email:ada@example.org"]

_nodes = Nodes(b"the secret of a test, 32 bytes..")


def record(event: Mapping[str, Any]) -> Record:
    return Record(_nodes.key(event["subject"]), json.dumps(event).encode())


def story(seed: int) -> list[Record]:
    """Every golden event for every customer in any order; some again, re-spelled, or with other content."""
    random = Random(seed)
    records = []
    for sample in GOLDEN.values():
        for subject in CUSTOMERS:
            event = json.loads(sample) | {"subject": subject}
            records.append(record(event))
            match random.randrange(6):
                case 0:
                    records.append(records[-1])
                case 1:
                    records.append(record(dict(reversed(event.items()))))
                case 2:
                    records.append(record(event | {"time": "2026-03-01T00:00:00Z"}))
                case 3 if random.random() < 0.1:
                    records.append(Record(records[-1].key, b"no event at all"))
    random.shuffle(records)
    return records


async def log_of(topic: str, records: Sequence[Record]) -> MemoryLog:
    log = MemoryLog()
    await ensure_topics(log, "check")
    await log.append(topic, records)
    return log


def in_turn(steps: Sequence[Step], random: Random) -> list[Step]:
    """Any order that keeps the order of each partition."""
    queues: dict[Partition, list[Step]] = {}
    for step in reversed(steps):
        queues.setdefault(step.partition, []).append(step)
    turns = [partition for partition, queue in queues.items() for _ in queue]
    random.shuffle(turns)
    return [queues[partition].pop() for partition in turns]


def cut(steps: Sequence[Step], random: Random, most: int) -> Iterator[list[Step]]:
    """Batches of 1 to `most`."""
    begin = 0
    while begin < len(steps):
        size = random.randint(1, most)
        yield list(steps[begin : begin + size])
        begin += size


class ProjectionContract:
    """Inherit it, and set `projection`."""

    projection: ClassVar[Projection]

    @property
    def partitions(self) -> list[Partition]:
        return [Partition(name, n) for name in self.projection.topics for n in range(BY_NAME[name].partitions)]

    async def steps(self, log: MemoryLog) -> list[Step]:
        slices = await log.read(dict.fromkeys(self.partitions, 0), max_records=100_000, max_bytes=1 << 30)
        return steps_of(slices, dict.fromkeys(self.partitions, 0))[0]

    def in_memory(self, batches: Iterator[list[Step]]) -> dict[str, object]:
        """What the pure part of a fold makes of batches, each of which knows the rows of those before it."""
        seen, parked, states = {}, set(), {}  # type: ignore[var-annotated]  # a Sorter's own types
        memory, held, repeats = [], [], []
        for batch in batches:
            sorter = Sorter(self.projection, seen, parked, states, limited=False)
            for step in batch:
                sorter.take(step)
            seen, parked, states = sorter.seen, sorter.parked, sorter.states
            memory += sorter.memory
            held += sorter.held
            repeats += sorter.duplicates + [(fact.name, str(fact.offset)) for fact, _ in sorter.suspects]
        return {
            "rows": states,
            "memory": sorted(memory, key=str),
            "held": sorted(held, key=str),
            "repeats": len(repeats),
        }

    @asynccontextmanager
    async def generation(self, log: MemoryLog, url: str) -> AsyncIterator[tuple[Folder, AsyncEngine, str]]:
        """A new one, and a folder that holds all of its partitions."""
        control = for_control(url)
        generation = await Generations(control, self.projection).make_scratch(log.log_id, self.partitions)
        engine = for_folds(url, generation.schema)
        folder = Folder(self.projection, engine, log, Progress(), limited=lambda: False)
        await folder.begin(await Leases(control, generation.schema, "one", new_id()).take(self.partitions))
        try:
            yield folder, control, generation.schema
        finally:
            await engine.dispose()
            await control.dispose()

    async def in_database(self, log: MemoryLog, url: str, batches: Iterator[list[Step]]) -> dict[str, Digest]:
        async with self.generation(log, url) as (folder, control, schema):
            for batch in batches:
                await folder.fold(batch)
            async with control.connect() as connection:
                return await digests_of(connection, self.projection, schema)

    @pytest.mark.asyncio
    @pytest.mark.parametrize("seed", range(3))
    async def test_pure_folds_give_the_same_rows_however_the_log_is_cut(self, seed: int) -> None:
        random = Random(seed)
        steps = await self.steps(await log_of(self.projection.topics[0], story(seed)))
        at_once = self.in_memory(iter([steps]))
        assert at_once["memory"]
        assert self.in_memory(cut(steps, random, 1)) == at_once
        assert self.in_memory(cut(in_turn(steps, random), random, 40)) == at_once

    @pytest.mark.asyncio
    async def test_tables_are_the_same_however_the_log_is_cut(self, database: str) -> None:
        random = Random(7)
        log = await log_of(self.projection.topics[0], story(7))
        steps = await self.steps(log)
        at_once = await self.in_database(log, database, iter([steps]))
        assert at_once[self.projection.memory.table.name].rows
        assert await self.in_database(log, database, cut(steps, random, 1)) == at_once
        assert await self.in_database(log, database, cut(in_turn(steps, random), random, 60)) == at_once

    @pytest.mark.asyncio
    async def test_a_log_that_holds_everything_twice_gives_the_tables_of_once(self, database: str) -> None:
        (topic, *_), own = self.projection.topics, self.projection.metadata.tables
        log = await log_of(topic, story(8))
        once = await self.in_database(log, database, iter([await self.steps(log)]))
        await log.append(topic, story(8))
        twice = await self.in_database(log, database, iter([await self.steps(log)]))
        assert {name: twice[name] for name in own} == {name: once[name] for name in own}

    def test_a_change_of_tables_types_or_folds_raises_the_version(self) -> None:
        now = fingerprint(self.projection, GOLDEN.values())
        assert now == self.projection.fingerprint, (
            f"the projection of {self.projection.service} folds otherwise than its committed fingerprint says: "
            f"raise VERSION above {self.projection.version} in its projection.py and set FINGERPRINT = {now!r}"
        )
