"""RESULTS.md: every figure of one run beside its goal, and those that were measured again since."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.figures import HEADINGS, Figure, Outcome
from benchmarks.machine import busy, facts
from libs.events.clock import now

FILE = Path(__file__).with_name("RESULTS.md")


def write(outcomes: Mapping[str, Outcome]) -> None:
    FILE.write_text("\n".join(_lines(outcomes)) + "\n")


def record(name: str, outcome: Outcome) -> None:
    """The lines of one benchmark in place of those that are there, and when it was measured.

    Raises LookupError where there are none.
    """
    lines = FILE.read_text().splitlines()
    for figure in outcome.figures:
        lines[_at(lines, f"| {figure.name} |")] = _row(figure)
    at = _at(lines, _note(name, ""))
    notes = [_note(name, note) for note in (*outcome.notes, f"measured by itself, {now():%Y-%m-%d %H:%M} UTC")]
    others = [line for line in lines[at:] if not line.startswith(_note(name, ""))]
    FILE.write_text("\n".join([*lines[:at], *notes, *others]) + "\n")


def _at(lines: Sequence[str], start: str) -> int:
    found = next((n for n, line in enumerate(lines) if line.startswith(start)), None)
    if found is None:
        raise LookupError(f"{FILE.name} has no line that begins with {start!r}: `make bench` writes them all")
    return found


def _row(figure: Figure) -> str:
    return f"| {' | '.join(figure.cells())} |"


def _note(name: str, note: str) -> str:
    return f"- `{name}`: {note}"


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
        yield from map(_row, outcome.figures)
    yield ""
    for name, outcome in outcomes.items():
        yield from (_note(name, note) for note in outcome.notes)
