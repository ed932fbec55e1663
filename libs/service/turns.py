"""Commands on one thing are carried out one at a time within a process, and nobody waits behind the unanswered."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from libs.events.log import LogError
from libs.service.errors import HttpRefusal, unavailable


class Turn:
    """Of one thing; `unanswered` counts those that the log left without an answer."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.unanswered = 0


class Turns:
    """By whatever names the things."""

    def __init__(self) -> None:
        self._turns: WeakValueDictionary[Hashable, Turn] = WeakValueDictionary()

    @asynccontextmanager
    async def take(self, thing: Hashable) -> AsyncIterator[None]:
        """Raises 503 where the log did not answer somebody who was before.

        Else each of those who wait would wait for the log anew, and the last one for as many times as there are.
        """
        turn = self._turns.setdefault(thing, Turn())
        unanswered = turn.unanswered
        async with turn.lock:
            if turn.unanswered > unanswered:
                raise unavailable("log_unavailable", "the log does not answer now; nothing was stored")
            try:
                yield
            except (HttpRefusal, LogError) as reason:
                turn.unanswered += not isinstance(reason, HttpRefusal) or reason.code == "outcome_unknown"
                raise
