"""Whose numbers may have changed since they were looked at last: a list kept in memory, since it can be had anew.

touched     whom a batch brought facts about, or joined to others, each with what did it
sweep       everybody, by name: at the start, after statistics were published, and where too many were touched
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from uuid import UUID

from libs.events.catalog.scoring import Cause
from libs.events.identity.tables import members
from libs.events.position import place_text
from libs.events.writing import Changes
from services.scoring.queries.people import BEFORE_ALL
from services.scoring.tables import NO_MEASURE, facts, statistics

MOST_TOUCHED = 50_000  # 20 MB; it is no more work to look at everybody

_MERGED, _RANKED = Cause(kind="identity"), Cause(kind="statistics")
_COLUMNS = ("node", "event_id", "source", "topic", "partition", "offset")
_MEASURE, *_PLACES = (list(facts.c.keys()).index(name) for name in ("measure", *_COLUMNS))


class ToDo:
    """Filled by the projector, emptied by the reactor."""

    def __init__(self) -> None:
        self.news = asyncio.Event()
        self.sweep: UUID | None = None
        """The name after which to go on; None where not everybody is to be looked at."""
        self.sweeps_for: Cause | None = None
        """None where it is not known what has changed."""
        self.sweeps_n = 0
        self.touched: dict[UUID, Cause] = {}
        self.asked = asyncio.Event()
        """Whether anybody waits for what is to be done."""
        self.heard_n = 0
        self.done_n = 0
        """Grows to `heard_n` as everybody of a batch was looked at."""
        self._settled = asyncio.Event()
        self._is_begun = False

    def begin(self) -> None:
        """Look at everybody: nothing is known of what was done before."""
        self._is_begun = True
        self.touched.clear()
        self._sweep(None)
        self._heard()

    def hear(self, changes: Changes) -> None:
        """What a batch wrote. Before the beginning it tells nothing that the beginning will not see."""
        if not self._is_begun:
            return
        moved = changes.kept.get(members, ())
        happened = [row for row in changes.appended.get(facts, ()) if row[_MEASURE] != NO_MEASURE]
        published = changes.appended.get(statistics, ())
        for member in moved:
            self.touched[member["node"]] = self.touched[member["component"]] = _MERGED
        for row in happened:
            node, cause = _caused(row)
            self.touched[node] = cause
        if len(self.touched) > MOST_TOUCHED:
            self.touched.clear()
            self._sweep(None)
        if published:
            self._sweep(_RANKED)
        if moved or happened or published:
            self._heard()

    def _sweep(self, cause: Cause | None) -> None:
        self.sweep, self.sweeps_for = BEFORE_ALL, cause
        self.sweeps_n += 1

    def _heard(self) -> None:
        self.heard_n += 1
        self.news.set()

    def swept(self, sweeps_n: int, last: UUID | None) -> None:
        """Everybody up to a name was looked at, or simply everybody; unless another sweep has begun meanwhile."""
        if self.sweeps_n == sweeps_n:
            self.sweep = last

    def put_back(self, touched: Mapping[UUID, Cause]) -> None:
        """They could not be looked at; what was heard of them since then counts."""
        self.touched = {**touched, **self.touched}

    def done(self, heard_n: int) -> None:
        """All that was heard until then was looked at."""
        self.done_n = max(self.done_n, heard_n)
        self.asked.clear()  # whoever still waits asks again
        self._settled.set()

    async def settled(self, timeout_s: float) -> bool:
        """Whether all that was heard until now is done within the time."""
        wanted = self.heard_n
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self.done_n < wanted:
                    self._settled.clear()
                    self.asked.set()
                    await self._settled.wait()
        return self.done_n >= wanted


def _caused(row: tuple[str | None, ...]) -> tuple[UUID, Cause]:
    node, event_id, source, topic, partition, offset = (row[place] or "" for place in _PLACES)
    position = place_text(int(topic), partition, offset)
    return UUID(node), Cause(kind="event", id=event_id, source=source, position=position)
