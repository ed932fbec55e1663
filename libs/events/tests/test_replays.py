"""Comparing and rebuilding: equal at equal positions, and every difference is shown."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.events.database import for_control, for_folds
from libs.events.digest import MAX_DIFFERENCES, Difference
from libs.events.generations import Generation, Generations
from libs.events.memory_log import MemoryLog
from libs.events.replays import ReplayRefused, digests, rebuild, verify
from libs.events.tests.folding_sample import (
    DEADLINE_S,
    PARTITIONS,
    PROJECTION,
    TOPIC,
    Folding,
    balances,
    event,
    following,
    new_log,
)

pytestmark = pytest.mark.asyncio


def quiet(_folded: int, _total: int) -> None:
    """A report that nobody reads."""


@pytest_asyncio.fixture
async def control(database: str) -> AsyncIterator[AsyncEngine]:
    engine = for_control(database)
    yield engine
    await engine.dispose()


async def served(log: MemoryLog, database: str, control: AsyncEngine) -> Generation:
    """A live generation that has folded the whole log."""
    generations = Generations(control, PROJECTION)
    generation = await generations.find_or_make(log.log_id, PARTITIONS)
    engine = for_folds(database, generation.schema)
    await Folding(log, control, engine, generation).catch_up()
    await engine.dispose()
    return await generations.go_live(generation)


async def test_what_was_folded_live_equals_what_is_folded_again(database: str, control: AsyncEngine) -> None:
    log = await new_log(*(event(f"key-{n % 7}", str(n), n) for n in range(50)))
    await served(log, database, control)
    seen: list[tuple[int, int]] = []
    verdict = await verify(PROJECTION, log, database, lambda folded, total: seen.append((folded, total)))
    assert verdict.equal
    assert verdict.differences == []
    assert verdict.positions == await log.ends([TOPIC])
    assert {table.name: table.live.rows for table in verdict.tables}["balances"] == 7
    assert seen[-1] == (62, 62)


async def test_events_behind_the_live_position_are_left_for_later(database: str, control: AsyncEngine) -> None:
    log = await new_log(event("a", "1", 1))
    await served(log, database, control)
    await log.append(TOPIC, [event("a", "2", 5), event("b", "1", 1)])
    assert (await verify(PROJECTION, log, database, quiet)).equal


async def test_rows_that_no_replay_gives_are_shown(database: str, control: AsyncEngine) -> None:
    log = await new_log(event("a", "1", 1), event("b", "1", 2))
    generation = await served(log, database, control)
    async with control.execution_options(schema_translate_map={None: generation.schema}).begin() as connection:
        await connection.execute(update(balances).where(balances.c.key == "a").values(total=100))
        await connection.execute(insert(balances).values(key="c", total=1, events=1))
    verdict = await verify(PROJECTION, log, database, quiet)
    assert not verdict.equal
    assert verdict.differences == [
        Difference("balances", "a", "key=a, total=100, events=1", "key=a, total=1, events=1"),
        Difference("balances", "c", "key=c, total=1, events=1", None),
    ]


async def test_at_most_ten_differences_are_shown(database: str, control: AsyncEngine) -> None:
    log = await new_log()
    generation = await served(log, database, control)
    async with control.execution_options(schema_translate_map={None: generation.schema}).begin() as connection:
        rows = [{"key": f"k{n}", "total": 1, "events": 1} for n in range(30)]
        await connection.execute(insert(balances), rows)
    assert len((await verify(PROJECTION, log, database, quiet)).differences) == MAX_DIFFERENCES


async def test_rebuilt_tables_have_the_digests_of_before(database: str, control: AsyncEngine) -> None:
    log = await new_log(*(event(f"key-{n % 7}", str(n), n) for n in range(50)))
    old = await served(log, database, control)
    before = await digests(PROJECTION, database)
    await rebuild(PROJECTION, log, database, quiet)
    assert await digests(PROJECTION, database) == before
    found = await Generations(control, PROJECTION).find()
    assert found is not None
    assert found.is_live
    assert found.schema != old.schema


async def test_a_rebuild_ends_also_where_the_service_took_the_new_tables_first(
    database: str, control: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks for them all the time, and holds them for as long as it runs."""
    log = await new_log(*(event(f"key-{n % 7}", str(n), n) for n in range(50)))
    await served(log, database, control)
    before = await digests(PROJECTION, database)
    start_over = Generations.start_over

    async def and_be_slow(generations: Generations, *given: Any) -> Generation:
        made = await start_over(generations, *given)
        engine = for_folds(database, made.schema)
        service.push_async_callback(engine.dispose)
        folding = Folding(log, control, engine, made, "the service")
        await service.enter_async_context(following(folding))
        assert await folding.progress.wait_for(await log.ends([TOPIC]), DEADLINE_S)
        await generations.go_live(made)
        return made

    monkeypatch.setattr(Generations, "start_over", and_be_slow)
    seen: list[tuple[int, int]] = []
    async with AsyncExitStack() as service, asyncio.timeout(DEADLINE_S):
        await rebuild(PROJECTION, log, database, lambda folded, total: seen.append((folded, total)))
    assert seen[-1] == (62, 62)
    assert await digests(PROJECTION, database) == before


async def test_there_is_nothing_to_compare_while_tables_are_built(database: str, control: AsyncEngine) -> None:
    log = await new_log()
    with pytest.raises(ReplayRefused):
        await verify(PROJECTION, log, database, quiet)
    await Generations(control, PROJECTION).find_or_make(log.log_id, PARTITIONS)
    with pytest.raises(ReplayRefused):
        await digests(PROJECTION, database)
