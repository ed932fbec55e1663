"""What every projection keeps, as a test class: it is given its projection and inherits the rest."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import ClassVar
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.events.database import for_control, for_folds
from libs.events.digest import Digest, digests_of
from libs.events.fingerprint import fingerprint
from libs.events.fold import Projection, Row, SpanFold, known_tables
from libs.events.folding import Folder
from libs.events.generations import Generations
from libs.events.identity.graph import Graph
from libs.events.identity.ruling import claims_of, ruled
from libs.events.ids import new_id
from libs.events.leases import Leases
from libs.events.memory_log import MemoryLog
from libs.events.position import Partition
from libs.events.progress import Progress
from libs.events.sorting import Known, ParkedKey, Place, Sorter
from libs.events.spanstore import joined
from libs.events.steps import First, Step, steps_of
from libs.events.tests.rich_story import GOLDEN, log_of, rich_story, tell
from libs.events.topics import BY_NAME


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
        known, parked, graph, used = Known(), set[ParkedKey](), Graph(), dict[UUID, First]()
        memory, appended, held, verdicts, spans = [], [], [], [], dict[Place, Row]()  # type: ignore[var-annotated]
        told: dict[tuple[Partition, int], object] = {}
        for batch in batches:
            sorter = Sorter(self.projection, known, parked, ruled(claims_of(batch), used, graph), limited=False)
            for step in batch:
                sorter.take(step)
            for place, row in sorter.spans.items():
                spans[place] = joined(self.span(place), spans.get(place), row)
            memory += sorter.memory
            appended += sorter.appended.items()
            held += sorter.held
            verdicts += sorter.verdicts
            told |= sorter.told | {(fact.partition, fact.offset): "suspect" for fact, _ in sorter.suspects}
        return {
            "rows": {
                (table, key): row
                for table, rows in known.states.items()
                for key, row in rows.items()
                if row is not None
            },
            "spans": spans,
            "memory": sorted(memory, key=str),
            "appended": sorted(((name, row) for name, rows in appended for row in rows), key=str),
            "held": sorted(held, key=str),
            "verdicts": sorted(verdicts, key=str),
            "told": told,
        }

    def span(self, place: Place) -> SpanFold:
        return next(span for span in self.projection.spans if span.table.name == place[0])

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
        steps = await self.steps(await log_of(rich_story(seed)))
        at_once = self.in_memory(iter([steps]))
        assert at_once["memory"] or at_once["rows"]
        assert self.in_memory(cut(steps, random, 1)) == at_once
        assert self.in_memory(cut(in_turn(steps, random), random, 40)) == at_once

    @pytest.mark.asyncio
    async def test_tables_are_the_same_however_the_log_is_cut(self, database: str) -> None:
        random = Random(7)
        log = await log_of(rich_story(7))
        steps = await self.steps(log)
        at_once = await self.in_database(log, database, iter([steps]))
        assert all(at_once[name].rows for name in self.projection.metadata.tables)
        assert await self.in_database(log, database, cut(steps, random, 1)) == at_once
        assert await self.in_database(log, database, cut(in_turn(steps, random), random, 60)) == at_once

    @pytest.mark.asyncio
    async def test_a_log_that_holds_everything_twice_gives_the_tables_of_once(self, database: str) -> None:
        own = known_tables(self.projection).keys() - {"claims"}  # what cannot be read is ruled on each time
        log = await log_of(rich_story(8))
        once = await self.in_database(log, database, iter([await self.steps(log)]))
        await tell(log, rich_story(8))
        twice = await self.in_database(log, database, iter([await self.steps(log)]))
        assert {name: twice[name] for name in own} == {name: once[name] for name in own}

    def test_a_change_of_tables_types_or_folds_raises_the_version(self) -> None:
        now = fingerprint(self.projection, GOLDEN.values())
        assert now == self.projection.fingerprint, (
            f"the projection of {self.projection.service} folds otherwise than its committed fingerprint says: "
            f"raise VERSION above {self.projection.version} in its projection.py and set FINGERPRINT = {now!r}"
        )
