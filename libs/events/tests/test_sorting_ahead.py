"""A batch is sorted while the one before is written; what comes of both is what comes of one after the other."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import accumulate, pairwise
from random import Random
from typing import Any

import pytest
from sqlalchemy import text

from libs.events import folding as folding_module
from libs.events import projector
from libs.events.log import Record
from libs.events.memory_log import MemoryLog
from libs.events.sorting import MAX_PARKED_KEYS, Sorter
from libs.events.steps import Passed, Step
from libs.events.tests import folding_sample
from libs.events.tests.folding_sample import (
    PARTITIONS,
    PROJECTION,
    TOPIC,
    Folding,
    all_steps,
    decision,
    event,
    folding,
    keys_of,
    new_log,
    parked,
    until,
)
from libs.events.tests.folding_story import Story
from libs.events.tests.projection_contract import cut

pytestmark = pytest.mark.asyncio


@pytest.fixture(autouse=True)
def _only_appends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are made of those that are there, and so of the batch before."""
    monkeypatch.setattr(folding_sample, "PROJECTION", replace(PROJECTION, rows=()))


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[list[Step]]:
    """The batches that were sorted, in order, and those that were sorted again."""
    found: list[list[Step]] = []
    take = folding_module._take

    async def told(sorter: Sorter, steps: Sequence[Step]) -> None:
        await take(sorter, steps)
        found.append(list(steps))

    monkeypatch.setattr(folding_module, "_take", told)
    return found


async def one_after_another(process: Folding, batches: Iterator[list[Step]]) -> None:
    """As the projector does it: two under way."""
    before = None
    for batch in batches:
        folded = asyncio.create_task(process.folder.fold(batch, before))
        if before is not None:
            await before
        before = folded
    if before is not None:
        await before


@asynccontextmanager
async def nothing_is_written(process: Folding) -> AsyncIterator[None]:
    """While the block runs: whoever writes waits."""
    async with process.control.begin() as connection:
        schema = process.generation.schema
        await connection.execute(text(f"LOCK TABLE {schema}.checkpoints IN EXCLUSIVE MODE"))
        yield


async def two(process: Folding, *batches: list[Step], sorted_ahead: list[list[Step]]) -> None:
    """The second batch is sorted before the first is written."""
    async with nothing_is_written(process):
        first = asyncio.create_task(process.folder.fold(batches[0]))
        second = asyncio.create_task(process.folder.fold(batches[1], first))

        async def is_sorted() -> bool:
            return batches[1] in sorted_ahead

        await until(process, is_sorted)
        assert not first.done()
    await asyncio.gather(first, second)


async def tables_of(process: Folding) -> dict[str, list[dict[str, Any]]]:
    return await process.tables() | {"duplicates": await process.duplicates()}


async def batches_of(*batches: Sequence[Record]) -> tuple[MemoryLog, list[list[Step]]]:
    """A log, and a batch of each of these; what a log begins with is in the first."""
    log = await new_log(*(record for batch in batches for record in batch))
    steps = await all_steps(log)
    begun, told = ([step for step in steps if isinstance(step, Passed) is is_begun] for is_begun in (True, False))
    ends = list(accumulate(map(len, batches)))
    cuts = [told[start:end] for start, end in pairwise([0, *ends])]
    return log, [begun + cuts[0], *cuts[1:]]


@pytest.mark.parametrize("seed", [40, 42, 43])
async def test_what_comes_of_them_is_what_comes_of_one_after_the_other(database: str, seed: int) -> None:
    log = await new_log(*Story(seed).records)
    results = []
    for most in (10_000, 30, 4):
        async with folding(log, database) as process:
            await process.begin()
            await one_after_another(process, cut(await all_steps(log), Random(seed), most))
            results.append(await tables_of(process))
    assert results[0] == results[1] == results[2]
    assert all(results[0][name] for name in ("entries", "duplicates", "quarantined", "parked_records", "extremes"))


