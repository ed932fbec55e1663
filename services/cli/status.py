"""`rapport status`."""

import asyncio

import msgspec
from rich.live import Live
from rich.table import Table

from services.cli.figures import ServiceFigures, SystemFigures, figures
from services.cli.running import opened_log, run
from services.cli.system import System, find_system
from services.cli.tables import console, say, table

WATCH_EVERY_S = 1.0


def status(*, as_json: bool, watch: bool, partitions: bool) -> None:
    """Print how far each service is. Raises Failure."""
    system = find_system()
    if watch:
        run(_watch(system, as_json=as_json, partitions=partitions))
    else:
        _print(run(_once(system)), as_json=as_json, partitions=partitions)


async def _once(system: System) -> SystemFigures:
    async with opened_log(system) as log:
        return await figures(system, log)


async def _watch(system: System, *, as_json: bool, partitions: bool) -> None:
    """Until Ctrl-C; in place on a terminal, else one after another."""
    in_place = console.is_terminal and not as_json
    try:
        async with opened_log(system) as log:
            with Live(console=console, auto_refresh=False) if in_place else console as shown:
                while True:
                    found = await figures(system, log)
                    if isinstance(shown, Live):
                        shown.update(_table(found, partitions=partitions), refresh=True)
                    else:
                        _print(found, as_json=as_json, partitions=partitions)
                    await asyncio.sleep(WATCH_EVERY_S)
    except asyncio.CancelledError:
        return


def _print(found: SystemFigures, *, as_json: bool, partitions: bool) -> None:
    if as_json:
        print(msgspec.json.encode(found).decode(), flush=True)
        return
    console.print(_table(found, partitions=partitions))
    for service in found.services:
        if service.reason:
            say(f"{service.name} is {_spoken(service.state)}: {service.reason}")


def _table(found: SystemFigures, *, partitions: bool) -> Table:
    headings = ("service", "state", ">position", ">end", ">lag", ">records/s", "generation", ">parked")
    made = table(*headings, title=f"log {found.log}")
    for service in found.services:
        made.add_row(*_summary(service), style="bold" if partitions else "")
        if partitions:
            for each in service.partitions:
                place = f"  {each.topic}/{each.partition}"
                numbers = (each.position, each.end, each.lag)
                made.add_row(place, "", *(f"{n:,}" for n in numbers), f"{each.rate:,.0f}", "", f"{each.parked_keys:,}")
    return made


def _summary(service: ServiceFigures) -> tuple[str, ...]:
    generation = service.generation
    return (
        service.name,
        _spoken(service.state),
        f"{sum(each.position for each in service.partitions):,}",
        f"{sum(each.end for each in service.partitions):,}",
        f"{service.lag:,}",
        f"{service.rate:,.0f}",
        f"{generation.schema} v{generation.version} {generation.state}" if generation else "none",
        f"{service.parked_keys:,}",
    )


def _spoken(state: str) -> str:
    return state.replace("_", " ")
