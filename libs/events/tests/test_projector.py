"""Who folds, from where, and when it must not: leases, fencing, a log that is not the one it was."""

import asyncio

import asyncpg
import pytest
from sqlalchemy import Update, func, update

from libs.events import projector as projector_module
from libs.events.bookkeeping import checkpoints, leases
from libs.events.database import for_control, for_folds
from libs.events.generations import Generations
from libs.events.leases import LeaseLost
from libs.events.log import LogBroken, Record
from libs.events.memory_log import MemoryLog
from libs.events.partitions import partition_of
from libs.events.position import Partition
from libs.events.projector import GenerationGone
from libs.events.tests.folding_sample import (
    DEADLINE_S,
    PARTITIONS,
    PROJECTION,
    TOPIC,
    Folding,
    all_steps,
    event,
    folding,
    following,
    keys_of,
    new_log,
    until,
)

pytestmark = pytest.mark.asyncio

ADA = Partition(TOPIC, partition_of(b"ada", len(PARTITIONS)))


def payments(count: int, start: int = 0) -> list[Record]:
    return [event("ada", f"{n}", 1) for n in range(start, start + count)]


async def change(process: Folding, statement: Update) -> None:
    async with process.engine.begin() as connection:
        await connection.execute(statement)


class TestLeases:
    async def test_another_instance_gets_nothing_until_the_lease_has_run_out(self, database: str) -> None:
        async with folding(await new_log(), database) as one:
            other = one.twin("other")
            held = await one.leases.take(PARTITIONS)
            assert held == dict.fromkeys(PARTITIONS, 1)
            assert await other.leases.take(PARTITIONS) == {}
            await one.leases.renew(held)
            await change(one, update(leases).values(expires_at=func.clock_timestamp()))
            assert await other.leases.take(PARTITIONS) == dict.fromkeys(PARTITIONS, 2)
            with pytest.raises(LeaseLost, match="another process folds interactions/0"):
                await one.leases.renew(held)

    async def test_a_released_lease_is_free_at_once(self, database: str) -> None:
        async with folding(await new_log(), database) as one:
            await one.leases.take(PARTITIONS)
            await one.leases.release(PARTITIONS[:3])
            assert set(await one.twin("other").leases.take(PARTITIONS)) == set(PARTITIONS[:3])

    async def test_two_that_take_at_once_share_without_overlap(self, database: str) -> None:
        async with folding(await new_log(), database) as one:
            taken = await asyncio.gather(*(one.twin(f"{n}").leases.take(PARTITIONS) for n in range(3)))
            assert sorted(partition for each in taken for partition in each) == PARTITIONS

    async def test_a_release_by_one_who_lost_it_takes_nothing_from_the_new_holder(self, database: str) -> None:
        async with folding(await new_log(), database) as one:
            old = await one.leases.take(PARTITIONS)
            new = one.twin()
            held = await new.leases.take(PARTITIONS)
            await one.leases.release(old)
            await new.leases.renew(held)
            assert await one.leases.taken_over_by_twin()
            assert not await new.leases.taken_over_by_twin()


