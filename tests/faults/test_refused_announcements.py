"""F02 on the reactor of scoring: what the log refuses for a while is said later, though nothing else would wake it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import asyncpg
import pytest

from libs.events.log import EventLog
from tests.faults.announcing import PUBLISHED, TWO_HOURS_MS, check, published, shopping, started, versions, written
from tests.faults.deadlines import until
from tests.faults.stage import Stage, settled

WITHIN_S = 20.0
NAMES, NEW = ([f"crm:{prefix}{n}" for n in range(count)] for prefix, count in (("", 30), ("new-", 5)))


@asynccontextmanager
async def refusing(log_url: str) -> AsyncIterator[None]:
    """The log takes nothing of scoring's while the block runs, and goes on to take and give everything else."""
    connection = await asyncpg.connect(log_url)
    await connection.execute("ALTER TABLE log_heads ADD CONSTRAINT refusing CHECK (topic <> 'scoring') NOT VALID")
    yield
    await connection.execute("ALTER TABLE log_heads DROP CONSTRAINT refusing")
    await connection.close()


@pytest.mark.faults("F02", fault="the log refuses what is announced, for a while")
@pytest.mark.asyncio
async def test_what_the_log_refuses_is_announced_once_it_is_taken(stage: Stage, log: EventLog) -> None:
    (process,) = await stage.start("scoring")
    await shopping(log, NAMES, Random(2))
    await published(process, log)
    assert isinstance(stage.place, str)
    async with refusing(stage.place):
        await shopping(log, NEW, Random(2))
        await until(lambda: "AppendRefused" in process.said, WITHIN_S, "the log refuses an announcement")
    await settled(process.url, log)
    await check(stage, log, process, [*NAMES, *NEW])


@pytest.mark.faults("F02", fault="the log refuses statistics that are due, for a while")
@pytest.mark.asyncio
async def test_statistics_that_the_log_refuses_are_published_once_they_are_taken(stage: Stage, log: EventLog) -> None:
    process = stage.process("scoring")
    await shopping(log, NAMES, Random(17))
    await started(process)
    await published(process, log, next_in_h=1)
    process.kill()
    assert isinstance(stage.place, str)
    async with refusing(stage.place):
        await started(process, RAPPORT_CLOCK_OFFSET_MS=TWO_HOURS_MS)
        await until(lambda: "reactor_waits" in process.said, WITHIN_S, "the log refuses them")
    await until(lambda: versions(process, 2), WITHIN_S, "they are published")
    assert len(await written(log, PUBLISHED)) == 2
