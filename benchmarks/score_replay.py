"""`score_replay`: scoring folded from offset 0 by one process, against the timeline's replay of the same log.

The events are those of `replay`: purchases whose cost is known, which change most of what scoring keeps. Each is a row
of facts and changes three figures, which are read and written again; of the timeline it is one row.
"""

from dataclasses import dataclass, field
from statistics import median

from benchmarks.figures import Benchmark, Figure, Outcome
from benchmarks.library import LOG, TIMELINE, empty_generation, ends, fill, new_log, postgres, timed_replay
from benchmarks.system import run
from libs.events.fold import Projection
from libs.events.log import EventLog
from libs.events.position import Positions
from services.scoring.projection import PROJECTION as SCORING
from services.timeline.projection import PROJECTION as ENTRIES

ROUNDS = 5
DATABASE = "scoring"


@dataclass(slots=True)
class Replays:
    """Seconds of each, and of Python's computing in it."""

    took_s: list[float] = field(default_factory=list)
    python_s: list[float] = field(default_factory=list)

    def rate(self, size: int) -> float:
        return size / median(self.took_s)

    def note(self, what: str, size: int) -> str:
        total_us, python_us = (median(seconds) / size * 1e6 for seconds in (self.took_s, self.python_s))
        return f"{what}: {total_us:.1f} us an event, of which the replaying process computes for {python_us:.1f}"


def score_replay(size: int) -> Outcome:
    with postgres() as server:
        server.ensure_databases([DATABASE])
        scored, entered = run(_rounds(server.url(LOG), server.url(DATABASE), server.url(TIMELINE), size))
    figure = Figure("score_replay", scored.rate(size), "events/s", entered.rate(size), goal=0.5)
    return Outcome([figure], ["; ".join((scored.note("scoring", size), entered.note("timeline", size)))])


async def _rounds(log_url: str, scoring_url: str, timeline_url: str, size: int) -> tuple[Replays, Replays]:
    """By turns."""
    scored, entered = Replays(), Replays()
    async with new_log(log_url) as log:
        await fill(log, size)
        until = await ends(log)
        for _ in range(ROUNDS):
            await _replay(scored, scoring_url, log, until, SCORING)
            await _replay(entered, timeline_url, log, until, ENTRIES)
    return scored, entered


async def _replay(replays: Replays, url: str, log: EventLog, until: Positions, projection: Projection) -> None:
    async with empty_generation(url, log, projection) as schema:
        took_s, python_s = await timed_replay(url, schema, log, until, projection)
    replays.took_s.append(took_s)
    replays.python_s.append(python_s)


BENCHMARKS = {"score_replay": Benchmark(score_replay, 100_000, "events")}
