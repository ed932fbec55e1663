"""How far a long command is: a bar on a terminal, else a plain line now and then; always on stderr."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from libs.events.clock import monotonic_s

PLAIN_EVERY_S = 2.0

Step = Callable[[int, int, int], None]
"""Told (done, in all, counted): how full the bar is, and of what the rate is made."""


@contextmanager
def shown(what: str, unit: str) -> Iterator[Step]:
    """Show progress while the block runs."""
    console = Console(stderr=True, highlight=False)
    began_s = monotonic_s()

    def rate(counted: int) -> float:
        return counted / max(0.001, monotonic_s() - began_s)

    if not console.is_terminal:
        yield _plain(console, what, unit, rate)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=None, note="")

        def step(done: int, total: int, counted: int) -> None:
            note = f"{counted:,} {unit}, {rate(counted):,.0f}/s"
            bar.update(task, total=total, completed=done, note=note)

        yield step


def _plain(console: Console, what: str, unit: str, rate: Callable[[int], float]) -> Step:
    began_s = said_s = monotonic_s()

    def step(done: int, total: int, counted: int) -> None:
        nonlocal said_s
        now_s = monotonic_s()
        if now_s - said_s < PLAIN_EVERY_S:
            return
        said_s = now_s
        left = f", {(now_s - began_s) * (total - done) / done:,.0f} s left" if done else ""
        percent = 100 * done // max(1, total)
        line = f"{what}: {percent} %, {counted:,} {unit}, {rate(counted):,.0f}/s{left}"
        console.print(line, markup=False, soft_wrap=True)

    return step
