"""The first reactor: whoever belongs to another class than was announced last, is announced.

    folded: facts, members, statistics  ->  whose numbers may have changed  ->  assess  ->  class.changed  ->  folded

What is to be announced is a function of what is folded: the class that a person's figures and the last statistics come
to, where it differs from the last class that was announced. So it needs no memory: at the start everybody is looked at,
then whom a batch touched, and everybody again when statistics were published. Before anything else is announced, what
was announced last must be folded: else it would be said again.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID, uuid5

import structlog

from libs.events.catalog.scoring import Cause
from libs.events.clock import monotonic_s, now
from libs.events.decider import Refusal
from libs.events.failpoints import pass_by
from libs.events.log import Record
from libs.events.position import Positions
from libs.events.topics import SCORING
from libs.events.writing import Changes
from libs.service.commands import Asked, record_of
from libs.service.runtime import Service
from services.scoring.numbers.population import statistics_of
from services.scoring.numbers.standings import Statistics
from services.scoring.queries import statistics
from services.scoring.queries.people import assessed_after
from services.scoring.reacting.differing import RULE, Compared, announcements, compared
from services.scoring.reacting.publishing import SOURCE, Order, Publishing
from services.scoring.reacting.todo import ToDo
from services.scoring.tables import statistics as published

# Names: their announcements are folded at once, and whoever reads waits for that; everybody is looked at seldom.
TOUCHED_AT_ONCE, SWEPT_AT_ONCE = 25, 50
AT_A_STRETCH = 4  # people: some 1 ms of computing, after which requests get their turn
REST = 2  # times as long as the last people took, unless somebody waits: others want the same core
PACE_S = 0.1  # steps follow each other at this pace, unless somebody waits for them: many changes are one append
FOLDED_WITHIN_S = 10.0  # else it is told in the log, again and again
LOOK_AGAIN_S = 60.0  # at the clock, for statistics that are due

logger = structlog.get_logger()


class Announcing:
    """Announces classes, and publishes statistics when they are due."""

    def __init__(self, service: Service, publishing: Publishing) -> None:
        self._service = service
        self._publishing = publishing
        self.todo = ToDo()
        self._announced: Positions = {}
        self._statistics: Statistics | None = None
        self._due: tuple[datetime, timedelta] | None = None
        self._is_stale = True

    def begin(self) -> None:
        """See `Reactor.begin`."""
        self._is_stale = True
        self.todo.begin()

    def heard(self, changes: Changes) -> None:
        """See `Reactor.heard`."""
        self._is_stale |= bool(changes.appended.get(published))
        self.todo.hear(changes)

    async def step(self) -> None:
        """See `Reactor.step`."""
        await self._until_news()
        try:
            await self._do_some()
        except BaseException:
            # What was not done now is no news, and still to be done; what is due is known again once it is read.
            self._is_stale = True
            self.todo.news.set()
            raise

    async def _do_some(self) -> None:
        await self._refresh_statistics()
        await self._publish_if_due()
        heard_n = self.todo.heard_n
        await self._look_at_touched()
        if self.todo.sweep is not None:
            await self._sweep_on(self.todo.sweep)
        if self.todo.sweep is None:
            await self._until_folded()
            self.todo.done(heard_n)

    async def _until_news(self) -> None:
        """Or until statistics may be due. A step that nobody waits for keeps the pace."""
        if self.todo.sweep is not None:
            return
        due_s = LOOK_AGAIN_S if self._due is None else (self._due[0] - now()).total_seconds()
        with suppress(TimeoutError):
            async with asyncio.timeout(min(max(due_s, 0.0), LOOK_AGAIN_S)):
                await self.todo.news.wait()
                await self._until_asked(PACE_S)
        self.todo.news.clear()

    async def _until_asked(self, within_s: float) -> None:
        """Or until the time is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self.todo.asked.wait()

    async def _until_folded(self) -> None:
        """A partition that stands still because its events cannot be folded holds this up: nothing is said twice."""
        hurries = self.todo.asked.is_set() or self.todo.sweep is not None
        while not await self._service.progress.wait_for(self._announced, FOLDED_WITHIN_S, hurries=hurries):
            logger.warning("announcements_not_folded", waits_s=FOLDED_WITHIN_S)
        self._announced = {}

    async def _look_at_touched(self) -> None:
        touched, self.todo.touched = self.todo.touched, {}
        try:
            while touched:
                some = {node: touched[node] for node in list(touched)[:TOUCHED_AT_ONCE]}
                await self._look_at(some)
                for node in some:
                    del touched[node]
        finally:
            self.todo.put_back(touched)

    async def _sweep_on(self, at: UUID) -> None:
        """Look at the next names of everybody's, by the statistics that the sweep is for, or later ones."""
        sweeps_n, cause = self.todo.sweeps_n, self.todo.sweeps_for
        await self._refresh_statistics()
        async with self._service.reads.connect() as connection:
            names = await assessed_after(connection, at, SWEPT_AT_ONCE)
        if names:
            await self._look_at(dict.fromkeys(names, cause))
        self.todo.swept(sweeps_n, names[-1] if names else None)

    async def _look_at(self, names: Mapping[UUID, Cause | None]) -> None:
        """Announce what differs for whoever goes by these names, once what was announced last is folded."""
        await self._until_folded()
        began_s = monotonic_s()
        are_parked = self._service.progress.parked_keys > 0
        async with self._service.reads.connect() as connection:
            people = await compared(connection, names, are_parked=are_parked)
        if records := await self._records(people):
            self._announced = (await self._service.log.append(SCORING.name, records)).positions
            pass_by("reactor.after_append")
        await self._until_asked(REST * (monotonic_s() - began_s))

    async def _records(self, people: Sequence[Compared]) -> list[Record]:
        records: list[Record] = []
        for n, person in enumerate(people, 1):
            found = announcements(person, self._statistics, now())
            records += (record_of(draft, self._publishing.commands.request(draft.event["id"])) for draft in found)
            if n % AT_A_STRETCH == 0:
                await asyncio.sleep(0)
        return records

    async def _refresh_statistics(self) -> None:
        if not self._is_stale:
            return
        self._is_stale = False
        async with self._service.reads.connect() as connection:
            row = await statistics.latest(connection)
        self._statistics = statistics_of(row)
        self._due = None
        if row is not None and row.due_at is not None:
            self._due = row.due_at, row.due_at - row.occurred_at

    async def _publish_if_due(self) -> None:
        """Under an id that its place among all publications gives it: two processes publish once."""
        if self._due is None or self._statistics is None or (moment := now()) < self._due[0]:
            return
        command = uuid5(RULE, f"{SOURCE}\n{self._statistics.version + 1}")
        asked = Asked(command, self._publishing.commands.request(str(command)), may_repeat=True)
        interval, self._due = self._due[1], None
        try:
            await self._publishing.publish(Order(asked, moment, interval))
        except Refusal as reason:
            logger.warning("statistics_not_published", reason=reason.code)
