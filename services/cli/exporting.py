"""`rapport export`: a list as CSV, as the service streams it; memory does not grow with the list."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO, NamedTuple

import httpx

from libs.events.ids import random_token
from services.cli.amounts import counted
from services.cli.asking import answered, asking
from services.cli.errors import Failure
from services.cli.progress import shown
from services.cli.scores import scoring
from services.cli.tables import say

TOTAL = "rapport-total"  # how many rows are to come


class Export(NamedTuple):
    """Which list."""

    definition: str
    band: str | None
    currency: str | None


def export_csv(export: Export, output: Path | None, *, url: str | None) -> None:
    """To a file, whole or not at all, else to stdout. Raises Failure."""
    address = f"{scoring(url).url}/v1/scores.csv"
    query = {name: text for name, text in export._asdict().items() if text is not None}
    with asking() as client, client.stream("GET", address, params=query) as answer:
        _require_csv(answer)
        with _opened(output) as file:
            rows = _copied(answer, file)
    if output is not None:
        say(f"{counted(rows, 'row', 'rows')} in {output}")


def _require_csv(answer: httpx.Response) -> None:
    if answer.status_code != 200 or not answer.headers.get("content-type", "").startswith("text/csv"):
        answer.read()
        answered(answer)


def _copied(answer: httpx.Response, file: BinaryIO) -> int:
    """How many rows below the header. Raises Failure where the list breaks off."""
    total, lines = int(answer.headers.get(TOTAL, 0)), 0
    with nullcontext(_say_nothing) if file.isatty() else shown("exporting", "rows") as step:
        try:
            for piece in answer.iter_bytes():
                file.write(piece)
                lines += piece.count(b"\n")
                rows = max(0, lines - 1)
                step(rows, max(rows, total), rows)
        except httpx.TransportError as reason:
            broken = f"the list broke off after {counted(max(0, lines - 1), 'row', 'rows')}"
            raise Failure(f"{broken} ({type(reason).__name__})") from None
    return max(0, lines - 1)


def _say_nothing(_done: int, _total: int, _counted: int) -> None:
    """The rows themselves are on the terminal."""


@contextmanager
def _opened(output: Path | None) -> Iterator[BinaryIO]:
    """What is written to. Raises Failure where a file cannot be."""
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        goal = output.resolve()
        if goal.exists() and not goal.is_file():
            with goal.open("wb") as file:  # a pipe or a device
                yield file
        else:
            with _whole(goal) as file:
                yield file
    except OSError as reason:
        raise Failure(f"{output}: {reason.strerror}; --output names another file") from None


@contextmanager
def _whole(goal: Path) -> Iterator[BinaryIO]:
    """It has its name only once all of it is there; until then what had the name before keeps it."""
    draft = goal.with_name(f".{goal.name}.{random_token()[:8]}.part")
    try:
        with draft.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(goal)
    finally:
        draft.unlink(missing_ok=True)
