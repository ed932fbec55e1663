"""`decide` and `register`: commands that are answered by the own fold's verdict, while every service folds."""

import json
from collections.abc import Sequence
from statistics import median
from time import perf_counter

from benchmarks.figures import Benchmark, Figure, Outcome, percentiles
from benchmarks.http_client import BadAnswer, Drive, Pool, Wire, connect, drive, shares, status_of
from benchmarks.system import System, run, running, scratch_folder

CALLERS = 32
ROUNDS = 5
ONE_BY_ONE = 400
CHECKED = "/v1/checked/"
CHECKING_SYSTEM = ("-m", "benchmarks.checking_system")


def decide(size: int) -> Outcome:
    with scratch_folder() as folder, running(folder, CHECKING_SYSTEM) as system:
        system.wait_until_ready()
        decided, checked, one_by_one_ms = run(_deciding(system, size))
    rates = [median(drive.rate for drive in drives) for drives in (decided, checked)]
    p50, p99 = percentiles(one_by_one_ms)
    figures = [
        Figure("decide, 32 contacts at once", rates[0], "decisions/s", rates[1], goal=0.25),
        Figure("decide, p50 one after another", p50, "ms", goal=6),
    ]
    note = f"one after another on one contact: p99 {p99:.1f} ms of {len(one_by_one_ms)}"
    return Outcome(figures, [shares({"deciding": decided, "checking": checked}), note])


def register(size: int) -> Outcome:
    with scratch_folder() as folder, running(folder, CHECKING_SYSTEM) as system:
        system.wait_until_ready()
        registered, decided = run(_registering(system, size))
    rates = [median(drive.rate for drive in drives) for drives in (registered, decided)]
    figure = Figure("register, 32 callers", rates[0], "registrations/s", rates[1], goal=0.8)
    return Outcome([figure], [shares({"registering": registered, "deciding": decided}), "the limit is `decide`'s rate"])


async def _deciding(system: System, size: int) -> tuple[list[Drive], list[Drive], list[float]]:
    """Decisions and checks by turns, after a first round of each that does not count; then one after another."""
    wires, pid = await _contacts(system)
    decided, checked = [], []
    for seed in range(ROUNDS + 1):
        checked.append(await drive(wires, changes(CHECKED, seed, size), status=200, server_pid=pid))
        decided.append(await drive(wires, changes("/v1/contacts/", seed, size), status=200, server_pid=pid))
    took_ms = await _one_after_another(wires[0])
    _close(wires)
    return decided[1:], checked[1:], took_ms


async def _registering(system: System, size: int) -> tuple[list[Drive], list[Drive]]:
    wires, pid = await _contacts(system)
    registered, decided = [], []
    for seed in range(ROUNDS + 1):
        requests = [registration(f"{seed}-{number}") for number in range(size)]
        registered.append(await drive(wires, requests, status=201, server_pid=pid))
        decided.append(await drive(wires, changes("/v1/contacts/", seed, size), status=200, server_pid=pid))
    _close(wires)
    return registered[1:], decided[1:]


async def _contacts(system: System) -> tuple[list[Wire], int]:
    """As many contacts as callers are registered; the callers' connections."""
    pid = system.pid("contacts")
    wires = await connect(system.ports["contacts"], CALLERS)
    await drive(wires, [registration(str(n)) for n in range(CALLERS)], status=201, server_pid=pid)
    return wires, pid


async def _one_after_another(wire: Wire) -> list[float]:
    pool = Pool([wire])
    took_ms = []
    for each in changes("/v1/contacts/", -1, ONE_BY_ONE, contacts=1):
        began_s = perf_counter()
        answer = await pool.ask(each)
        took_ms.append((perf_counter() - began_s) * 1e3)
        if status_of(answer) != 200:
            raise BadAnswer(answer[:2_000].decode(errors="replace"))
    return took_ms


def changes(path: str, seed: int, count: int, contacts: int = CALLERS) -> list[bytes]:
    """Changes that all change something, on each contact in turn."""
    return [
        request("PATCH", f"{path}crm:{n % contacts}", {"traits": {"note": f"{seed} {n}"}}, "if-match: *\r\n")
        for n in range(count)
    ]


def registration(name: str) -> bytes:
    body = {"identifiers": [f"crm:{name}", f"email:{name}@example.org"], "traits": {"name": f"Ada {name}"}}
    return request("POST", "/v1/contacts", body)


def request(method: str, path: str, body: object, headers: str = "") -> bytes:
    content = json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nhost: rapport\r\ncontent-type: application/json\r\n{headers}"
    return f"{head}content-length: {len(content)}\r\n\r\n".encode() + content


def _close(wires: Sequence[Wire]) -> None:
    for wire in wires:
        wire.close()


BENCHMARKS = {
    "decide": Benchmark(decide, 3_000, "decisions a round"),
    "register": Benchmark(register, 3_000, "registrations a round"),
}
