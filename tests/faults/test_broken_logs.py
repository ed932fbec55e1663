"""F23 and F24: a log that was cut, exchanged or given partitions is refused by name, and no row is touched."""

import re
from collections.abc import Collection, Sequence
from typing import Any

import pytest

from libs.events.digest import Digest
from libs.events.log import EventLog
from tests.faults import damage_kafka, damage_postgres
from tests.faults.damage_postgres import Damage
from tests.faults.events import SERVICES, purchases
from tests.faults.logs import KAFKA, POSTGRES
from tests.faults.ruled import sound
from tests.faults.stage import Stage, append_in_pieces
from tests.faults.story import tell

RECORDS = 300
QUICK = {damage_kafka.delete_the_first_records}
Cases = Sequence[tuple[Damage, str]]


def on_each_log(postgres: Cases, kafka: Cases, quick: Collection[Damage] = ()) -> pytest.MarkDecorator:
    """What befalls either log; slow but for some."""
    cases: list[Any] = []
    for log, damages in ((POSTGRES, postgres), (KAFKA, kafka)):
        for damage, cause in damages:
            marks = () if damage in quick else (pytest.mark.slow,)
            cases.append(pytest.param(log, damage, cause, id=f"{log}-{damage.__name__}", marks=marks))
    return pytest.mark.parametrize(("stage", "damage", "cause"), cases, indirect=["stage"])


async def fill(stage: Stage, log: EventLog) -> None:
    await append_in_pieces(log, purchases(RECORDS, customers=100), size=50)
    await tell(log, sound(people=20), size=10)
    await stage.folded(log)


async def all_digests(stage: Stage) -> list[dict[str, Digest]]:
    return [await stage.digests(service) for service in SERVICES]


@pytest.mark.faults("F23 F24", fault="log truncated, replaced, partitions added: at a start")
@pytest.mark.asyncio
@on_each_log(damage_postgres.WHILE_STOPPED, damage_kafka.WHILE_STOPPED, QUICK)
async def test_a_service_does_not_start_on_a_log_that_is_not_the_one_it_was(
    stage: Stage, log: EventLog, damage: Damage, cause: str
) -> None:
    processes = await stage.start(*SERVICES)
    await fill(stage, log)
    for process in processes:
        await process.stop()
    before = await all_digests(stage)
    await damage(stage)
    for process in processes:
        process.start()
    for process in processes:
        assert cause in await process.refuses()
    assert await all_digests(stage) == before


@pytest.mark.faults("F23 F24", fault="log truncated, partitions added: while running")
@pytest.mark.asyncio
@on_each_log(damage_postgres.WHILE_RUNNING, damage_kafka.WHILE_RUNNING)
async def test_a_running_service_ends_when_its_log_is_not_the_one_it_was(
    stage: Stage, log: EventLog, damage: Damage, cause: str
) -> None:
    processes = await stage.start(*SERVICES)
    await fill(stage, log)
    before = await all_digests(stage)
    await damage(stage)
    for process in processes:
        assert re.search(cause, await process.refuses())
    assert await all_digests(stage) == before
