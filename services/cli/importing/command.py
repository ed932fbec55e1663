"""`rapport import FILE`: reads, posts, and says what became of every line."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx

from libs.events.clock import monotonic_s
from services.cli.errors import Failure
from services.cli.importing.mapping import Mapping, read_mapping
from services.cli.importing.posting import LANES, REQUEST_TIMEOUT_S, Answered, Poster, post_all
from services.cli.importing.rejects import Rejects
from services.cli.importing.rendering import mapped_rows
from services.cli.importing.rows import Row, Source, ndjson_rows, opened
from services.cli.progress import shown
from services.cli.system import find_system
from services.cli.tables import console, say

INTERRUPTED = 130  # what a shell calls a process that Ctrl-C ended


@dataclass(slots=True)
class Tally:
    read: int = 0
    accepted: int = 0
    interrupted: bool = False
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for."""

    file: Path
    mapping: Path | None
    url: str | None
    dry_run: bool
    batch_size: int
    rejects: Path | None
    give_up_after_s: float

    @property
    def rejects_path(self) -> Path:
        return self.rejects or self.file.with_name(f"{self.file.name}.rejected.ndjson")


def import_file(order: Order) -> int:
    """The exit code: 1 when anything was rejected or it gave up, 130 after Ctrl-C. Raises Failure."""
    began_s = monotonic_s()
    with ExitStack() as closing:
        source = opened(order.file, closing)
        rows = _rows(source, order)
        url = order.url or find_system().places["interactions"].url
        rejects = _rejects(order, closing)
        tally = asyncio.run(_import(order, url, source, rows, rejects))
    _summarise(order, tally, rejects, monotonic_s() - began_s)
    if tally.failure:
        raise Failure(
            f"{tally.failure}; {tally.accepted:,} of {tally.read:,} lines read had been accepted. "
            "Run the same command again: what is there already is not doubled"
        )
    return INTERRUPTED if tally.interrupted else 1 if rejects.count else 0


def _rows(source: Source, order: Order) -> Iterator[Row]:
    if order.mapping is None:
        if ".csv" in order.file.suffixes:
            raise Failure(f"{order.file}: a CSV file needs --mapping MAP.toml; examples/online-retail.toml is one")
        return ndjson_rows(source)
    mapping: Mapping = read_mapping(order.mapping)
    return mapped_rows(source, mapping, str(order.mapping))


def _rejects(order: Order, closing: ExitStack) -> Rejects:
    try:
        rejects = Rejects(order.rejects_path)
    except OSError as reason:
        raise Failure(f"{order.rejects_path}: {reason.strerror}; --rejects names another file") from None
    closing.callback(rejects.close)
    return rejects


async def _import(order: Order, url: str, source: Source, rows: Iterator[Row], rejects: Rejects) -> Tally:
    tally = Tally()
    with shown("checking" if order.dry_run else "importing", "events") as step:

        def done(answered: Answered) -> None:
            tally.accepted += answered.accepted
            for row, faults in answered.rejected:
                rejects.keep(row, faults)
            step(source.position, source.size, tally.accepted + rejects.count)

        limits = httpx.Limits(max_connections=LANES)
        async with httpx.AsyncClient(timeout=REQUEST_TIMEOUT_S, limits=limits, trust_env=False) as client:
            poster = Poster(client, url, dry_run=order.dry_run, give_up_after_s=order.give_up_after_s)
            try:
                await post_all(_counted(rows, tally), poster, order.batch_size, done)
            except asyncio.CancelledError:
                tally.interrupted = True
            except Failure as reason:
                tally.failure = str(reason)
            except httpx.HTTPError as reason:
                tally.failure = f"{url} does not answer as a service does ({type(reason).__name__})"
    return tally


def _counted(rows: Iterator[Row], tally: Tally) -> Iterator[Row]:
    for row in rows:
        tally.read += 1
        yield row


def _summarise(order: Order, tally: Tally, rejects: Rejects, seconds: float) -> None:
    if rejects.count:
        console.print(rejects.table())
        say(f"All of them, with their reasons, are in {rejects.path}")
    accepted = "would be accepted" if order.dry_run else "accepted"
    rate = tally.accepted / max(0.001, seconds)
    say(
        f"{tally.read:,} read, {tally.accepted:,} {accepted}, {rejects.count:,} rejected in {seconds:.1f} s "
        f"({rate:,.0f} events/s)" + ("; nothing was stored (dry run)" if order.dry_run else "")
    )
    if tally.interrupted:
        say("Interrupted. Run the same command again: what is there already is not doubled.")
