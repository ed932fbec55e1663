"""F04, F05, F11: the broker is restarted, killed and frozen under load; services wait for it, and nothing is lost."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import httpx
import pytest

from libs.embedded.kafka import EmbeddedKafka
from libs.events.clock import monotonic_s
from tests.faults.deadlines import pause, until
from tests.faults.logs import live_on
from tests.faults.running import CLEAR, ENDS_WITHIN_S, code_of, is_ready, loaded, resumes
from tests.integration.conftest import System

RESUMES_WITHIN_S = 15.0  # the broker's own start is part of it
NOTICED_WITHIN_S = 6.0
SECONDS, LONG_S = 7, 30
CROWD = 8

on_breakable = live_on("breakable")


@pytest.mark.faults("F04", fault="the broker restarted in order, under load")
@pytest.mark.slow
@pytest.mark.asyncio
@on_breakable
async def test_writes_resume_when_the_broker_was_restarted(live: System, breakable: EmbeddedKafka) -> None:
    async with loaded(live, seed=4):
        await asyncio.to_thread(breakable.stop)
        breakable.revive()
        await resumes(live, RESUMES_WITHIN_S)


@pytest.mark.faults("F05", fault="kill -9 the broker, under load")
@pytest.mark.asyncio
@on_breakable
async def test_writes_resume_when_the_broker_was_killed(live: System, breakable: EmbeddedKafka) -> None:
    async with loaded(live, seed=5):
        breakable.kill()
        breakable.revive()
        await resumes(live, RESUMES_WITHIN_S)


@pytest.mark.faults("F11", fault="the broker frozen, under load")
@pytest.mark.asyncio
@on_breakable
@pytest.mark.parametrize("frozen_s", [SECONDS, pytest.param(LONG_S, marks=pytest.mark.slow)])
async def test_calls_end_in_time_while_the_broker_is_frozen(
    live: System, breakable: EmbeddedKafka, frozen_s: int
) -> None:
    async with loaded(live, seed=11) as history:
        breakable.freeze()
        frozen_at_s = monotonic_s()
        for url in live.urls.values():
            await until(partial(is_unready, url), NOTICED_WITHIN_S, "readiness tells")
        await pause(frozen_at_s + frozen_s - monotonic_s())
        assert {code_of(entry) for entry, _ in history.answers_since(frozen_at_s)} & CLEAR
        breakable.thaw()
        await resumes(live, RESUMES_WITHIN_S)


async def is_unready(url: str) -> bool:
    return not await is_ready(url)


@pytest.mark.faults("F11", fault="the broker frozen, a crowd that asks about one person", times=3 * CROWD)
@pytest.mark.slow
@pytest.mark.asyncio
@on_breakable
async def test_nobody_waits_behind_others_who_wait_for_a_frozen_broker(live: System, breakable: EmbeddedKafka) -> None:
    """Changes of one contact take turns; a command that comes again is compared with its record in the log."""
    call, key = {"contact": "crm:1", "channel": "telephone", "direction": "inbound"}, {"idempotency-key": "a call"}
    contact = f"{live.contacts}/v1/contacts/crm:1"
    async with httpx.AsyncClient(trust_env=False, verify=False, timeout=3 * ENDS_WITHIN_S) as client:

        async def change() -> httpx.Response:
            return await client.patch(contact, json={"traits": {"city": "Cork"}}, headers={"if-match": "*"})

        async def record() -> httpx.Response:
            return await client.post(f"{live.interactions}/v1/interactions", json=call, headers=key)

        async def read() -> httpx.Response:
            return await client.get(contact)

        async def crowd(ask: Callable[[], Awaitable[httpx.Response]]) -> list[httpx.Response]:
            return await asyncio.gather(*(ask() for _ in range(CROWD)))

        registered = await client.post(f"{live.contacts}/v1/contacts", json={"identifiers": ["crm:1"]})
        assert (registered.status_code, (await record()).status_code) == (201, 201)
        breakable.freeze()
        try:
            changed, repeated, seen = await asyncio.gather(crowd(change), crowd(record), crowd(read))
        finally:
            breakable.thaw()
        await resumes(live, RESUMES_WITHIN_S)
        assert (await change()).json()["traits"] == {"city": "Cork"}
        assert (await record()).status_code == 201
    assert {answer.status_code for answer in seen} == {200}
    assert {(answer.status_code, answer.json()["code"] in CLEAR) for answer in [*changed, *repeated]} == {(503, True)}
    assert max(answer.elapsed.total_seconds() for answer in [*changed, *repeated, *seen]) < ENDS_WITHIN_S