async def test_it_is_sorted_once_and_before_the_other_is_written(database: str, taken: list[list[Step]]) -> None:
    log, batches = await batches_of([event("ada", f"{n}", n) for n in range(3)], [event("ada", "x", 9)])
    async with folding(log, database) as process:
        await process.begin()
        await two(process, *batches, sorted_ahead=taken)
        assert taken == batches
        assert len((await process.tables())["entries"]) == 4


async def test_a_name_that_the_batch_before_has_brought_is_a_repetition(
    database: str, taken: list[list[Step]]
) -> None:  # fmt: skip
    log, batches = await batches_of([event("ada", "1", 1)], [event("ada", "1", 1), event("ada", "2", 2)])
    async with folding(log, database) as process:
        await process.begin()
        await two(process, *batches, sorted_ahead=taken)
        assert [row["offset"] for row in await process.duplicates()] == [2]
        assert sorted(row["amount"] for row in (await process.tables())["entries"]) == [1, 2]


async def test_what_the_batch_before_has_parked_is_held_back(database: str, taken: list[list[Step]]) -> None:
    log, batches = await batches_of([event("ada", "1", "much")], [event("ada", "2", 2)])
    async with folding(log, database) as process:
        await process.begin()
        await two(process, *batches, sorted_ahead=taken)
        tables = await process.tables()
        assert parked(tables["parked_records"]) == [("ada", "fold_failed"), ("ada", "held")]
        assert not tables["entries"]


async def test_nothing_is_folded_behind_a_stop(database: str, taken: list[list[Step]]) -> None:
    keys = keys_of(0, MAX_PARKED_KEYS + 3)
    poisoned = [event(key, "1", "much") for key in keys[:-2]]
    log, batches = await batches_of(poisoned, [event(keys[-2], "1", 1)], [event(keys[-1], "1", 1)])
    async with folding(log, database, limited=lambda: True) as process:
        await process.begin()
        await two(process, *batches[:2], sorted_ahead=taken)
        await one_after_another(process, iter([batches[2], batches[2]]))
        assert process.progress.stopped
        assert not (await process.tables())["entries"]


async def test_decisions_wait_for_those_before_them(database: str, taken: list[list[Step]]) -> None:
    log, batches = await batches_of([decision("ada", "1", 1, 1)], [decision("ada", "2", 1, 2)])
    async with folding(log, database) as process:
        await process.begin()
        async with nothing_is_written(process):
            first = asyncio.create_task(process.folder.fold(batches[0]))
            second = asyncio.create_task(process.folder.fold(batches[1], first))
            await asyncio.wait([second], timeout=0.1)
            assert batches[1] not in taken
        await asyncio.gather(first, second)
        assert await process.outcomes() == [("1", "applied", 1), ("2", "superseded", None)]


async def test_of_a_batch_whose_forerunner_failed_nothing_is_written(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, batches = await batches_of([event("ada", "1", 1)], [event("ada", "2", 2)])
    async with folding(log, database) as process:
        positions = await process.begin()

        def fail(at: str) -> None:
            if at == "fold.before_commit":
                raise ConnectionResetError

        monkeypatch.setattr(folding_module, "pass_by", fail)
        first = asyncio.create_task(process.folder.fold(batches[0]))
        second = asyncio.create_task(process.folder.fold(batches[1], first))
        found = await asyncio.gather(first, second, return_exceptions=True)
        assert list(map(type, found)) == [ConnectionResetError] * 2
        assert await process.reached() | positions == positions


async def test_a_projector_does_so(database: str, taken: list[list[Step]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its batches are large, and each is sorted once."""
    monkeypatch.setattr(projector, "CATCH_UP_RECORDS", 600)
    log = await new_log()
    await log.append(TOPIC, [event(f"{n}", f"{n}", n) for n in range(3_000)])
    async with folding(log, database) as process:
        await process.catch_up()
        assert len((await process.tables())["entries"]) == 3_000
    assert sum(map(len, taken)) == 3_000 + len(PARTITIONS)
