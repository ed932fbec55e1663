"""`footprint`: private memory of a system that has nothing to do, and how long a start takes."""

from pathlib import Path
from statistics import median
from time import perf_counter, sleep

from benchmarks.figures import Benchmark, Figure, Outcome
from benchmarks.system import SERVICES, System, running, scratch_folder

SETTLE_S = 3.0  # after the start, so that what only a start needs is given back


def footprint(size: int) -> Outcome:
    """Every start is one of a folder that does not exist yet, and one of what it left."""
    first_s, warm_s = [], []
    memory: dict[str, float] = {}
    for _ in range(size):
        with scratch_folder() as folder:
            home = folder / "data"
            home.mkdir()
            first_s.append(_start(home))
            warm_s.append(_start(home, memory))
    return Outcome(
        [
            *(Figure(f"footprint, {service}", memory[service], "MB", goal=40) for service in SERVICES),
            Figure("footprint, PostgreSQL", memory["PostgreSQL"], "MB", goal=60),
            Figure("footprint, all ready (warm)", median(warm_s), "s", goal=3),
            Figure("footprint, all ready (first time)", median(first_s), "s", goal=6),
            Figure("footprint, supervisor", memory["supervisor"], "MB"),
        ],
        ["private memory is what no other process shares (Private_*); PostgreSQL with all its processes"],
    )


def _start(home: Path, memory: dict[str, float] | None = None) -> float:
    began_s = perf_counter()
    with running(home) as system:
        system.wait_until_ready()
        took_s = perf_counter() - began_s
        if memory is not None:
            sleep(SETTLE_S)
            memory |= _memory(system)
    return took_s


def _memory(system: System) -> dict[str, float]:
    return {
        **{service: _private_mb(system.pid(service)) for service in SERVICES},
        "PostgreSQL": sum(map(_private_mb, system.postgres_pids())),
        "supervisor": _private_mb(system.process.pid),
    }


def _private_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1_000


BENCHMARKS = {"footprint": Benchmark(footprint, 3, "starts of each kind")}
