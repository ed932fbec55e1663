"""`timeline_page`: the 50 newest entries of random contacts against the same server's constant page of equal size.

Half of the names are people of one name; the others are registered in fives, so those people have five times as many
entries, among which a page takes the newest.
"""

import random
from collections.abc import Mapping, Sequence
from statistics import median
from typing import NamedTuple

from benchmarks.events import customer, get
from benchmarks.figures import Benchmark, Figure, Outcome
from benchmarks.http_client import Drive, Pool, body_of, by_turns, connect, shares
from benchmarks.library import LOG, TIMELINE, fill, new_log, postgres, registration, settings_of
from benchmarks.page_server import PATH, serving
from benchmarks.system import run, scratch_folder
from libs.events.topics import IDENTITY

CLIENTS = 16
LIMIT = 50
TOGETHER = 5  # names of a person who has several
ROUND_PAGES = 4_000
ROUNDS = 5


def timeline_page(size: int) -> Outcome:
    with postgres() as server, scratch_folder() as folder:
        run(_fill(server.url(LOG), size))
        with serving(TIMELINE, folder, settings_of(server, TIMELINE)) as page_server:
            rounds = run(_rounds(page_server.port, page_server.pid, _names(size)))
    one, five, constant = (median(drive.rate for drive in each) for each in rounds.drives.values())
    figures = [
        Figure("timeline_page", one, "pages/s", constant, goal=0.3),
        Figure("timeline_page of a person of five names", five, "pages/s", one, goal=0.7),
    ]
    size_note = f"{size:,} rows of {_names(size):,} names, pages of {rounds.length:,} bytes"
    return Outcome(figures, [size_note, shares(rounds.drives)])


class Rounds(NamedTuple):
    """Pages of people of one name and of five, and constant ones; `length` is that of a page in the middle."""

    drives: Mapping[str, Sequence[Drive]]
    length: int


async def _fill(url: str, size: int) -> None:
    async with new_log(url) as log:
        await fill(log, size, _names(size))
        people = range(0, _names(size) // 2, TOGETHER)
        await log.append(
            IDENTITY.name, [registration([customer(first + n) for n in range(TOGETHER)]) for first in people]
        )


async def _rounds(port: int, pid: int, names: int) -> Rounds:
    wires = await connect(port, CLIENTS)
    draw = random.Random(1)
    five = [_page(customer(draw.randrange(names // 2))) for _ in range(ROUND_PAGES)]
    one = [_page(customer(names // 2 + draw.randrange(names - names // 2))) for _ in range(ROUND_PAGES)]
    pool = Pool(wires)
    length = int(median([len(body_of(await pool.ask(request))) for request in one[:200]]))
    asked = {"one name": one, "five names": five, "constant": [get(f"{PATH}?{length}")] * ROUND_PAGES}
    drives = await by_turns(wires, lambda: asked, rounds=ROUNDS, server_pid=pid)
    pool.close()
    return Rounds(drives, length)


def _names(size: int) -> int:
    """As many as have a page each: 20,000 of 1,000,000 rows."""
    return size // LIMIT


def _page(ref: str) -> bytes:
    return get(f"/v1/timeline/{ref}?limit={LIMIT}")


BENCHMARKS = {"timeline_page": Benchmark(timeline_page, 1_000_000, "rows")}
