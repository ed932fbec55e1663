"""`timeline_page`: the 50 newest entries of random contacts against the same server's constant page of equal size."""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks.events import customer, get
from benchmarks.figures import Benchmark, Figure, Outcome
from benchmarks.http_client import Drive, Pool, body_of, connect, drive, shares
from benchmarks.library import LOG, TIMELINE, fill, new_log, postgres
from benchmarks.page_server import PATH
from benchmarks.system import answers, environment, free_port, run, scratch_folder, stop

CLIENTS = 16
LIMIT = 50
ROUND_PAGES = 4_000
ROUNDS = 5
FOLD_TIMEOUT_S = 300
POLL_S = 0.1
SECRET = bytes(32).hex()


def timeline_page(size: int) -> Outcome:
    with postgres() as server, scratch_folder() as folder:
        run(_fill(server.url(LOG), size))
        settings = {
            "RAPPORT_LOG_URL": server.url(LOG),
            "DATABASE_URL": server.url(TIMELINE),
            "RAPPORT_IDENTITY_SECRET": SECRET,
        }
        with _page_server(folder, settings) as (port, pid):
            pages, constants, length = run(_rounds(port, pid, _contacts(size)))
    figure = Figure(
        "timeline_page", median(d.rate for d in pages), "pages/s", median(d.rate for d in constants), goal=0.3
    )
    size_note = f"{size:,} rows of {_contacts(size):,} contacts, pages of {length:,} bytes"
    return Outcome([figure], [size_note, shares({"pages": pages, "constant": constants})])


async def _fill(url: str, size: int) -> None:
    async with new_log(url) as log:
        await fill(log, size, _contacts(size))


@contextmanager
def _page_server(folder: Path, settings: dict[str, str]) -> Iterator[tuple[int, int]]:
    """Its port and process id, once it has folded everything."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.page_server"],
        env=environment(folder, settings | {"RAPPORT_PORT": str(port)}),
        stdin=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + FOLD_TIMEOUT_S
        while not answers(port, "/readyz"):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the page server did not become ready")
            time.sleep(POLL_S)
        yield port, process.pid
    finally:
        stop(process)


async def _rounds(port: int, pid: int, contacts: int) -> tuple[list[Drive], list[Drive], int]:
    """Pages, constants, and how many bytes a page has in the middle; a first round of each does not count."""
    wires = await connect(port, CLIENTS)
    draw = random.Random(1)
    requests = [_page(customer(draw.randrange(contacts))) for _ in range(ROUND_PAGES)]
    pool = Pool(wires)
    length = int(median([len(body_of(await pool.ask(request))) for request in requests[:200]]))
    constant = [get(f"{PATH}?{length}")] * ROUND_PAGES
    pages, constants = [], []
    for _ in range(ROUNDS + 1):
        constants.append(await drive(wires, constant, status=200, server_pid=pid))
        pages.append(await drive(wires, requests, status=200, server_pid=pid))
    pool.close()
    return pages[1:], constants[1:], length


def _contacts(size: int) -> int:
    """As many as have a page each: 20,000 of 1,000,000 rows."""
    return size // LIMIT


def _page(ref: str) -> bytes:
    return get(f"/v1/timeline/{ref}?limit={LIMIT}")


BENCHMARKS = {"timeline_page": Benchmark(timeline_page, 1_000_000, "rows")}
