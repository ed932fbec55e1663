"""`rapport verify` and `rapport rebuild`: the log folded again, to compare with what is served or to replace it."""

import asyncio
import sys
from collections.abc import Mapping

import typer

from libs.events.clock import monotonic_s
from libs.events.position import Partition
from libs.events.replays import Report, Verdict, rebuild, verify
from services.cli.errors import Failure
from services.cli.figures import asking_health, health
from services.cli.progress import Step, shown
from services.cli.running import opened_log, run
from services.cli.system import Place, System, find_system
from services.cli.tables import console, say, table
from services.cli.words import printable

SERVES_WITHIN_S = 10.0
LOOK_EVERY_S = 0.2
SHOWN_CHARACTERS = 2_000  # of a row that differs: an entry with its title, and most of its data


def verify_services(service: str | None) -> bool:
    """Compare one service or all with a rebuild; whether all are equal. Raises Failure."""
    system = find_system()
    equal = True
    for place in system.chosen(service):
        with shown(f"verifying {place.name}", "records") as step:
            verdict = run(_verify(system, place, _report(step)))
        _print(place, verdict)
        equal = equal and verdict.equal
    return equal


def rebuild_service(service: str, *, yes: bool) -> None:
    """Drop a service's tables and fold them again. Raises Failure."""
    system = find_system()
    place = system.chosen(service)[0]
    say(
        f"Rebuilding {place.name}: its tables are dropped and folded again from the log. Until that is done it answers "
        "503 `rebuilding`; the log takes events in as always, and nothing of the log is touched.",
    )
    if not yes:
        if not sys.stdin.isatty():
            raise Failure("nobody is here to ask; --yes says that it is meant")
        typer.confirm("Go on?", abort=True)
    with shown(f"rebuilding {place.name}", "records") as step:
        total = run(_rebuild(system, place, _report(step)))
    state, reason = asyncio.run(_serves(place))
    serving = "it serves again" if state == "ready" else f"it does not serve yet: {reason}"
    say(f"{place.name} is rebuilt: {total:,} records folded; {serving}.")


def _report(step: Step) -> Report:
    return lambda folded, total: step(folded, total, folded)


async def _verify(system: System, place: Place, report: Report) -> Verdict:
    async with opened_log(system) as log:
        return await verify(place.entry.projection, log, place.database, report)


async def _rebuild(system: System, place: Place, report: Report) -> int:
    total = 0

    def count(folded: int, in_all: int) -> None:
        nonlocal total
        total = in_all
        report(folded, in_all)

    async with opened_log(system) as log:
        await rebuild(place.entry.projection, log, place.database, count)
    return total


async def _serves(place: Place) -> tuple[str, str]:
    """Wait until the running service has taken the new tables over; it looks for them every few seconds."""
    deadline_s = monotonic_s() + SERVES_WITHIN_S
    async with asking_health() as client:
        while True:
            state, reason = await health(client, place)
            if state == "ready" or monotonic_s() > deadline_s:
                return state, reason
            await asyncio.sleep(LOOK_EVERY_S)


def _print(place: Place, verdict: Verdict) -> None:
    verdict_word = "equal" if verdict.equal else "DIFFERENT"
    headings = ("table", ">rows", ">rebuilt", "digest", "digest rebuilt", "")
    made = table(*headings, title=f"{place.name}: {verdict_word}")
    for name, live, rebuilt in verdict.tables:
        digests = (live.sha256[:16], rebuilt.sha256[:16])
        made.add_row(name, f"{live.rows:,}", f"{rebuilt.rows:,}", *digests, "=" if live == rebuilt else "≠")
    console.print(made)
    say(f"at {_positions(verdict.positions)}", style="dim")
    for difference in verdict.differences:
        say(f"{difference.table} ({printable(difference.key)})", style="bold")
        say(f"  served   {_row(difference.live)}")
        say(f"  rebuilt  {_row(difference.rebuilt)}")
    if not verdict.equal:
        say(f"`rapport rebuild {place.name}` folds the tables again.")


def _row(text: str | None) -> str:
    if text is None:
        return "no such row"
    text = printable(text)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def _positions(positions: Mapping[Partition, int]) -> str:
    """`interactions 0:17 1:4 2:9`."""
    by_topic: dict[str, list[str]] = {}
    for partition, offset in sorted(positions.items()):
        by_topic.setdefault(partition.topic, [partition.topic]).append(f"{partition.number}:{offset}")
    return "; ".join(" ".join(words) for words in by_topic.values())
