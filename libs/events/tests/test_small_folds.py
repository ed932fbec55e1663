"""Small batches, which one statement writes, and names that are taken for new."""

import pytest
from sqlalchemy import update

from libs.events import folding as folding_module
from libs.events import writing
from libs.events.bookkeeping import checkpoints
from libs.events.leases import LeaseLost
from libs.events.steps import Step
from libs.events.tests.folding_sample import PARTITIONS, event, folding, new_log, steps_in

pytestmark = pytest.mark.asyncio

KEYS = [f"key-{n}" for n in range(40)]


@pytest.fixture(params=[500, 0], ids=["one statement", "a transaction"], autouse=True)
def _small(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both roads must give the same."""
    monkeypatch.setattr(writing, "SMALL_ROWS", request.param)


async def batch(*records: object) -> list[Step]:
    log = await new_log(*records)  # type: ignore[arg-type]
    return [step for partition in PARTITIONS for step in (await steps_in(log))[partition]]


async def test_a_checkpoint_that_moved_meanwhile_keeps_the_whole_batch_from_being_written(database: str) -> None:
    records = [event(key, "1", 5) for key in KEYS]
    async with folding(await new_log(*records), database) as process:
        await process.begin()
        steps = await batch(*records)
        last = max(steps, key=lambda step: step.offset)
        async with process.engine.begin() as connection:
            mine = (checkpoints.c.topic == last.partition.topic, checkpoints.c.partition == last.partition.number)
            await connection.execute(update(checkpoints).where(*mine).values(epoch=99))
        with pytest.raises(LeaseLost, match="moved by another process"):
            await process.folder.fold(steps)
        assert await process.balances() == {}
        async with process.engine.connect() as connection:
            offsets = await connection.execute(checkpoints.select().with_only_columns(checkpoints.c.next_offset))
            assert {offset for (offset,) in offsets} == {0}


@pytest.mark.parametrize("doubtful", [0, 100], ids=["taken for new", "asked after"])
async def test_a_name_of_an_earlier_batch_takes_effect_once(database: str, doubtful: int) -> None:
    first, again, other = event("ada", "1", 5), event("ada", "1", 5), event("ada", "1", 6)
    async with folding(await new_log(first, again, other, event("ada", "2", 1)), database) as process:
        await process.begin()
        for step in await batch(first, again, other, event("ada", "2", 1)):
            process.folder._doubtful_folds = doubtful
            await process.folder.fold([step])
        assert await process.balances() == {"ada": 6}
        assert (process.progress.duplicates, process.progress.quarantined) == (1, 1)


async def test_after_a_name_that_was_not_new_names_are_asked_after_for_a_while(database: str) -> None:
    records = [event("ada", "1", 5), event("ada", "1", 5), event("ada", "2", 5)]
    async with folding(await new_log(*records), database) as process:
        await process.begin()
        left = []
        for step in await batch(*records):
            await process.folder.fold([step])
            left.append(process.folder._doubtful_folds)
        asked = left.index(folding_module.DOUBTFUL_FOLDS)
        assert not any(left[:asked])
        assert left[asked + 1] == folding_module.DOUBTFUL_FOLDS - 1
