"""Waiting for facts: the one place where a fault test looks again."""

import asyncio
import inspect
from collections.abc import Callable

from libs.events.clock import monotonic_s

LOOK_AGAIN_S = 0.02


async def until(fact: Callable[[], object], within_s: float, what: str) -> None:
    """Returns as soon as the fact, which may be awaitable, is true. Fails with `what` when the time is over."""
    deadline_s = monotonic_s() + within_s
    while True:
        found = fact()
        if inspect.isawaitable(found):
            found = await found
        if found:
            return
        if monotonic_s() > deadline_s:
            raise AssertionError(f"not within {within_s} s: {what}")
        await turn()


async def turn() -> None:
    """Let others run for a moment."""
    await pause(LOOK_AGAIN_S)


async def pause(seconds: float) -> None:
    """For faults that last, and what is slow on purpose; a test waits for facts."""
    await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=seconds)
