"""F02: a service dies at each step of a fold, is started again, and nothing is lost or doubled."""

import pytest

from libs.events.postgres_log.adapter import PostgresLog
from tests.faults import invariants
from tests.faults.deadlines import until
from tests.faults.events import TOPIC, purchases
from tests.faults.stage import Stage, checkpoints

KILLED = -9
DIES_WITHIN_S = 20.0


@pytest.mark.faults("F02", fault="die at each step of the fold", times=2)
@pytest.mark.asyncio
@pytest.mark.parametrize("step", ["fold.before_transaction", "fold.before_commit", "fold.after_commit"])
async def test_a_fold_that_died_at_a_step_is_taken_up_where_it_stood(stage: Stage, log: PostgresLog, step: str) -> None:
    timeline = stage.process("timeline")
    database = {"timeline": stage.database_urls["timeline"]}
    records = purchases(400, customers=50)
    for _ in range(2):
        timeline.start(RAPPORT_FAILPOINTS=f"{step}=3")
        while timeline.alive:
            await log.append(TOPIC, [records.pop() for _ in range(10)])
            ends = await log.ends([TOPIC])

            async def folded_or_dead(ends: object = ends) -> bool:
                return not timeline.alive or await checkpoints(database["timeline"]) == ends

            await until(folded_or_dead, DIES_WITHIN_S, "the timeline folds on, or dies")
        assert timeline.exit_code == KILLED
    timeline.start()
    await timeline.ready()
    await stage.folded(log, "timeline")
    await invariants.i2_nothing_takes_effect_twice(database)
    await invariants.i6_no_offset_is_skipped(database)
    await invariants.i8_live_is_rebuilt(database, log)
