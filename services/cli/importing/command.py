"""`rapport import FILE`: reads, posts, and says what became of every line."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx

from libs.events.clock import monotonic_s
from services.cli.errors import Failure
from services.cli.importing import posting, registering
from services.cli.importing.contact_mapping import ContactMapping
from services.cli.importing.contacts import ndjson
from services.cli.importing.mapping import read_mapping
from services.cli.importing.posting import Answered, Done, Poster, post_all
from services.cli.importing.registering import Registrar, check_all, register_all
from services.cli.importing.rejects import Rejects
from services.cli.importing.rendering import mapped_rows
from services.cli.importing.rows import Row, Source, opened
from services.cli.importing.sending import REQUEST_TIMEOUT_S, Lanes
from services.cli.progress import shown
from services.cli.system import find_system
from services.cli.tables import console, say

INTERRUPTED = 130  # what a shell calls a process that Ctrl-C ended


@dataclass(slots=True)
class Tally:
    """`accepted` and `known` are contacts registered now and before; events are accepted, known or not."""

    read: int = 0
    accepted: int = 0
    known: int = 0
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


@dataclass(frozen=True, slots=True)
class Load:
    """What a file holds, and where it goes; no address where nothing is asked."""

    what: Literal["events", "contacts"]
    source: Source
    rows: Iterator[Row]
    url: str | None


def import_file(order: Order) -> int:
    """The exit code: 1 when anything was not taken or it gave up, 130 after Ctrl-C. Raises Failure."""
    began_s = monotonic_s()
    with ExitStack() as closing:
        load = _load(opened(order.file, closing), order)
        rejects = _rejects(order, closing)
        tally = asyncio.run(_import(order, load, rejects))
    _summarise(order, load, tally, rejects, monotonic_s() - began_s)
    if tally.failure:
        raise Failure(
            f"{tally.failure}; {tally.accepted + tally.known:,} of {tally.read:,} lines read had been accepted. "
            "Run the same command again: what is there already is not doubled"
        )
    return INTERRUPTED if tally.interrupted else 1 if rejects.count else 0


def _load(source: Source, order: Order) -> Load:
    if order.mapping is not None:
        mapping = read_mapping(order.mapping)
        are_contacts, rows = isinstance(mapping, ContactMapping), mapped_rows(source, mapping, str(order.mapping))
    elif ".csv" in order.file.suffixes:
        raise Failure(
            f"{order.file}: a CSV file needs --mapping MAP.toml; examples/ has one of events, one of contacts"
        )
    else:
        are_contacts, rows = ndjson(source)
    if are_contacts and order.dry_run:
        return Load("contacts", source, rows, None)
    service = "contacts" if are_contacts else "interactions"
    url = order.url or find_system().chosen(service)[0].url
    return Load("contacts" if are_contacts else "events", source, rows, url)


def _rejects(order: Order, closing: ExitStack) -> Rejects:
    try:
        rejects = Rejects(order.rejects_path)
    except OSError as reason:
        raise Failure(f"{order.rejects_path}: {reason.strerror}; --rejects names another file") from None
    closing.callback(rejects.close)
    return rejects


async def _import(order: Order, load: Load, rejects: Rejects) -> Tally:
    tally = Tally()
    with shown("checking" if order.dry_run else "importing", load.what) as step:

        def done(answered: Answered) -> None:
            tally.accepted += answered.accepted
            tally.known += answered.known
            for row, faults in answered.rejected:
                rejects.keep(row, faults)
            step(load.source.position, load.source.size, tally.accepted + tally.known + rejects.count)

        try:
            await _send(order, load, _counted(load.rows, tally), done)
        except asyncio.CancelledError:
            tally.interrupted = True
        except Failure as reason:
            tally.failure = str(reason)
        except httpx.HTTPError as reason:
            tally.failure = f"{load.url} does not answer as a service does ({type(reason).__name__})"
    return tally


async def _send(order: Order, load: Load, rows: Iterator[Row], done: Done) -> None:
    if load.url is None:
        await check_all(rows, done)
    elif load.what == "contacts":
        async with _client(registering.LANES) as client:
            await register_all(rows, Registrar(client, load.url, give_up_after_s=order.give_up_after_s), done)
    else:
        async with _client(posting.LANES) as client:
            poster = Poster(client, load.url, dry_run=order.dry_run, give_up_after_s=order.give_up_after_s)
            await post_all(rows, poster, order.batch_size, done)


@asynccontextmanager
async def _client(connections: int) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=REQUEST_TIMEOUT_S, transport=Lanes(connections), trust_env=False) as client:
        yield client


def _counted(rows: Iterator[Row], tally: Tally) -> Iterator[Row]:
    for row in rows:
        tally.read += 1
        yield row


def _summarise(order: Order, load: Load, tally: Tally, rejects: Rejects, seconds: float) -> None:
    if rejects.count:
        console.print(rejects.table())
        say(f"All of them, with their reasons, are in {rejects.path}")
    rate = (tally.accepted + tally.known) / max(0.001, seconds)
    say(
        f"{tally.read:,} read, {_became(order, load, tally, rejects)} in {seconds:.1f} s "
        f"({rate:,.0f} {load.what}/s)" + ("; nothing was stored (dry run)" if order.dry_run else "")
    )
    if rejects.conflicts:
        say("A conflict is a name that belongs to another contact: `rapport conflicts` lists those to decide.")
    if tally.interrupted:
        say("Interrupted. Run the same command again: what is there already is not doubled.")


def _became(order: Order, load: Load, tally: Tally, rejects: Rejects) -> str:
    rejected = f"{rejects.count - rejects.conflicts:,} rejected"
    if load.url is None:
        return f"{tally.accepted:,} well formed, {rejected}"
    if load.what == "events":
        return f"{tally.accepted:,} {'would be accepted' if order.dry_run else 'accepted'}, {rejected}"
    return f"{tally.accepted:,} registered, {tally.known:,} already known, {rejects.conflicts:,} conflicts, {rejected}"
