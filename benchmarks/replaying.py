"""`replay`, `replay_parallel` and `growth`: the timeline folded from offset 0 by the projector itself."""

import asyncio
import io
import multiprocessing
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.figures import Benchmark, Figure, Outcome
from benchmarks.library import (
    LOG,
    PARTITIONS,
    TIMELINE,
    connected,
    empty_generation,
    ends,
    fill,
    new_log,
    postgres,
    replay,
    timed_replay,
)
from benchmarks.system import run
from libs.events.log import EventLog
from libs.events.progress import Progress

if TYPE_CHECKING:
    from multiprocessing.synchronize import Barrier

ROUNDS = 3
PROCESSES = 2
START_TIMEOUT_S = 30
GROWTH_WINDOW = 200_000  # rows over which a rate is taken
SAMPLE_S = 0.02


@dataclass(slots=True)
class Rounds:
    """Seconds of each replay, of Python's computing in it, and of each COPY."""

    replayed_s: list[float] = field(default_factory=list)
    copied_s: list[float] = field(default_factory=list)
    python_s: list[float] = field(default_factory=list)

    def figure(self, name: str, size: int, goal: float) -> Figure:
        return Figure(name, size / median(self.replayed_s), "events/s", size / median(self.copied_s), goal)


def one_process(size: int) -> Outcome:
    with postgres() as server:
        rounds = run(_one_process(server.url(LOG), server.url(TIMELINE), size))
    total_us, python_us = (median(seconds) / size * 1e6 for seconds in (rounds.replayed_s, rounds.python_s))
    copied_us = median(rounds.copied_s) / size * 1e6
    note = (
        f"{total_us:.1f} us an event: the replaying process computes for {python_us:.1f} of them, "
        f"beside PostgreSQL or waiting for it; a bare row takes PostgreSQL {copied_us:.1f}"
    )
    return Outcome([rounds.figure("replay", size, 0.22)], [note])


def two_processes(size: int) -> Outcome:
    with postgres() as server:
        rounds = run(_two_processes(server.url(LOG), server.url(TIMELINE), size))
    note = f"{PROCESSES} processes of {len(PARTITIONS) // PROCESSES} partitions each, and PostgreSQL, on the same cores"
    return Outcome([rounds.figure("replay_parallel", size, 0.36)], [note])


def growth(size: int) -> Outcome:
    with postgres() as server:
        first, last = run(_growth(server.url(LOG), server.url(TIMELINE), size))
    notes = [
        f"at {size:,} rows, over the last {_window(size):,}; the limit is the rate over as many at the beginning",
        "the goal is set for 3,000,000 rows: `python -m benchmarks growth --size 3000000`",
    ]
    return Outcome([Figure("growth", last, "events/s", first, 0.75)], notes)


async def _one_process(log_url: str, url: str, size: int) -> Rounds:
    rounds = Rounds()
    async with new_log(log_url) as log:
        await fill(log, size)
        until = await ends(log)
        for _ in range(ROUNDS):
            async with empty_generation(url, log) as schema:
                took_s, python_s = await timed_replay(url, schema, log, until)
                rounds.replayed_s.append(took_s)
                rounds.python_s.append(python_s)
                rounds.copied_s.append(await _raw_copy(url, schema, size))
    return rounds


async def _two_processes(log_url: str, url: str, size: int) -> Rounds:
    rounds = Rounds()
    async with new_log(log_url) as log:
        await fill(log, size)
        for _ in range(ROUNDS):
            async with empty_generation(url, log) as schema:
                rounds.replayed_s.append(await asyncio.to_thread(_side_by_side, log_url, url, schema))
                rounds.copied_s.append(await _raw_copy(url, schema, size))
    return rounds


def _side_by_side(log_url: str, url: str, schema: str) -> float:
    """From the moment that all processes are ready to the moment that the last has folded its share."""
    context = multiprocessing.get_context("spawn")
    line = context.Barrier(PROCESSES + 1)
    shares = [(log_url, url, schema, number, line) for number in range(PROCESSES)]
    processes = [context.Process(target=_share, args=share, daemon=True) for share in shares]
    for process in processes:
        process.start()
    line.wait(START_TIMEOUT_S)
    began_s = perf_counter()
    for process in processes:
        process.join()
    took_s = perf_counter() - began_s
    if any(process.exitcode for process in processes):
        raise RuntimeError("a replaying process failed")
    return took_s


def _share(log_url: str, url: str, schema: str, number: int, line: "Barrier") -> None:
    run(_fold_share(log_url, url, schema, number, line))


async def _fold_share(log_url: str, url: str, schema: str, number: int, line: "Barrier") -> None:
    mine = PARTITIONS[number::PROCESSES]
    async with new_log(log_url) as log:
        until = await ends(log)
        line.wait(START_TIMEOUT_S)
        await replay(url, schema, log, {p: until[p] for p in mine}, partitions=mine, instance=f"bench-{number}")


async def _raw_copy(url: str, schema: str, size: int) -> float:
    """The same rows as ready text, in one COPY, into a table without keys."""
    async with connected(url) as connection:
        rows = io.BytesIO()
        await connection.copy_from_table("entries", schema_name=schema, output=rows)
        await connection.execute(f"CREATE TABLE public.bare (LIKE {schema}.entries)")
        rows.seek(0)
        began_s = perf_counter()
        done = await connection.copy_to_table("bare", schema_name="public", source=rows)
        took_s = perf_counter() - began_s
        await connection.execute("DROP TABLE public.bare")
    assert done == f"COPY {size}", done
    return took_s


async def _growth(log_url: str, url: str, size: int) -> tuple[float, float]:
    """The rates over the first and over the last rows."""
    progress, samples = Progress(), [(0, perf_counter())]
    async with new_log(log_url) as log:
        await fill(log, size)
        async with empty_generation(url, log) as schema:
            folding = asyncio.create_task(_timed_replay(url, schema, log, progress))
            while not (await asyncio.wait([folding], timeout=SAMPLE_S))[0]:
                if progress.folded != samples[-1][0]:
                    samples.append((progress.folded, perf_counter()))
            samples.append((progress.folded, await folding))
    return _rate(samples, 0, _window(size)), _rate(samples, size - _window(size), size)


def _window(size: int) -> int:
    return min(GROWTH_WINDOW, size // 4)


async def _timed_replay(url: str, schema: str, log: EventLog, progress: Progress) -> float:
    await replay(url, schema, log, await ends(log), progress=progress)
    return perf_counter()


def _rate(samples: list[tuple[int, float]], first: int, last: int) -> float:
    (rows, began_s), (more_rows, ended_s) = (next(s for s in samples if s[0] >= wanted) for wanted in (first, last))
    return (more_rows - rows) / (ended_s - began_s)


BENCHMARKS = {
    "replay": Benchmark(one_process, 200_000, "events"),
    "replay_parallel": Benchmark(two_processes, 200_000, "events"),
    "growth": Benchmark(growth, 1_000_000, "events"),
}
