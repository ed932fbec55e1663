"""The life of a service process: open the log, find the generation, fold, be ready, and say why when it is not.

    starting -> (rebuilding ->) ready          the world may take any of it away and give it back
    refused                                    the log or the tables are not what they must be: the process ends
    died                                       something unforeseen: the process ends, too, and may be started again

One task group holds every loop; a loop that dies ends the process, and whoever supervises it starts it again.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import StrEnum

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.events.background import running
from libs.events.clock import monotonic_s
from libs.events.copying import DATABASE_ERRORS
from libs.events.database import for_control, for_folds, for_reads
from libs.events.fold import Projection
from libs.events.generations import Generation, GenerationRefused, Generations
from libs.events.identifiers import Nodes
from libs.events.ids import new_id
from libs.events.leases import LeaseLost, Leases
from libs.events.log import EventLog, LogBroken, LogUnavailable
from libs.events.log_created import COUNTS, AdministeredLog, recognise
from libs.events.opening import open_log
from libs.events.position import BadToken, Partition, Positions, decode
from libs.events.progress import Progress
from libs.events.projector import GenerationGone, Projector
from libs.service.errors import HttpRefusal, unavailable
from libs.service.reacting import Reactor, react
from libs.service.settings import Settings

READ_CONNECTIONS = 4
ENDS_EVERY_S = 1.0
RETRY_S = 0.5
WAIT_S = 2.0  # how long a read waits for a position, unless `Prefer: wait=N` says otherwise
MAX_WAIT_S = 30.0
EXIT_REFUSED = 78  # EX_CONFIG of sysexits.h: starting again will not help

logger = structlog.get_logger()


class State(StrEnum):
    """Where a service process is in its life."""

    STARTING = "starting"
    REBUILDING = "rebuilding"
    READY = "ready"
    REFUSED = "refused"
    DIED = "died"


class Service:
    """What routes and operators ask of a running service."""

    def __init__(self, projection: Projection) -> None:
        self.name = projection.service
        self.projection = projection
        self.progress = Progress()
        self.state = State.STARTING
        self.reason = "not started yet"
        self.log_reason: str | None = "not opened yet"
        self.generation: Generation | None = None
        self.settings: Settings
        self.verbose = False
        self.end_process: Callable[[], None] = _terminate
        self.reactor: Reactor | None = None
        """Works while this service is ready."""
        self._log: EventLog | None = None
        self._nodes: Nodes | None = None
        self._reads: AsyncEngine | None = None

    @property
    def log(self) -> EventLog:
        """The log, once it is open and recognised. Raises 503."""
        if self._log is None:
            raise unavailable("starting", f"the log is not open yet: {self.reason}")
        return self._log

    @property
    def nodes(self) -> Nodes:
        if self._nodes is None:
            raise unavailable("starting", f"this service is starting: {self.reason}")
        return self._nodes

    @property
    def reads(self) -> AsyncEngine:
        """The tables of the live generation. Raises 503 until they have caught up."""
        if self.state is not State.READY or self._reads is None:
            code = "rebuilding" if self.state is State.REBUILDING else "starting"
            raise unavailable(code, self.reason)
        return self._reads

    async def reach(self, token: str, wait_s: float = WAIT_S) -> None:
        """Wait until this service has folded a position. Raises 400 for a bad token, 503 when it takes too long."""
        try:
            wanted = decode(token, self.log.log_id)
        except BadToken as reason:
            raise HttpRefusal(400, "bad_position", f"min_position: {reason}") from None
        if not await self.progress.wait_for(wanted, min(wait_s, MAX_WAIT_S)):
            reached = self.progress.token
            raise unavailable("position_not_reached", "not folded that far within the time", reached=reached)

    @asynccontextmanager
    async def running(self, settings: Settings) -> AsyncIterator[None]:
        """Live while the block runs. A loop that dies ends the process, by `end_process`."""
        self.settings = settings
        self.verbose = settings.log_level == "debug"
        life = asyncio.create_task(self._live())
        life.add_done_callback(self._died)
        try:
            yield
        finally:
            life.remove_done_callback(self._died)
            life.cancel()
            await asyncio.wait([life])

    def _died(self, life: asyncio.Task[None]) -> None:
        reason = life.exception()
        self.reason = str(reason)
        match reason:
            case LogBroken() | GenerationRefused() | LeaseLost() | ValueError():
                self.state = State.REFUSED
                logger.error("refuses_to_run", reason=str(reason))
            case _:
                self.state = State.DIED
                logger.error("died", reason=type(reason).__name__, exc_info=reason)
        self.end_process()

    async def _live(self) -> None:
        self._nodes = Nodes(self.settings.secret())
        place = self.settings.log_place()
        if self.settings.database_url is None:
            raise ValueError("DATABASE_URL must be set")
        while True:
            try:
                async with open_log(place) as log:
                    await self._with_log(log, self._nodes)
            except LogUnavailable as reason:
                self._log, self.log_reason = None, str(reason)
                self._wait_for(str(reason))
                await asyncio.sleep(RETRY_S)

    async def _with_log(self, log: AdministeredLog, nodes: Nodes) -> None:
        await recognise(log, nodes.check_value())
        self._log, self.log_reason = log, None
        if self.settings.fold_paused:
            self.state, self.reason = State.STARTING, "folding is paused (RAPPORT_FOLD_PAUSED)"
            await asyncio.Event().wait()
        assert self.settings.database_url is not None  # noqa: S101  checked before the log was opened
        url = self.settings.database_url.get_secret_value()
        control = for_control(url)
        try:
            while True:
                await self._with_generation(log, url, control)
        finally:
            await control.dispose()

    async def _with_generation(self, log: EventLog, url: str, control: AsyncEngine) -> None:
        partitions = [Partition(name, n) for name in self.projection.topics for n in range(COUNTS[name])]
        generations = Generations(control, self.projection)
        try:
            self.generation = generation = await generations.find_or_make(log.log_id, partitions)
        except DATABASE_ERRORS as reason:
            self._wait_for(f"the database cannot be reached ({type(reason).__name__})")
            await asyncio.sleep(RETRY_S)
            return
        folds = for_folds(url, generation.schema)
        self._reads = for_reads(url, generation.schema, READ_CONNECTIONS)
        leases = Leases(control, generation.schema, self.settings.instance, new_id())
        projector = Projector(
            self.projection, log, folds, leases, self.progress, partitions=partitions, limited=self._is_live,
            heard=None if self.reactor is None else self.reactor.heard,
        )  # fmt: skip
        self.progress.reset()
        self.state, self.reason = State.REBUILDING, "folding the log up to its end"
        try:
            async with running(self._watch(log), self._become_ready(log, generations, generation)):
                await projector.run()
        except GenerationGone:
            self.state, self.reason = State.REBUILDING, "the tables are being folded again from the log"
            logger.warning("generation_gone", schema=generation.schema)
        finally:
            await folds.dispose()
            await self._reads.dispose()

    async def _watch(self, log: EventLog) -> None:
        """Keep the log's ends in sight, for lag. Raises LogBroken when partitions come or go."""
        expected = sum(COUNTS[topic] for topic in self.projection.topics)
        while True:
            try:
                ends = await log.ends(self.projection.topics)
            except LogUnavailable as reason:
                self._hear_of_log(str(reason))
            else:
                self._hear_of_log(log.trouble)
                if len(ends) != expected:
                    raise LogBroken(f"log replaced: {len(ends)} partitions where {expected} were made")
                self.progress.saw_ends(ends)
                await log.advise(self.name, self.progress.reached)
            await asyncio.sleep(ENDS_EVERY_S)

    def _hear_of_log(self, reason: str | None) -> None:
        """Why it cannot be read or written; None where it can."""
        if reason is not None and self.log_reason is None:
            logger.warning("log_away", reason=reason)
        elif reason is None and self.log_reason is not None:
            logger.info("log_back")
        self.log_reason = reason

    async def _become_ready(self, log: EventLog, generations: Generations, generation: Generation) -> None:
        """Serve once what the log held at the start is folded."""
        began_s = monotonic_s()
        ends = await self._ends(log)
        while not await self.progress.wait_for(self._unstopped(ends), ENDS_EVERY_S / 4):
            self.reason = f"folding the log up to its end: {self.progress.lag} records to go"
        while not generation.is_live:
            try:
                self.generation = generation = await generations.go_live(generation)
            except DATABASE_ERRORS:
                await asyncio.sleep(RETRY_S)
        self.state, self.reason = State.READY, "ready"
        logger.info("ready", generation=generation.schema, version=generation.version, folded=self.progress.folded,
                    seconds=round(monotonic_s() - began_s, 2))  # fmt: skip
        if self.reactor is not None:
            await react(self.reactor)

    async def _ends(self, log: EventLog) -> Positions:
        while True:
            try:
                return await log.ends(self.projection.topics)
            except LogUnavailable:
                await asyncio.sleep(RETRY_S)

    def _unstopped(self, ends: Positions) -> Positions:
        """A partition that the breaker stopped is not waited for: the others serve, and readiness tells of it."""
        return {partition: end for partition, end in ends.items() if partition not in self.progress.stopped}

    def _is_live(self) -> bool:
        return self.generation is not None and self.generation.is_live

    def _wait_for(self, reason: str) -> None:
        if self.reason != reason:
            logger.warning("waiting", reason=reason)
        self.state, self.reason = State.STARTING, reason


def _terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