class TestFencing:
    async def test_a_holder_that_wakes_up_after_its_lease_commits_nothing(self, database: str) -> None:
        log = await new_log(*payments(3))
        async with folding(log, database) as frozen:
            await frozen.begin()
            await change(frozen, update(leases).values(expires_at=func.clock_timestamp()))
            successor = frozen.twin("other")
            await successor.begin()
            with pytest.raises(LeaseLost):
                await frozen.folder.fold(await all_steps(log))
            assert await frozen.balances() == {}
            assert set((await frozen.reached()).values()) == {0}
            await successor.folder.fold(await all_steps(log))
            assert await successor.balances() == {"ada": 3}

    async def test_a_holder_whose_position_was_passed_commits_nothing(self, database: str) -> None:
        log = await new_log(*payments(3))
        async with folding(log, database) as process:
            await process.begin()
            await change(process, update(checkpoints).values(next_offset=1))
            with pytest.raises(LeaseLost):
                await process.folder.fold(await all_steps(log))
            assert await process.balances() == {}

    async def test_a_new_process_of_an_instance_ends_the_old_one(self, database: str) -> None:
        log = await new_log(*payments(3))
        async with folding(log, database) as old, following(old) as running_:
            assert await old.progress.wait_for({ADA: 4}, DEADLINE_S)
            new = old.twin()
            async with following(new):
                await log.append(TOPIC, payments(3, start=3))
                async with asyncio.timeout(DEADLINE_S):
                    with pytest.raises(LeaseLost):
                        await running_
                assert await new.progress.wait_for({ADA: 7}, DEADLINE_S)
            assert await new.balances() == {"ada": 6}

    async def test_a_process_that_ended_leaves_the_partitions_to_others(self, database: str) -> None:
        log = await new_log(*payments(3))
        async with folding(log, database) as one:
            await one.catch_up({ADA: 3})
            await one.twin("other").catch_up()
            assert await one.balances() == {"ada": 3}


async def cut(log: MemoryLog) -> MemoryLog:
    del log._partitions[ADA][-1]
    return log


async def exchanged(log: MemoryLog) -> MemoryLog:
    kept = log._partitions[ADA]
    kept[-1] = kept[-1]._replace(record=event("ada", "another", 1))
    return log


async def emptied(log: MemoryLog) -> MemoryLog:
    log._partitions[ADA].clear()
    return log


async def another(log: MemoryLog) -> MemoryLog:
    return await new_log(*payments(3))


class TestTheLogIsNotTheOneItWas:
    @pytest.mark.parametrize(
        ("damage", "reason"),
        [
            (cut, "log went backwards: interactions/.* ends at 3, 4 records were folded"),
            (emptied, "log went backwards"),
            (exchanged, "log replaced: record 3 of interactions/.* is not the one that was folded"),
            (another, "log replaced: sample was folded from log"),
        ],
    )
    async def test_nothing_is_folded_and_no_row_touched(self, database: str, damage: object, reason: str) -> None:
        assert callable(damage)
        log = await new_log(*payments(3))
        async with folding(log, database) as process:
            await process.catch_up()
            before, reached = await process.tables(), await process.reached()
            changed = await damage(log)
            await changed.append(TOPIC, [event("grace", "9", 1)])
            again = Folding(changed, process.control, process.engine, process.generation)
            with pytest.raises(LogBroken, match=reason):
                await again.projector().run()
            assert await again.tables() == before
            assert await again.reached() == reached

    async def test_a_log_that_is_cut_while_it_is_followed_ends_the_projector(self, database: str) -> None:
        log = await new_log(*payments(3))
        async with folding(log, database) as process, following(process) as running_:
            assert await process.progress.wait_for({ADA: 4}, DEADLINE_S)
            await cut(log)
            await log.append(TOPIC, [event("grace", "9", 1)])
            async with asyncio.timeout(DEADLINE_S):
                with pytest.raises(LogBroken, match="log went backwards"):
                    await running_


class TestUntil:
    async def test_it_stops_exactly_there(self, database: str) -> None:
        log = await new_log(*payments(9))
        async with folding(log, database) as process:
            await process.catch_up({ADA: 5})
            assert (await process.reached())[ADA] == 5
            assert await process.balances() == {"ada": 4}
            await process.catch_up()
            assert await process.balances() == {"ada": 9}

    async def test_it_waits_for_what_is_not_there_yet(self, database: str) -> None:
        log = await new_log(*payments(1))
        async with folding(log, database) as process:
            running_ = asyncio.create_task(process.catch_up({ADA: 4}))
            await until(process, lambda: has_reached(process, 2))
            assert not running_.done()
            await log.append(TOPIC, payments(2, start=1))
            await running_
            assert await process.balances() == {"ada": 3}

    async def test_many_records_are_folded_in_large_batches(self, database: str) -> None:
        keys = [key for number in range(3) for key in keys_of(number, 5)]
        log = await new_log()
        await log.append(TOPIC, [event(keys[n % len(keys)], f"{n}", 1) for n in range(6_000)])
        async with folding(log, database) as process:
            await process.catch_up()
            assert await process.balances() == dict.fromkeys(keys, 400)
            assert process.progress.folded == 6_000


