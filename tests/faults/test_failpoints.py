"""F02: a service dies at each step of a fold, is started again, and nothing is lost or doubled."""

from collections.abc import Mapping

import pytest

from libs.events.log import EventLog
from libs.events.position import Partition
from tests.faults import invariants
from tests.faults.deadlines import until
from tests.faults.events import SERVICES, TOPIC, projection, purchases
from tests.faults.invariants import contents
from tests.faults.ruled import sound
from tests.faults.stage import Stage, has_folded
from tests.faults.story import tell

KILLED = -9
DIES_WITHIN_S = 20.0


@pytest.mark.faults("F02", fault="die at each step of the fold", times="deaths")
@pytest.mark.asyncio
@pytest.mark.parametrize("deaths", [1, pytest.param(3, marks=pytest.mark.slow)])
@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("step", ["fold.before_transaction", "fold.before_commit", "fold.after_commit"])
async def test_a_fold_that_died_at_a_step_is_taken_up_where_it_stood(
    stage: Stage, log: EventLog, step: str, service: str, deaths: int
) -> None:
    process = stage.process(service)
    database = {service: stage.database_urls[service]}
    told = sound(people=60)
    told = [each for n, record in enumerate(purchases(len(told), customers=50)) for each in (told[n], (TOPIC, record))]
    for _ in range(deaths):
        process.start(RAPPORT_FAILPOINTS=f"{step}=3")
        while process.alive:
            await tell(log, [told.pop(0) for _ in range(20)])
            ends = await log.ends(projection(service).topics)

            async def folded_or_dead(ends: Mapping[Partition, int] = ends) -> bool:
                return not process.alive or await has_folded(database[service], ends)

            await until(folded_or_dead, DIES_WITHIN_S, f"{service} folds on, or dies")
        assert process.exit_code == KILLED
    process.start()
    await process.ready()
    await stage.folded(log, service)
    await invariants.i2_nothing_takes_effect_twice(database)
    await invariants.i5_sequences_have_no_gap_and_no_inversion(database, await contents(log))
    await invariants.i6_no_offset_is_skipped(database)
    await invariants.i8_live_is_rebuilt(database, log)
