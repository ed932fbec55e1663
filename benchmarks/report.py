"""RESULTS.md: every figure of one run beside its goal."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.figures import HEADINGS, Outcome
from benchmarks.machine import busy, facts
from libs.events.clock import now

FILE = Path(__file__).with_name("RESULTS.md")


def write(outcomes: Mapping[str, Outcome]) -> None:
    FILE.write_text("\n".join(_lines(outcomes)) + "\n")


def _lines(outcomes: Mapping[str, Outcome]) -> Iterator[str]:
    yield "# Measured"
    yield ""
    yield f"{now():%Y-%m-%d %H:%M} UTC, with `make bench`. The ratios count; the rest holds for this machine:"
    yield ""
    yield from (f"- {name}: {value}" for name, value in facts().items())
    yield f"- {busy().replace('before', 'after')}"
    yield ""
    yield f"| {' | '.join(HEADINGS)} |"
    yield f"|{'---|' * len(HEADINGS)}"
    for outcome in outcomes.values():
        yield from (f"| {' | '.join(figure.cells())} |" for figure in outcome.figures)
    yield ""
    for name, outcome in outcomes.items():
        yield from (f"- `{name}`: {note}" for note in outcome.notes)