async def has_reached(process: Folding, offset: int) -> bool:
    return process.progress.reached.get(ADA) == offset


class TestGenerations:
    async def test_a_dropped_generation_is_noticed_while_it_is_followed(self, database: str) -> None:
        log = await new_log(*payments(1))
        async with folding(log, database) as process, following(process) as running_:
            assert await process.progress.wait_for(await log.ends([TOPIC]), DEADLINE_S)
            await Generations(process.control, PROJECTION).drop(process.generation)
            await log.append(TOPIC, payments(1, start=1))
            async with asyncio.timeout(DEADLINE_S):
                with pytest.raises(GenerationGone):
                    await running_

    async def test_a_dropped_generation_is_noticed_at_the_start(self, database: str) -> None:
        async with folding(await new_log(), database) as process:
            await Generations(process.control, PROJECTION).drop(process.generation)
            with pytest.raises(GenerationGone):
                await process.projector().run()

    async def test_starting_over_gives_an_empty_generation_that_was_never_there(self, database: str) -> None:
        log = await new_log(*payments(2))
        control = for_control(database)
        generations = Generations(control, PROJECTION)
        first = await generations.find_or_make(log.log_id, PARTITIONS)
        assert await generations.find_or_make(log.log_id, PARTITIONS) == first
        second = await generations.start_over(log.log_id, PARTITIONS)
        assert second.number > first.number
        assert await generations.find() == second
        old, new = (for_folds(database, each.schema) for each in (first, second))
        with pytest.raises(GenerationGone):
            await Folding(log, control, old, first).catch_up()
        process = Folding(log, control, new, second)
        await process.catch_up()
        assert await process.balances() == {"ada": 2}
        for engine in (old, new, control):
            await engine.dispose()

    async def test_many_that_start_at_once_make_one_generation(self, database: str) -> None:
        log, control = await new_log(), for_control(database)
        makers = (Generations(control, PROJECTION).find_or_make(log.log_id, PARTITIONS) for _ in range(3))
        assert len(set(await asyncio.gather(*makers))) == 1
        await control.dispose()


class TestTheWorldGoesAway:
    async def test_cut_connections_are_waited_out(self, database: str) -> None:
        log = await new_log(*payments(1))
        async with folding(log, database) as process, following(process) as running_:
            for n in range(1, 4):
                assert await process.progress.wait_for({ADA: n + 1}, DEADLINE_S)
                await cut_connections(database)
                await log.append(TOPIC, payments(1, start=n))
            assert await process.progress.wait_for({ADA: 5}, DEADLINE_S)
            assert not running_.done()
            assert await process.balances() == {"ada": 4}

    async def test_a_renewal_and_a_fold_that_fail_together_are_waited_out(
        self, database: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(projector_module, "RENEW_S", 0)
        log = await new_log()
        other = await asyncpg.connect(database)
        async with folding(log, database) as process, following(process) as running_:
            blocked = "SELECT count(*) >= 2 FROM pg_locks WHERE NOT granted"
            async with other.transaction():
                await other.execute(f"SET search_path = {process.generation.schema}; LOCK TABLE leases, checkpoints")
                await log.append(TOPIC, payments(1))
                await until(process, lambda: other.fetchval(blocked))
                await cut_connections(database, spare=other.get_server_pid())
            assert await process.progress.wait_for({ADA: 2}, DEADLINE_S)
            assert not running_.done()
        await other.close()


async def cut_connections(database: str, spare: int = 0) -> None:
    connection = await asyncpg.connect(database)
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    await connection.execute(f"{others} AND pid NOT IN (pg_backend_pid(), {spare})")
    await connection.close()
