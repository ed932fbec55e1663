"""How far this process has folded, and waiting until it has folded far enough."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple
from uuid import UUID

from libs.events.clock import monotonic_s
from libs.events.identity.judge import Ruling
from libs.events.position import Partition, Positions, covers, encode

REMEMBERED_OUTCOMES = 10_000  # of commands; whoever waits asks within seconds


class _Waits(NamedTuple):
    wanted: Mapping[Partition, int]
    hurries: bool


class Progress:
    """Fed by the projector after each commit, asked by every request."""

    def __init__(self) -> None:
        self.reached: Positions = {}
        self.ends: Positions = {}
        self.folded = 0
        self.duplicates = 0
        self.redelivered = 0
        self.quarantined = 0
        self.parked_keys = 0
        self.stopped: dict[Partition, str] = {}
        self._log_id: UUID | None = None
        self._token: str | None = None
        self._waiting: dict[asyncio.Future[None], _Waits] = {}
        self._wanted = asyncio.Event()
        self._told: dict[tuple[Partition, int], str | Ruling] = {}

    def start(self, log_id: UUID, reached: Mapping[Partition, int]) -> None:
        """Begin with what a generation had folded before."""
        self._log_id = log_id
        self.reached = {}
        self.advance(reached)

    def reset(self) -> None:
        """Nothing is known of another generation yet."""
        self._log_id = None
        self.reached = {}
        self.stopped = {}
        self._token = None

    def advance(
        self, positions: Mapping[Partition, int], told: Mapping[tuple[Partition, int], str | Ruling] | None = None
    ) -> None:
        """Folded and committed so far, and what became of own commands; wakes whoever waited for it."""
        self.reached |= positions
        self._token = None
        if told:
            self._told |= told
            for place in list(self._told)[:-REMEMBERED_OUTCOMES]:
                del self._told[place]
        for waiter, waits in list(self._waiting.items()):
            if self._has(waits.wanted):
                del self._waiting[waiter]
                if not waiter.done():
                    waiter.set_result(None)

    def saw_ends(self, ends: Mapping[Partition, int]) -> None:
        """The ends of the log as last seen, for lag."""
        self.ends |= ends

    @property
    def lag(self) -> int:
        """Records seen in the log and not folded yet."""
        return sum(max(0, self.ends.get(p, 0) - reached) for p, reached in self.reached.items())

    @property
    def token(self) -> str | None:
        """The position token of what is folded; None before anything is known."""
        if self._token is None and self._log_id is not None:
            self._token = encode(self._log_id, self.reached)
        return self._token

    def _has(self, wanted: Mapping[Partition, int]) -> bool:
        return self._log_id is not None and covers(self.reached, wanted)

    def told(self, partition: Partition, offset: int) -> str | Ruling | None:
        """What became of the command whose record this is; None where another process folded it, or long ago."""
        return self._told.get((partition, offset))

    async def until_wanted(self, deadline_s: float) -> None:
        """Return at the deadline, by the monotonic clock, or as soon as anybody in a hurry waits for a position."""
        if any(waits.hurries for waits in self._waiting.values()) or (left_s := deadline_s - monotonic_s()) <= 0:
            return
        self._wanted.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(left_s):
                await self._wanted.wait()

    def urgent(self) -> set[Partition]:
        """Where whoever is in a hurry waits for more."""
        reached = self.reached
        wanted = (place for waits in self._waiting.values() if waits.hurries for place in waits.wanted.items())
        return {partition for partition, offset in wanted if reached.get(partition, offset) < offset}

    async def wait_for(self, wanted: Mapping[Partition, int], timeout_s: float, *, hurries: bool = True) -> bool:
        """Whether the wanted positions were folded within the time; partitions that are not read here do not count.

        Whoever is in no hurry lets small transactions keep their pace.
        """
        if self._has(wanted):
            return True
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[waiter] = _Waits(wanted, hurries)
        if hurries:
            self._wanted.set()
        try:
            async with asyncio.timeout(timeout_s):
                await waiter
        except TimeoutError:
            return False
        finally:
            self._waiting.pop(waiter, None)
        return True
