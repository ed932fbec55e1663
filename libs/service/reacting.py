"""Reactors turn folded facts into new events (DESIGN.md section 5).

What a reactor has to do is a function of what is folded, so a crash loses nothing: it looks at everything when it
begins, and then at what each batch touched. It runs for the live generation alone, once that has reached the end that
the log had at the start; what history asked for has its answer in history.
"""

import asyncio
from typing import Protocol

import structlog

from libs.events.copying import DATABASE_ERRORS
from libs.events.log import LogError
from libs.events.writing import Changes
from libs.service.errors import HttpRefusal

RETRY_FIRST_S, RETRY_MOST_S = 0.1, 5.0

logger = structlog.get_logger()


class Reactor(Protocol):
    """What a service does by itself."""

    def heard(self, changes: Changes) -> None:
        """What a batch wrote, before anybody hears that it was folded. Must not block."""

    def begin(self) -> None:
        """Nothing is known of what was done before: everything is to be looked at."""

    async def step(self) -> None:
        """Wait until there is something to do, and do some of it. Raises errors of the world, and is called again.

        What was not done then is still to be done.
        """


async def react(reactor: Reactor) -> None:
    """For ever. What the log did not answer may have been recorded: saying it again, under the same id, is safe."""
    reactor.begin()
    pause_s = RETRY_FIRST_S
    while True:
        try:
            await reactor.step()
            pause_s = RETRY_FIRST_S
        except (*DATABASE_ERRORS, LogError, HttpRefusal) as reason:
            logger.warning("reactor_waits", reason=type(reason).__name__, retry_s=pause_s)
            await asyncio.sleep(pause_s)
            pause_s = min(RETRY_MOST_S, pause_s * 2)
