import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import replace

import pytest

from libs.events import projector
from libs.events.clock import monotonic_s
from libs.events.folding import Folder
from libs.events.position import Partition
from libs.events.progress import REMEMBERED_OUTCOMES, Progress
from libs.events.steps import Step
from libs.events.tests import folding_sample
from libs.events.tests.folding_sample import DEADLINE_S, PROJECTION, TOPIC, event, folding, following, new_log

pytestmark = pytest.mark.asyncio

ADA = Partition(TOPIC, 0)


class TestProgress:
    async def test_a_waiter_is_woken_when_its_position_is_folded(self, database: str) -> None:
        log = await new_log()
        async with folding(log, database) as process, following(process):
            [(ada, end)] = (await log.append(TOPIC, [event("ada", "1", 1)])).positions.items()
            waiting = [asyncio.create_task(process.progress.wait_for({ada: end + n}, DEADLINE_S)) for n in range(3)]
            await log.append(TOPIC, [event("ada", "2", 1), event("ada", "3", 1)])
            assert await asyncio.gather(*waiting) == [True] * 3
            assert await process.balances() == {"ada": 3}

    async def test_a_wait_ends_with_its_time_and_leaves_nothing_behind(self) -> None:
        progress = Progress()
        progress.start((await new_log()).log_id, {ADA: 1})
        assert await progress.wait_for({ADA: 1}, 0)
        assert not await progress.wait_for({ADA: 2}, 0.01)
        assert progress._waiting == {}

    async def test_partitions_that_are_not_read_are_not_waited_for(self) -> None:
        progress = Progress()
        progress.start((await new_log()).log_id, {ADA: 1})
        assert await progress.wait_for({ADA: 1, Partition("feedback", 0): 9}, 0)

    async def test_nothing_is_reached_before_anything_is_known(self) -> None:
        assert not await Progress().wait_for({ADA: 1}, 0.01)

    async def test_lag_is_what_was_seen_and_not_folded(self) -> None:
        progress = Progress()
        assert (progress.token, progress.lag) == (None, 0)
        progress.start((await new_log()).log_id, {ADA: 1})
        progress.saw_ends({ADA: 5, Partition("feedback", 0): 9})
        assert progress.lag == 4
        token = progress.token
        progress.advance({ADA: 5})
        assert (progress.lag, progress.token != token) == (0, True)

    async def test_what_became_of_commands_is_told_until_many_others_came(self) -> None:
        progress = Progress()
        progress.start((await new_log()).log_id, {ADA: 1})
        progress.advance({ADA: 2}, {(ADA, 1): "applied"})
        assert [progress.told(ADA, offset) for offset in (1, 2)] == ["applied", None]
        progress.advance({ADA: 9}, {(ADA, 2 + n): "superseded" for n in range(REMEMBERED_OUTCOMES)})
        assert [progress.told(ADA, offset) for offset in (1, 2)] == [None, "superseded"]


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many events each fold takes, the pace of small ones being an hour."""
    found: list[int] = []
    fold = Folder.fold

    async def counted(folder: Folder, steps: Sequence[Step], before: Awaitable[None] | None) -> None:
        found.append(len(steps))
        await fold(folder, steps, before)

    for pace in ("FOLD_EVERY_S", "QUIET_EVERY_S"):
        monkeypatch.setattr(projector, pace, 3_600.0)
    monkeypatch.setattr(Folder, "fold", counted)
    return found


class TestPace:
    async def test_what_nobody_waits_for_is_folded_together_and_who_waits_is_served_at_once(
        self, database: str, batches: list[int]
    ) -> None:
        log = await new_log()
        async with folding(log, database) as process, following(process):
            assert await process.progress.wait_for(await log.ends([TOPIC]), DEADLINE_S)
            batches.clear()
            for n in range(20):
                await log.append(TOPIC, [event("ada", f"{n}", 1)])
            assert await process.progress.wait_for(await log.ends([TOPIC]), DEADLINE_S)
            assert batches == [20]

    async def test_where_somebody_waits_is_folded_without_what_may_come_later(
        self, database: str, batches: list[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(folding_sample, "PROJECTION", replace(PROJECTION, patient=(TOPIC,)))
        log = await new_log()
        async with folding(log, database) as process, following(process):
            assert await process.progress.wait_for(await log.ends([TOPIC]), DEADLINE_S)
            batches.clear()
            theirs = (await log.append(TOPIC, [event("ada", "1", 1)])).positions
            others = (await log.append(TOPIC, [event("ben", f"{n}", 1) for n in range(5)])).positions
            assert theirs.keys().isdisjoint(others)
            assert await process.progress.wait_for(theirs, DEADLINE_S)
            assert (batches, await process.balances()) == ([1], {"ada": 1})
            assert not await process.progress.wait_for(others, 0.0, hurries=False)
            assert await process.progress.wait_for(others, DEADLINE_S)
            assert (batches, await process.balances()) == ([1, 5], {"ada": 1, "ben": 5})

    async def test_what_was_written_before_is_folded_with_what_somebody_waits_for(
        self, database: str, batches: list[int]
    ) -> None:
        log = await new_log()
        async with folding(log, database) as process, following(process):
            assert await process.progress.wait_for(await log.ends([TOPIC]), DEADLINE_S)
            batches.clear()
            await log.append(TOPIC, [event("ben", f"{n}", 1) for n in range(5)])
            mine = (await log.append(TOPIC, [event("ada", "1", 1)])).positions
            assert await process.progress.wait_for(mine, DEADLINE_S)
            assert (batches, await process.balances()) == ([6], {"ada": 1, "ben": 5})

    async def test_who_is_in_no_hurry_lets_it_keep_its_pace(self, database: str, batches: list[int]) -> None:
        log = await new_log()
        async with folding(log, database) as process, following(process):
            assert await process.progress.wait_for(await log.ends([TOPIC]), DEADLINE_S)
            batches.clear()
            wanted = (await log.append(TOPIC, [event("ada", "1", 1)])).positions
            patient = asyncio.create_task(process.progress.wait_for(wanted, DEADLINE_S, hurries=False))
            assert not await process.progress.wait_for({ADA: 10**9}, 0.1, hurries=False)
            assert (batches, patient.done()) == ([], False)
            assert await process.progress.wait_for(wanted, DEADLINE_S)
            assert await patient

    async def test_a_deadline_that_is_over_is_no_wait(self) -> None:
        async with asyncio.timeout(DEADLINE_S):
            await Progress().until_wanted(0.0)
            await Progress().until_wanted(monotonic_s() + 0.01)
