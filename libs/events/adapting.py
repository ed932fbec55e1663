"""What every log adapter has in common: a flag for each reader, and the name it is told."""

import asyncio
from uuid import UUID

from libs.events.log import LogBroken


class Bell:
    """One reader's flag. See `libs.events.log.Doorbell`."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()

    async def wait(self, timeout_s: float) -> None:
        """Return at the next ring, at once if it rang since the last wait, or after the timeout."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._rung.wait()
        except TimeoutError:
            return
        self._rung.clear()

    def close(self) -> None:
        self._rung.set()


class Named:
    """A log that knows who it is once `libs.events.log_created` has read it."""

    _log_id: UUID | None = None

    @property
    def log_id(self) -> UUID:
        if self._log_id is None:
            raise LogBroken("this log has no name yet: run `rapport topics ensure`")
        return self._log_id

    def identify(self, log_id: UUID) -> None:
        self._log_id = log_id
