"""`score_page`: 50 people of a class of RFM, of 20,000 who buy, by 16 clients, against the same server's constant page.

Half of the people are registered with a second name. Statistics were published and all classes announced. Asked for are
the first 8 pages of every class, as a marketing department does; a second line, without a goal, is about pages that
begin anywhere and that nobody has asked for before. What does not fade is kept until more is folded.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from benchmarks.deciding import request
from benchmarks.events import customer, get
from benchmarks.figures import Benchmark, Figure, Outcome
from benchmarks.http_client import BadAnswer, Drive, Pool, body_of, by_turns, connect, shares, status_of
from benchmarks.library import LOG, append_in_batches, fill, new_log, postgres, registration, settings_of
from benchmarks.page_server import PATH, serving
from benchmarks.system import run, scratch_folder
from libs.events.topics import IDENTITY
from libs.service.cursors import encode_id
from services.scoring.definitions.rfm import DEFINITION

CLIENTS = 16
LIMIT = 50
EVENTS_A_PERSON = 5
ROUND_PAGES, NEW_PAGES = 3_000, 300
ROUNDS = 5
DEEP = 8  # pages behind each other that are asked for: with ten classes as many as `board_page` asks for
DATABASE = "scoring"
ANNOUNCED_WITHIN_S = 300
ASK_AGAIN_S = 0.2
ALL = f"/v1/scores?definition={DEFINITION.id}"
LIST, ALL_LIMIT = f"{ALL}&limit={LIMIT}", 500
BESIDE_BITS = 32  # an id has 122 that tell people apart

Place = tuple[str, int]


def score_page(size: int) -> Outcome:
    with postgres() as server, scratch_folder() as folder:
        server.ensure_databases([DATABASE])
        run(_fill(server.url(LOG), size))
        with serving(DATABASE, folder, settings_of(server, DATABASE)) as page_server:
            rounds = run(_rounds(page_server.port, page_server.pid))
    classed, new, constant = (median(drive.rate for drive in each) for each in rounds.drives.values())
    figures = [
        Figure("score_page", classed, "pages/s", constant, goal=0.3),
        Figure("score_page, each asked for the first time", new, "pages/s", constant),
    ]
    filled = f"{size:,} people with {EVENTS_A_PERSON * size:,} purchases, pages of {rounds.length:,} bytes; "
    took = f"folded from the log in {page_server.folded_s:.0f} s, everybody announced in {rounds.announced_s:.0f} s"
    return Outcome(figures, [filled + took, shares(rounds.drives)])


class Rounds(NamedTuple):
    """Pages of classes, those that are new, and constant ones; `length` is that of a page in the middle."""

    drives: Mapping[str, Sequence[Drive]]
    length: int
    announced_s: float


async def _fill(url: str, size: int) -> None:
    async with new_log(url) as log:
        people = (registration([customer(n), f"email:{n}@example.org"]) for n in range(0, size, 2))
        await append_in_batches(log, IDENTITY.name, people)
        await fill(log, size * EVENTS_A_PERSON, size)


async def _rounds(port: int, pid: int) -> Rounds:
    announced_s, draw = await publish(port), random.Random(2)
    wires = await connect(port, CLIENTS)
    pool = Pool(wires)
    requests, places = await _requests(pool), await _places(pool)
    length = int(median([len(body_of(await pool.ask(each))) for each in requests]))
    constant = [get(f"{PATH}?{length}")] * ROUND_PAGES

    def asked() -> Mapping[str, Sequence[bytes]]:
        classed = draw.choices(requests, k=ROUND_PAGES)
        return {"of a class": classed, "new": [_anywhere(draw, places) for _ in range(NEW_PAGES)], "constant": constant}

    drives = await by_turns(wires, asked, rounds=ROUNDS, server_pid=pid)
    pool.close()
    return Rounds(drives, length, announced_s)


async def publish(port: int) -> float:
    """Publish statistics; seconds until all classes are announced that follow from them. Raises BadAnswer."""
    scoring, began_s = Pool(await connect(port, 1)), perf_counter()
    answer = await scoring.ask(request("POST", "/v1/statistics", {}))
    if status_of(answer) != 201:
        raise BadAnswer(answer[:2_000].decode(errors="replace"))
    while not (await _page(scoring, LIST)).is_complete:
        if perf_counter() - began_s > ANNOUNCED_WITHIN_S:
            raise BadAnswer("not everybody was announced in time")
        await asyncio.sleep(ASK_AGAIN_S)
    scoring.close()
    return perf_counter() - began_s


async def _requests(pool: Pool) -> list[bytes]:
    """The first pages of every class."""
    requests = []
    for band in DEFINITION.bands:
        path: str | None = f"{LIST}&band={band}"
        for _ in range(DEEP):
            if path is not None:
                requests.append(get(path))
                path = (await _page(pool, path)).next_path
    return requests


class _Page(NamedTuple):
    people: list[dict[str, Any]]
    is_complete: bool
    next_path: str | None


async def _page(pool: Pool, path: str) -> _Page:
    page = msgspec.json.decode(body_of(await pool.ask(get(path))))
    base, cursor = path.partition("&cursor=")[0], page["next_cursor"]
    return _Page(page["items"], page["complete"], cursor and f"{base}&cursor={cursor}")


async def _places(pool: Pool) -> list[Place]:
    """Band and id of whoever has a whole page of their class behind them."""
    ids: dict[str, list[int]] = {}
    path: str | None = f"{ALL}&limit={ALL_LIMIT}"
    while path is not None:
        people, _, path = await _page(pool, path)
        for person in people:
            ids.setdefault(person["band"], []).append(UUID(person["contact"]).int)
    return [(band, id_) for band, mine in ids.items() for id_ in mine[:-LIMIT]]


def _anywhere(draw: random.Random, places: Sequence[Place]) -> bytes:
    """A page from a place beside somebody's."""
    band, id_ = draw.choice(places)
    return get(f"{LIST}&band={band}&cursor={encode_id(UUID(int=id_ ^ draw.getrandbits(BESIDE_BITS)))}")


BENCHMARKS = {"score_page": Benchmark(score_page, 20_000, "people")}
