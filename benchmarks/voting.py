"""`vote`: 32 voters at once on one board, whose votes are decided, recorded, folded and counted before they answer.

Each request changes a vote, so each is a decision. It is held against `decide` of the same run: as many contacts whose
traits are changed, on the same machine, with every service folding.
"""

from collections.abc import Sequence
from statistics import median

import msgspec

from benchmarks.deciding import CALLERS, changes, registration, request
from benchmarks.figures import Benchmark, Figure, Outcome
from benchmarks.http_client import Drive, Pool, Wire, body_of, connect, drive, shares
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
    contacts = await connect(system.ports["contacts"], CALLERS)
    voters = await connect(system.ports["feedback"], CALLERS)
    pids = {service: system.pid(service) for service in ("contacts", "feedback")}
    await drive(contacts, [registration(str(n)) for n in range(CALLERS)], status=201, server_pid=pids["contacts"])
    ideas = await _ideas(voters[0])
    voted, decided = [], []
    for seed in range(ROUNDS + 1):
        votes = _votes(ideas, seed * size, size)
        voted.append(await drive(voters, votes, status=201, server_pid=pids["feedback"]))
        traits = changes("/v1/contacts/", seed, size)
        decided.append(await drive(contacts, traits, status=200, server_pid=pids["contacts"]))
    _close([*contacts, *voters])
    return voted[1:], decided[1:]


async def _ideas(wire: Wire) -> list[str]:
    pool = Pool([wire])
    board = await _made(pool, "/v1/boards", {"title": "Board", "ballot": {"kind": "up_down"}})
    idea = {"board": board, "contact": "crm:0", "touchpoint": "store"}
    return [await _made(pool, "/v1/ideas", idea | {"title": f"Idea {n}"}) for n in range(IDEAS)]


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


def _close(wires: Sequence[Wire]) -> None:
    for wire in wires:
        wire.close()


BENCHMARKS = {"vote": Benchmark(vote, 3_200, "votes a round")}
