"""`python -m benchmarks NAME`: measures one figure, or all."""

from typing import Annotated

import typer
from rich.console import Console

from benchmarks import appending, deciding, footprint, ingest, replaying, timeline_page, visible
from benchmarks.figures import Benchmark, Outcome, show
from benchmarks.machine import busy
from benchmarks.report import write
from libs.service.logs import configure

BENCHMARKS: dict[str, Benchmark] = {
    **ingest.BENCHMARKS,
    **appending.BENCHMARKS,
    **replaying.BENCHMARKS,
    **visible.BENCHMARKS,
    **timeline_page.BENCHMARKS,
    **deciding.BENCHMARKS,
    **footprint.BENCHMARKS,
}

console = Console(width=120)


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    name: Annotated[str | None, typer.Argument(help=", ".join(BENCHMARKS))] = None,
    size: Annotated[int | None, typer.Option(help="How much of it; each benchmark has its own default")] = None,
    json: Annotated[bool, typer.Option("--json", help="The figures as the last line")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Run all and write benchmarks/RESULTS.md")] = False,
) -> None:
    """Measure a figure and print it beside its goal."""
    configure("benchmarks", "warning", "console")
    if everything:
        write({each: _measure(each, None) for each in BENCHMARKS})
    elif name and name in BENCHMARKS:
        outcome = _measure(name, size)
        if json:
            print(outcome.json(name))
    else:
        raise typer.BadParameter(f"there are {', '.join(BENCHMARKS)}")


def _measure(name: str, size: int | None) -> Outcome:
    benchmark = BENCHMARKS[name]
    size = size or benchmark.size
    console.print(f"{name}: {size:,} {benchmark.counted}; {busy()}", highlight=False)
    outcome = benchmark.run(size)
    show(outcome, console)
    return outcome


app()
