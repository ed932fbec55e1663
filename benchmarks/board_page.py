"""`board_page`: the 50 best of 10,000 ideas with 1 M votes, by 16 clients, against the same server's constant page.

Half of the voters are registered with a second name. Asked for are the first 20 pages of each order, as a crowd does; a
second line, without a goal, is about pages that begin anywhere and that nobody has asked for before.
"""

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import NamedTuple
from uuid import UUID

import msgspec

from benchmarks.events import get
from benchmarks.figures import Benchmark, Figure, Outcome
from benchmarks.http_client import Drive, Pool, body_of, by_turns, connect, shares
from benchmarks.library import LOG, NODES, append_in_batches, new_log, postgres, registration, settings_of
from benchmarks.page_server import PATH, serving
from benchmarks.system import run, scratch_folder
from libs.events.arbitration import sequence_text
from libs.events.catalog.ballots import Ballot, Eligibility
from libs.events.catalog.feedback import BoardOpened, IdeaSubmitted, VoteCast
from libs.events.catalog.fields import Data
from libs.events.catalog.registry import type_of
from libs.events.ids import new_id
from libs.events.log import Record
from libs.events.topics import FEEDBACK, IDENTITY
from libs.service.cursors import encode_rank
from services.feedback.ranking import wilson

CLIENTS = 16
LIMIT = 50
VOTES_AN_IDEA = 100
VOTERS = 20_000
ROUND_PAGES = 3_000
ROUNDS = 5
DEEP = 20  # pages behind each other that are asked for
SORTS = ("top", "hot", "new", "credits")
DATABASE = "feedback"
BOARD = str(UUID(int=1))


def board_page(size: int) -> Outcome:
    with postgres() as server, scratch_folder() as folder:
        server.ensure_databases([DATABASE])
        run(_fill(server.url(LOG), size))
        with serving(DATABASE, folder, settings_of(server, DATABASE)) as page_server:
            rounds = run(_rounds(page_server.port, page_server.pid))
    ranked, new, constant = (median(drive.rate for drive in each) for each in rounds.drives.values())
    figures = [
        Figure("board_page", ranked, "pages/s", constant, goal=0.3),
        Figure("board_page, each asked for the first time", new, "pages/s", constant),
    ]
    filled = f"{size:,} votes on {size // VOTES_AN_IDEA:,} ideas, pages of {rounds.length:,} bytes; "
    return Outcome(figures, [f"{filled}folded from the log in {page_server.folded_s:.0f} s", shares(rounds.drives)])


class Rounds(NamedTuple):
    """Ranked pages, those that are new, and constant ones; `length` is that of a page in the middle."""

    drives: Mapping[str, Sequence[Drive]]
    length: int


async def _fill(url: str, size: int) -> None:
    async with new_log(url) as log:
        people = {n: str(new_id()) for n in range(0, VOTERS, 2)}
        await append_in_batches(log, IDENTITY.name, (registration(_names(n), id_) for n, id_ in people.items()))
        await append_in_batches(log, FEEDBACK.name, _story(size, people))


def _names(voter: int) -> list[str]:
    return [f"crm:{voter}", f"email:{voter}@example.org"]


def _story(size: int, people: dict[int, str]) -> Iterator[Record]:
    """A board, its ideas, and each vote by another voter."""
    ballot, everyone = Ballot(kind="approval"), Eligibility(kind="everyone")
    opened = BoardOpened(board=BOARD, title="Board", ballot=ballot, eligibility=everyone)
    yield _decided(f"/feedback/boards/{BOARD}", 1, opened)
    ideas = [str(new_id()) for _ in range(size // VOTES_AN_IDEA)]
    for n, idea in enumerate(ideas):
        said = IdeaSubmitted(idea=idea, title=f"Idea {n} of what could be better", touchpoint="store", tags=["one"])
        yield _decided(f"/feedback/ideas/{idea}", 1, said, n % VOTERS)
    draw, sequences = random.Random(1), defaultdict[str, int](int)
    for idea in ideas:
        for voter in draw.sample(range(VOTERS), VOTES_AN_IDEA + draw.randrange(-50, 51)):
            person = people.get(voter) or NODES.key(f"crm:{voter}").decode()
            scope = f"/feedback/boards/{BOARD}/voters/{person}"
            sequences[scope] += 1
            yield _decided(scope, sequences[scope], VoteCast(idea=idea, stance="up"), voter)


def _decided(source: str, sequence: int, data: Data, about: int | None = None) -> Record:
    event = {"specversion": "1.0", "id": str(new_id()), "source": source, "type": type_of(data)}
    if about is not None:
        event |= {"subject": f"crm:{about}", "subjectnode": NODES.key(f"crm:{about}").decode()}
    return Record(BOARD.encode(), msgspec.json.encode(event | {"sequence": sequence_text(sequence), "data": data}))


async def _rounds(port: int, pid: int) -> Rounds:
    wires = await connect(port, CLIENTS)
    pool, draw = Pool(wires), random.Random(2)
    requests = await _requests(pool)
    length = int(median([len(body_of(await pool.ask(request))) for request in requests]))
    constant = [get(f"{PATH}?{length}")] * ROUND_PAGES

    def asked() -> Mapping[str, Sequence[bytes]]:
        ranked = draw.choices(requests, k=ROUND_PAGES)
        return {"ranked": ranked, "new": [_anywhere(draw) for _ in range(ROUND_PAGES)], "constant": constant}

    drives = await by_turns(wires, asked, rounds=ROUNDS, server_pid=pid)
    pool.close()
    return Rounds(drives, length)


async def _requests(pool: Pool) -> list[bytes]:
    """The first pages of every order."""
    requests = []
    for sort in SORTS:
        cursor = ""
        for _ in range(DEEP):
            requests.append(get(f"/v1/ideas?board={BOARD}&sort={sort}&limit={LIMIT}{cursor}"))
            page = msgspec.json.decode(body_of(await pool.ask(requests[-1])))
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
    return requests


def _anywhere(draw: random.Random) -> bytes:
    """A page from a place between ideas; about as many votes each as there are on average."""
    place = encode_rank(wilson(draw.randrange(VOTES_AN_IDEA // 2, VOTES_AN_IDEA * 3 // 2), 0), new_id())
    return get(f"/v1/ideas?board={BOARD}&sort=top&limit={LIMIT}&cursor={place}")


BENCHMARKS = {"board_page": Benchmark(board_page, 1_000_000, "votes")}
