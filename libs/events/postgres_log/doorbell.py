"""The doorbell: one connection that listens, and a flag for each reader of this process.

A notification is a hint. While the connection is down, waits simply end by their timeout, so readers look anyway;
when it is back every reader is rung once (listen first, then look). What this process has appended itself it need not
be told: its writer rings as soon as it has committed, and its own notifications are passed over.
"""

import asyncio
from weakref import WeakSet

from libs.events.adapting import Bell
from libs.events.postgres_log.connection import CONNECTION_ERRORS, connect
from libs.events.postgres_log.schema import CHANNEL

CONNECT_TIMEOUT_S = 5.0
RETRY_S = 0.5
ALIVE_CHECK_S = 10.0  # a connection that a firewall forgot says nothing: ask it now and then


class Doorbells:
    """All flags of this process, rung by one listening connection."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._bells: WeakSet[Bell] = WeakSet()
        self._wanted = asyncio.Event()
        self.own_pid: int | None = None
        """Of the connection through which this process appends."""

    def new(self) -> Bell:
        bell = Bell()
        self._bells.add(bell)
        self._wanted.set()
        return bell

    def ring(self) -> None:
        """Ring for every reader of this process."""
        for bell in self._bells:
            bell.ring()

    def _heard(self, _connection: object, pid: int, *_: object) -> None:
        if pid != self.own_pid:
            self.ring()

    async def run(self) -> None:
        """Listen from the first reader on, and listen again after a lost connection, until cancelled."""
        await self._wanted.wait()
        while True:
            try:
                await self._listen()
            except CONNECTION_ERRORS:
                await asyncio.sleep(RETRY_S)

    async def _listen(self) -> None:
        connection = await connect(self._url, timeout_s=CONNECT_TIMEOUT_S)
        try:
            await connection.add_listener(CHANNEL, self._heard)
            self.ring()
            gone = Bell()
            connection.add_termination_listener(lambda _: gone.ring())
            while not connection.is_closed():
                await gone.wait(ALIVE_CHECK_S)
                await connection.execute("SELECT 1", timeout=CONNECT_TIMEOUT_S)
        finally:
            connection.terminate()
