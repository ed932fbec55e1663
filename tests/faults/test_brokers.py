"""F04, F05, F11, F12: what befalls the broker, or the network before it, under load: services wait, nothing is lost.

All on one broker: it is restarted, killed and frozen, and the network holds, loses or delays what passes, or cuts
connections.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from functools import partial

import httpx
import pytest

from libs.embedded.kafka import EmbeddedKafka
from libs.events.clock import monotonic_s
from tests.faults.deadlines import pause, until
from tests.faults.logs import live_on
from tests.faults.proxy import Proxy
from tests.faults.running import (
    CLEAR,
    ENDS_WITHIN_S,
    code_of,
    is_ready,
    loaded,
    probe,
    resumes,
    under_load,
)
from tests.integration.conftest import System

RESUMES_WITHIN_S = 15.0  # the broker's own start is part of it
NOTICED_WITHIN_S = 6.0
SECONDS, LONG_S = 7, 30
CROWD = 8
LASTS_S = 6  # longer than any call
DELAY_S = 0.2
RESETS = 20
BETWEEN_RESETS = 30  # acknowledged writes
FOLDS_WITHIN_S = 5.0

on_breakable, on_proxied = live_on("breakable"), live_on("proxied")


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
@pytest.mark.slow
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
@pytest.mark.slow
@pytest.mark.parametrize("frozen_s", [SECONDS, LONG_S])
async def test_calls_end_in_time_while_the_broker_is_frozen(
    live: System, breakable: EmbeddedKafka, frozen_s: int
) -> None:
    async with loaded(live, seed=11) as history:
        breakable.freeze()
        frozen_at_s = monotonic_s()
        try:
            for url in live.urls.values():
                await until(partial(is_unready, url), NOTICED_WITHIN_S, "readiness tells")
            await pause(frozen_at_s + frozen_s - monotonic_s())
            assert {code_of(entry) for entry, _ in history.answers_since(frozen_at_s)} & CLEAR
        finally:
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


@pytest.mark.faults("F12", fault="network: blackhole, lost acknowledgements", times=1)
@pytest.mark.slow
@pytest.mark.asyncio
@on_proxied
@pytest.mark.parametrize("fault", [Proxy.lost_answers, Proxy.blackhole])
async def test_calls_end_in_time_while_no_answer_comes_and_nothing_counts_twice(
    live: System, proxy: Proxy, fault: Callable[[Proxy], AbstractContextManager[None]]
) -> None:
    async with loaded(live, seed=12) as history:
        began_s = monotonic_s()
        with fault(proxy):
            await pause(LASTS_S)
        assert {code_of(entry) for entry, _ in history.answers_since(began_s)} & CLEAR
        await resumes(live, RESUMES_WITHIN_S)


@pytest.mark.faults("F12", fault="network: delay")
@pytest.mark.slow
@pytest.mark.asyncio
@on_proxied
async def test_writes_are_acknowledged_over_a_slow_network(live: System, proxy: Proxy) -> None:
    async with loaded(live, seed=121) as history:
        began_s = monotonic_s()
        with proxy.delay(DELAY_S):
            await under_load(history)
        assert not {code_of(entry) for entry, _ in history.answers_since(began_s)} & CLEAR


@pytest.mark.faults("F12", fault="network: connections reset", times=RESETS)
@pytest.mark.asyncio
@on_proxied
@pytest.mark.slow
async def test_connections_that_are_reset_lose_nothing(live: System, proxy: Proxy) -> None:
    async with loaded(live, seed=122) as history:
        for _ in range(RESETS):
            await under_load(history, BETWEEN_RESETS)
            proxy.reset()
            await until(lambda: probe(live), FOLDS_WITHIN_S, "what is written is on its timeline")
