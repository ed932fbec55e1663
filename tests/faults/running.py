"""`rapport up` under load: looks into it, and what must hold once all is over."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import msgspec

from libs.embedded.home import Home
from libs.events.clock import monotonic_s
from libs.events.identifiers import Nodes
from libs.events.ids import new_id
from libs.events.log_created import AdministeredLog, recognise
from libs.events.opening import open_log
from tests.faults import invariants
from tests.faults.deadlines import until
from tests.faults.events import purchase
from tests.faults.history import Entry, History, Kind, Outcome
from tests.faults.invariants import Observed, contents
from tests.faults.stage import folded, settled
from tests.faults.workload import STRUCTURED, Workload
from tests.integration.conftest import System

LAG_S = 1.0
ENDS_WITHIN_S = 5.0 + 1.0  # every call, whatever the log does; the second is HTTP's, on two busy cores
CLEAR = {"outcome_unknown", "log_unavailable"}  # what a call that ends so is answered
UNDER_LOAD = 100  # writes that were acknowledged since the last fault: then the next may come
LOADED_WITHIN_S = 60.0
CAUGHT_UP_WITHIN_S = 30.0


@asynccontextmanager
async def opened_log(system: System) -> AsyncIterator[AdministeredLog]:
    async with open_log(system.log_place) as log:
        await recognise(log, Nodes(Home.at(system.data).identity_secret()).check_value())
        yield log


def pids(system: System) -> dict[str, int]:
    return {name: service.pid for name, service in system.runtime.services.items()}


async def is_ready(url: str) -> bool:
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        try:
            return (await client.get(f"{url}/readyz")).status_code == 200
        except httpx.TransportError:
            return False


async def post(client: httpx.AsyncClient, system: System, subject: str) -> httpx.Response:
    body = msgspec.json.encode(purchase(subject, str(new_id())))
    return await client.post(f"{system.interactions}/v1/events", content=body, headers=STRUCTURED)


async def is_written(system: System, subject: str) -> bool:
    """Whether an event that is posted now is acknowledged."""
    async with httpx.AsyncClient(trust_env=False, verify=False, timeout=ENDS_WITHIN_S) as client:
        return (await post(client, system, subject)).status_code == 202


async def probe(system: System) -> bool:
    """Whether an event that is posted now is on its timeline within the lag that is allowed."""
    subject = "crm:probe"
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        try:
            posted = await post(client, system, subject)
            if posted.status_code != 202:
                return False
            page = await client.get(
                f"{system.timeline}/v1/timeline/{subject}",
                params={"min_position": posted.json()["position"]},
                headers={"prefer": f"wait={LAG_S:.0f}"},
            )
        except httpx.TransportError:
            return False
        return page.status_code == 200


async def all_serve(system: System) -> bool:
    ready = [await is_ready(url) for url in system.urls.values()]
    return all(ready) and await probe(system)


async def under_load(history: History, writes: int = UNDER_LOAD, within_s: float = LOADED_WITHIN_S) -> None:
    """So many writes are acknowledged from now on."""
    since_s = monotonic_s()
    await until(lambda: history.writes_since(since_s) >= writes, within_s, "writes are acknowledged")


async def check(system: System, workload: Workload, before: invariants.Contents) -> None:
    """After healing: all invariants, with the system still running."""
    urls = {name: service.database_url for name, service in system.runtime.services.items()}
    async with opened_log(system) as log:
        await settled(system.scoring, log)
        for name, url in urls.items():
            await folded(url, log, name, CAUGHT_UP_WITHIN_S)
        await invariants.all_hold(Observed(workload.history, before, log, urls))
        await invariants.i9_outcomes_tell_what_became_of_commands(workload.history, system.urls)
    invariants.i10_no_hand_was_needed(system)


@asynccontextmanager
async def loaded(system: System, seed: int) -> AsyncIterator[History]:
    """Under load. What the block breaks and heals ends no call late or unclear, nor any process, nor an invariant."""
    async with opened_log(system) as log:
        workload = Workload(seed=seed, urls=system.urls, log_id=log.log_id)
    services = pids(system)
    async with workload.running() as history:
        await under_load(history)
        async with opened_log(system) as log:
            before = await contents(log)
        broken_s = monotonic_s()
        yield history
        calls_end_in_time_and_clearly(history, broken_s)
        await under_load(history)
    await check(system, workload, before)
    assert pids(system) == services


def calls_end_in_time_and_clearly(history: History, since_s: float) -> None:
    for entry, took_s in history.answers_since(since_s):
        told = history.of(entry.operation)
        assert took_s < ENDS_WITHIN_S, told
        assert entry.status, told
        if entry.status >= 500:
            lags = {"position_not_reached"} if entry.operation.kind is Kind.READ else set()
            assert (entry.status, code_of(entry) in CLEAR | lags) == (503, True), told


def code_of(entry: Entry) -> str:
    """Of an answer that left the outcome open; nothing where it had none."""
    return str(msgspec.json.decode(entry.answer).get("code", "")) if entry.outcome is Outcome.UNKNOWN else ""


async def resumes(system: System, within_s: float) -> None:
    """All services take writes and fold them, without a hand."""
    await until(lambda: all_serve(system), within_s, "all serve again")
