"""Which code may fold into which tables, and what becomes of those that are replaced."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from sqlalchemy import inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.events.database import for_control
from libs.events.generations import BUILDING, LIVE, Generation, GenerationRefused, Generations
from libs.events.ids import new_id
from libs.events.leases import Leases
from libs.events.tests.folding_sample import PARTITIONS, PROJECTION

pytestmark = pytest.mark.asyncio

LOG_ID = new_id()
NEWER = replace(PROJECTION, version=2, fingerprint="of newer code")


@pytest_asyncio.fixture
async def control(database: str) -> AsyncIterator[AsyncEngine]:
    engine = for_control(database)
    yield engine
    await engine.dispose()


async def live(control: AsyncEngine) -> Generation:
    generations = Generations(control, PROJECTION)
    return await generations.go_live(await generations.find_or_make(LOG_ID, PARTITIONS))


async def schemas(control: AsyncEngine) -> set[str]:
    async with control.connect() as connection:
        names: list[str] = await connection.run_sync(lambda sync: inspect(sync).get_schema_names())
    return {name for name in names if name.startswith("g")}


async def test_the_first_generation_is_built_and_found_again(control: AsyncEngine) -> None:
    made = await Generations(control, PROJECTION).find_or_make(LOG_ID, PARTITIONS)
    assert made.state == BUILDING
    assert await Generations(control, PROJECTION).find_or_make(LOG_ID, PARTITIONS) == made


async def test_a_higher_version_builds_beside_the_live_one_and_drops_it_when_it_goes_live(control: AsyncEngine) -> None:
    old = await live(control)
    newer = Generations(control, NEWER)
    building = await newer.find_or_make(LOG_ID, PARTITIONS)
    assert building.state == BUILDING
    assert await schemas(control) == {old.schema, building.schema}
    assert (await newer.go_live(building)).state == LIVE
    assert await schemas(control) == {building.schema}


async def test_older_code_serves_its_own_while_it_is_there_and_is_refused_after(control: AsyncEngine) -> None:
    old = await live(control)
    newer = Generations(control, NEWER)
    building = await newer.find_or_make(LOG_ID, PARTITIONS)
    assert await Generations(control, PROJECTION).find_or_make(LOG_ID, PARTITIONS) == old
    await newer.go_live(building)
    with pytest.raises(GenerationRefused, match="this code is version 1, the database is at version 2"):
        await Generations(control, PROJECTION).find_or_make(LOG_ID, PARTITIONS)


async def test_other_code_of_the_same_version_is_refused(control: AsyncEngine) -> None:
    await live(control)
    other = Generations(control, replace(PROJECTION, fingerprint="of other code"))
    with pytest.raises(GenerationRefused, match="needs a higher version"):
        await other.find_or_make(LOG_ID, PARTITIONS)


async def test_starting_over_never_gives_a_name_again(control: AsyncEngine) -> None:
    first = await live(control)
    second = await Generations(control, PROJECTION).start_over(LOG_ID, PARTITIONS)
    assert second.schema != first.schema
    assert second.state == BUILDING
    assert await schemas(control) == {second.schema}


async def test_a_scratch_that_nobody_folds_is_swept_and_one_that_is_folded_stays(control: AsyncEngine) -> None:
    generations = Generations(control, PROJECTION)
    await generations.make_scratch(LOG_ID, PARTITIONS)
    folded = await generations.make_scratch(LOG_ID, PARTITIONS)
    await Leases(control, folded.schema, "somebody", new_id()).take(PARTITIONS)
    await generations.drop_abandoned()
    assert await schemas(control) == {folded.schema}


async def test_a_generation_that_was_dropped_by_hand_can_be_dropped_again(control: AsyncEngine) -> None:
    generations = Generations(control, PROJECTION)
    made = await generations.make_scratch(LOG_ID, PARTITIONS)
    async with control.begin() as connection:
        await connection.execute(text(f"DROP SCHEMA {made.schema} CASCADE"))
    await generations.drop(made)
    assert await generations.find() is None
