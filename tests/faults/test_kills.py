"""F01 and F08: services and PostgreSQL are killed under load; they come back by themselves, and nothing is lost."""

import os
import signal
from functools import partial
from itertools import cycle, islice

import asyncpg
import psutil
import pytest

from tests.faults import invariants
from tests.faults.deadlines import until
from tests.faults.history import History
from tests.faults.invariants import contents
from tests.faults.logs import KAFKA, POSTGRES
from tests.faults.running import LAG_S, all_serve, check, is_ready, opened_log, pids, probe, under_load
from tests.faults.workload import Workload
from tests.integration.conftest import System

EACH = 5  # services, in turn
ROUNDS = 5  # 25 kills
TIMES = 5
READY_WITHIN_S = 5.0
LAG_WITHIN_S = 15.0
POOLS_BACK_WITHIN_S = 5.0
RESTARTED_WITHIN_S = 30.0


@pytest.mark.faults("F01", fault="kill -9 each service in turn under load", times="kills")
@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("live", "kills"),
    [
        (POSTGRES, EACH),
        pytest.param(POSTGRES, EACH * ROUNDS, marks=pytest.mark.slow),
        pytest.param(KAFKA, EACH * ROUNDS, marks=pytest.mark.slow),
    ],
    indirect=["live"],
)
async def test_a_killed_service_is_back_in_time_and_nothing_is_lost(live: System, kills: int) -> None:
    async with opened_log(live) as log:
        workload = Workload(seed=1, urls=live.urls, log_id=log.log_id)
        async with workload.running() as history:
            for n, (name, url) in enumerate(islice(cycle(live.urls.items()), kills)):
                await under_load(history)
                pid = pids(live)[name]
                os.kill(pid, signal.SIGKILL)

                async def back(url: str = url, name: str = name, pid: int = pid) -> bool:
                    return pids(live)[name] not in {0, pid} and await is_ready(url)

                await until(back, READY_WITHIN_S, f"{name} is ready again, kill {n + 1}")
                await until(lambda: probe(live), LAG_WITHIN_S, f"the lag is under {LAG_S} s")
            before = await contents(log)
    await check(live, workload, before)


def postmaster(system: System) -> psutil.Process:
    assert system.process
    (found,) = [p for p in psutil.Process(system.process.pid).children() if p.name() == "postgres"]
    return found


def is_gone(process: psutil.Process) -> bool:
    return not process.is_running()


async def accepts_connections(url: str) -> bool:
    try:
        connection = await asyncpg.connect(url, timeout=1)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    await connection.close()
    return True


@pytest.mark.faults("F08", fault="kill -9 PostgreSQL under load", times=TIMES)
@pytest.mark.slow
@pytest.mark.asyncio
async def test_a_killed_postgresql_costs_no_offset_and_the_pools_come_back(live: System) -> None:
    url = live.runtime.log_url
    assert url is not None
    async with opened_log(live) as log:
        workload = Workload(seed=8, urls=live.urls, log_id=log.log_id)
        services = pids(live)
        before = await contents(log)
    async with workload.running() as history:
        for n in range(TIMES):
            await under_load(history)
            server = postmaster(live)
            server.kill()
            await until(partial(is_gone, server), RESTARTED_WITHIN_S, "PostgreSQL is gone")
            await until(lambda: accepts_connections(url), RESTARTED_WITHIN_S, "PostgreSQL accepts connections")

            await until(partial(all_serve, live), POOLS_BACK_WITHIN_S, f"the pools are back, time {n + 1}")
            async with opened_log(live) as log:
                now = await contents(log)
                invariants.i4_an_offset_means_one_event(History(), before, now, log)
                before = now
    await check(live, workload, before)
    assert pids(live) == services
