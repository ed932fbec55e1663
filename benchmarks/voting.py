"""`vote`: 32 voters at once on one board, whose votes are decided, recorded, folded and counted before they answer.

Each request changes a vote, so each is a decision. It is held against `decide` of the same run: as many contacts whose
traits are changed, on the same machine, with every service folding.
"""

from collections.abc import Sequence
from statistics import median

import msgspec

from benchmarks.deciding import CALLERS, changes, registration, request
from benchmarks.figures import Benchmark, Figure, Outcome
from benchmarks.http_client import Drive, Pool, body_of, connect, drive, shares
from benchmarks.system import RAPPORT_UP, System, run, running, scratch_folder

ROUNDS = 5
IDEAS = 10
STANCES = ("up", "down")


def vote(size: int) -> Outcome:
    with scratch_folder() as folder, running(folder, RAPPORT_UP) as system:
        system.wait_until_ready()
        voted, decided = run(_voting(system, size))
    rates = [median(each.rate for each in drives) for drives in (voted, decided)]
    figure = Figure("vote, 32 voters on one board", rates[0], "decisions/s", rates[1], goal=0.8)
    return Outcome([figure], [shares({"voting": voted, "deciding": decided}), "the limit is `decide`'s rate"])


async def _voting(system: System, size: int) -> tuple[list[Drive], list[Drive]]:
    """By turns, after a first round of each that does not count."""
    registrations = [registration(str(n)) for n in range(CALLERS)]
    await _driven(system, "contacts", registrations, 201)
    ideas = await _ideas(system.ports["feedback"])
    voted, decided = [], []
    for seed in range(ROUNDS + 1):
        voted.append(await _driven(system, "feedback", _votes(ideas, seed * size, size), 201))
        decided.append(await _driven(system, "contacts", changes("/v1/contacts/", seed, size), 200))
    return voted[1:], decided[1:]


async def _driven(system: System, service: str, requests: Sequence[bytes], status: int) -> Drive:
    """On connections of its own: a server closes those that are idle while the other one has its turn."""
    wires = await connect(system.ports[service], CALLERS)
    try:
        return await drive(wires, requests, status=status, server_pid=system.pid(service))
    finally:
        for wire in wires:
            wire.close()


async def _ideas(port: int) -> list[str]:
    pool = Pool(await connect(port, 1))
    board = await _made(pool, "/v1/boards", {"title": "Board", "ballot": {"kind": "up_down"}})
    idea = {"board": board, "contact": "crm:0", "touchpoint": "store"}
    ideas = [await _made(pool, "/v1/ideas", idea | {"title": f"Idea {n}"}) for n in range(IDEAS)]
    pool.close()
    return ideas


async def _made(pool: Pool, path: str, body: object) -> str:
    answer = await pool.ask(request("POST", path, body))
    made: str = msgspec.json.decode(body_of(answer))["id"]
    return made


def _votes(ideas: Sequence[str], first: int, count: int) -> list[bytes]:
    """Each voter in turn; each goes through the ideas, and then through them again with the other stance."""
    found = []
    for n in range(first, first + count):
        turn, voter = divmod(n, CALLERS)
        stance = STANCES[turn // IDEAS % 2]
        body = {"idea": ideas[turn % IDEAS], "voter": f"crm:{voter}", "stance": stance}
        found.append(request("POST", "/v1/votes", body))
    return found


BENCHMARKS = {"vote": Benchmark(vote, 3_200, "votes a round")}
