"""F12: the network between services and the broker holds, loses, delays what passes, or cuts connections."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from libs.events.clock import monotonic_s
from tests.faults.deadlines import pause, until
from tests.faults.logs import live_on
from tests.faults.proxy import Proxy
from tests.faults.running import CLEAR, code_of, loaded, probe, resumes, under_load
from tests.integration.conftest import System

LASTS_S = 6  # longer than any call
RESUMES_WITHIN_S = 15.0
DELAY_S = 0.2
RESETS = 20
BETWEEN_RESETS = 30  # acknowledged writes
FOLDS_WITHIN_S = 5.0

on_proxied = live_on("proxied")


@pytest.mark.faults("F12", fault="network: blackhole, lost acknowledgements", times=1)
@pytest.mark.asyncio
@on_proxied
@pytest.mark.parametrize("fault", [Proxy.lost_answers, pytest.param(Proxy.blackhole, marks=pytest.mark.slow)])
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
@pytest.mark.slow
@pytest.mark.asyncio
@on_proxied
async def test_connections_that_are_reset_lose_nothing(live: System, proxy: Proxy) -> None:
    async with loaded(live, seed=122) as history:
        for _ in range(RESETS):
            await under_load(history, BETWEEN_RESETS)
            proxy.reset()
            await until(lambda: probe(live), FOLDS_WITHIN_S, "what is written is on its timeline")
