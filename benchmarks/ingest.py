"""`ingest_single` and `ingest_batch`: durable POSTs against the same server's check that stores nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.events import BATCH, STRUCTURED, Events, batch, post
from benchmarks.figures import Benchmark, Figure, Outcome
from benchmarks.http_client import Drive, Wire, connect, drive, shares
from benchmarks.system import System, run, running, scratch_folder

CONNECTIONS = 32
PATH, DRY_PATH = "/v1/events", "/v1/events?dry_run=true"
BATCH_EVENTS = 100
ROUNDS = 7
PAUSED = {"RAPPORT_FOLD_PAUSED": "1"}


@dataclass(frozen=True, slots=True)
class Load:
    """`events` a round, `together` in one POST."""

    events: int
    together: int

    def requests(self, path: str, seed: int) -> list[bytes]:
        """New events every time: nothing is ever sent twice."""
        events = Events(seed)
        if self.together == 1:
            return [post(path, STRUCTURED, event) for event in events.many(self.events)]
        bodies = (batch([events.one() for _ in range(self.together)]) for _ in range(self.events // self.together))
        return [post(path, BATCH, body) for body in bodies]

    async def send(self, wires: Sequence[Wire], pid: int, seed: int, *, dry: bool) -> Drive:
        requests = self.requests(DRY_PATH if dry else PATH, seed)
        return await drive(wires, requests, status=200 if dry else 202, server_pid=pid)


def single(size: int) -> Outcome:
    stored, checked = _paused(Load(size, 1))
    return Outcome(
        [_figure("ingest_single", stored, checked, 1, goal=0.7)], [shares({"storing": stored, "checking": checked})]
    )


def batches(size: int) -> Outcome:
    load = Load(size, BATCH_EVENTS)
    stored, checked = _paused(load)
    folding, also_checked = _folding(load)
    figures = [
        _figure("ingest_batch", stored, checked, BATCH_EVENTS, goal=0.45),
        _figure("ingest_batch, every service folding", folding, also_checked, BATCH_EVENTS, goal=None),
    ]
    return Outcome(
        figures,
        [
            shares({"storing": stored, "checking": checked}),
            f"every service folding: {shares({'storing': folding, 'checking': also_checked})}",
        ],
    )


def _paused(load: Load) -> tuple[list[Drive], list[Drive]]:
    with scratch_folder() as folder, running(folder, **PAUSED) as system:
        system.wait("interactions", "/v1/schemas")
        return run(_rounds(system, load, ROUNDS))


def _folding(load: Load) -> tuple[list[Drive], list[Drive]]:
    with scratch_folder() as folder, running(folder) as system:
        system.wait_until_ready()
        return run(_rounds(system, load, ROUNDS // 2))


async def _rounds(system: System, load: Load, count: int) -> tuple[list[Drive], list[Drive]]:
    """Checked and stored by turns, after a first round of each that does not count."""
    wires = await connect(system.ports["interactions"], CONNECTIONS)
    pid = system.pid("interactions")
    stored, checked = [], []
    for seed in range(count + 1):
        checked.append(await load.send(wires, pid, 2 * seed, dry=True))
        stored.append(await load.send(wires, pid, 2 * seed + 1, dry=False))
    for wire in wires:
        wire.close()
    return stored[1:], checked[1:]


def _figure(name: str, stored: list[Drive], checked: list[Drive], together: int, goal: float | None) -> Figure:
    value, limit = (median(drive.rate for drive in drives) * together for drives in (stored, checked))
    return Figure(name, value, "events/s", limit, goal)


BENCHMARKS = {
    "ingest_single": Benchmark(single, 30_000, "events a round"),
    "ingest_batch": Benchmark(batches, 150_000, "events a round"),
}
