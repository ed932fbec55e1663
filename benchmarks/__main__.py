"""`python -m benchmarks NAME`: measures one figure, or all."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import (
    appending,
    board_page,
    deciding,
    footprint,
    ingest,
    kafka,
    replaying,
    score_page,
    score_replay,
    score_visible,
    system,
    timeline_page,
    visible,
    voting,
)
from benchmarks.figures import Benchmark, Outcome, show
from benchmarks.machine import busy
from benchmarks.report import record, write
from libs.service.logs import configure

BENCHMARKS: dict[str, Benchmark] = {
    **ingest.BENCHMARKS,
    **appending.BENCHMARKS,
    **replaying.BENCHMARKS,
    **visible.BENCHMARKS,
    **timeline_page.BENCHMARKS,
    **deciding.BENCHMARKS,
    **voting.BENCHMARKS,
    **board_page.BENCHMARKS,
    **score_replay.BENCHMARKS,
    **score_visible.BENCHMARKS,
    **score_page.BENCHMARKS,
    **footprint.BENCHMARKS,
    **kafka.BENCHMARKS,
}
ON_KAFKA_TOO = ("ingest_single", "ingest_batch", "visible", "decide", "vote", "score_visible")


class Log(StrEnum):
    """What holds the log of the systems that are measured."""

    POSTGRES = "postgres"
    KAFKA = "kafka"


console = Console(width=120)


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    name: Annotated[str | None, typer.Argument(help=", ".join(BENCHMARKS))] = None,
    *,
    size: Annotated[int | None, typer.Option(help="How much of it; each benchmark has its own default")] = None,
    json: Annotated[bool, typer.Option("--json", help="The figures as the last line")] = False,
    log: Annotated[Log, typer.Option(help=f"What holds the log, of {', '.join(ON_KAFKA_TOO)}")] = Log.POSTGRES,
    keep: Annotated[
        bool, typer.Option("--record", help="Put it into benchmarks/RESULTS.md in place of what is there")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="Run all and write benchmarks/RESULTS.md")] = False,
) -> None:
    """Measure a figure and print it beside its goal."""
    configure("benchmarks", "warning", "console")
    if everything:
        embedded = {each: _measure(each, None) for each in BENCHMARKS}
        with _on(Log.KAFKA):
            write(embedded | {_named(each, Log.KAFKA): _measure(each, None, Log.KAFKA) for each in ON_KAFKA_TOO})
    elif name and name in BENCHMARKS:
        if log is Log.KAFKA and name not in ON_KAFKA_TOO:
            raise typer.BadParameter(f"{name} is not measured on Kafka: {', '.join(ON_KAFKA_TOO)} are")
        with _on(log):
            outcome = _measure(name, size, log)
        if keep:
            record(_named(name, log), outcome)
        if json:
            print(outcome.json(name))
    else:
        raise typer.BadParameter(f"there are {', '.join(BENCHMARKS)}")


@contextmanager
def _on(log: Log) -> Iterator[None]:
    """Systems that are started meanwhile have their log there."""
    if log is Log.POSTGRES:
        yield
        return
    with kafka.broker() as broker:
        system.log_settings |= {"KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap, "RAPPORT_SINGLE_BROKER": "1"}
        yield
        system.log_settings.clear()


def _named(name: str, log: Log) -> str:
    return name if log is Log.POSTGRES else f"{name} --log {log}"


def _measure(name: str, size: int | None, log: Log = Log.POSTGRES) -> Outcome:
    benchmark = BENCHMARKS[name]
    size = size or benchmark.size
    console.print(f"{_named(name, log)}: {size:,} {benchmark.counted}; {busy()}", highlight=False)
    outcome = benchmark.run(size)
    if log is Log.KAFKA:
        outcome = replace(outcome, figures=[replace(each, name=f"{each.name}, Kafka") for each in outcome.figures])
    show(outcome, console)
    return outcome


app()
