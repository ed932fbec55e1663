"""F01 and F08: services and PostgreSQL are killed under load; they come back by themselves, and nothing is lost."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import asyncpg
import httpx
import msgspec
import psutil
import pytest

from libs.embedded.home import Home, Runtime
from libs.events.clock import monotonic_s
from libs.events.identifiers import Nodes
from libs.events.ids import new_id
from libs.events.log_created import recognise
from libs.events.postgres_log.adapter import PostgresLog, open_postgres_log
from tests.faults import invariants
from tests.faults.deadlines import until
from tests.faults.events import purchase
from tests.faults.history import History
from tests.faults.invariants import Observed, contents
from tests.faults.stage import folded
from tests.faults.workload import STRUCTURED, Workload
from tests.integration.conftest import System

ROUNDS = 7  # each of three services: 21 kills
TIMES = 5
READY_WITHIN_S = 5.0
LAG_WITHIN_S = 15.0
LAG_S = 1.0
POOLS_BACK_WITHIN_S = 5.0
RESTARTED_WITHIN_S = 30.0
UNDER_LOAD = 100  # writes that were acknowledged since the last fault: then the next may come
LOADED_WITHIN_S = 60.0
CAUGHT_UP_WITHIN_S = 30.0


def runtime(system: System) -> Runtime:
    found = Home.at(system.data).read_runtime()
    assert found is not None
    return found


def log_url(system: System) -> str:
    found = runtime(system).log_url
    assert found is not None
    return found


@asynccontextmanager
async def opened_log(system: System) -> AsyncIterator[PostgresLog]:
    async with open_postgres_log(log_url(system)) as log:
        await recognise(log, Nodes(Home.at(system.data).identity_secret()).check_value())
        yield log


async def is_ready(url: str) -> bool:
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        try:
            return (await client.get(f"{url}/readyz")).status_code == 200
        except httpx.TransportError:
            return False


async def probe(system: System) -> bool:
    """Whether an event that is posted now is on its timeline within the lag that is allowed."""
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        try:
            body = msgspec.json.encode(purchase("crm:probe", str(new_id())))
            posted = await client.post(f"{system.interactions}/v1/events", content=body, headers=STRUCTURED)
            if posted.status_code != 202:
                return False
            page = await client.get(
                f"{system.timeline}/v1/timeline/crm:probe",
                params={"min_position": posted.json()["position"]},
                headers={"prefer": f"wait={LAG_S:.0f}"},
            )
        except httpx.TransportError:
            return False
        return page.status_code == 200


async def all_serve(system: System) -> bool:
    ready = [await is_ready(url) for url in system.urls.values()]
    return all(ready) and await probe(system)


async def under_load(history: History) -> None:
    since_s = monotonic_s()
    await until(lambda: history.writes_since(since_s) >= UNDER_LOAD, LOADED_WITHIN_S, "writes are acknowledged")


async def check(system: System, workload: Workload, before: invariants.Contents) -> None:
    """After healing: all invariants, with the system still running."""
    urls = {name: service.database_url for name, service in runtime(system).services.items()}
    async with opened_log(system) as log:
        for name, url in urls.items():
            await folded(url, log, name, CAUGHT_UP_WITHIN_S)
        await invariants.all_hold(Observed(workload.history, before, log, urls))
        await invariants.i9_outcomes_tell_what_became_of_commands(workload.history, system.urls)
    invariants.i10_no_hand_was_needed(system)


@pytest.mark.faults("F01", fault="kill -9 each service in turn under load", times=3 * ROUNDS)
@pytest.mark.slow
@pytest.mark.asyncio
async def test_a_killed_service_is_back_in_time_and_nothing_is_lost(live: System) -> None:
    async with opened_log(live) as log:
        workload = Workload(seed=1, urls=live.urls, log_id=log.log_id)
        async with workload.running() as history:
            for n in range(ROUNDS):
                for name, url in live.urls.items():
                    await under_load(history)
                    pid = runtime(live).services[name].pid
                    os.kill(pid, signal.SIGKILL)

                    async def back(url: str = url, name: str = name, pid: int = pid) -> bool:
                        return runtime(live).services[name].pid not in {0, pid} and await is_ready(url)

                    await until(back, READY_WITHIN_S, f"{name} is ready again, time {n + 1}")
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
    url = log_url(live)
    async with opened_log(live) as log:
        workload = Workload(seed=8, urls=live.urls, log_id=log.log_id)
        pids = {name: service.pid for name, service in runtime(live).services.items()}
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
    assert {name: service.pid for name, service in runtime(live).services.items()} == pids
