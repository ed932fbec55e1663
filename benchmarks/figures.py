"""What a benchmark says: figures, each beside its limit and its goal."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """With a limit, the goal is the least ratio of value to limit; without one, the most that the value may be."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    goal: float | None = None

    @property
    def ratio(self) -> float | None:
        return self.value / self.limit if self.limit else None

    @property
    def met(self) -> bool | None:
        """None where there is no goal."""
        if self.goal is None:
            return None
        return self.value <= self.goal if self.ratio is None else self.ratio >= self.goal

    def document(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "ratio": self.ratio and round(self.ratio, 3),
            "goal": self.goal,
            "value": round(self.value, 3),
            "limit": self.limit and round(self.limit, 3),
            "unit": self.unit,
            "met": self.met,
        }

    def cells(self) -> tuple[str, ...]:
        """name | value | limit | ratio | goal | met"""
        ratio = "–" if self.ratio is None else f"{self.ratio:.2f}"
        return (
            self.name,
            f"{_number(self.value)} {self.unit}",
            "–" if self.limit is None else f"{_number(self.limit)} {self.unit}",
            ratio,
            "–" if self.goal is None else f"{'<=' if self.ratio is None else '>='} {self.goal:g}",
            {None: "–", True: "yes", False: "MISSED"}[self.met],
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """The figures of one run, and what must be known to read them."""

    figures: list[Figure]
    notes: list[str] = field(default_factory=list)

    @property
    def met(self) -> bool:
        return all(figure.met is not False for figure in self.figures)

    def json(self, name: str) -> str:
        """One line: the benchmark with its first figure, the others under `more`."""
        first, *more = (figure.document() for figure in self.figures)
        return msgspec.json.encode(first | {"name": name, "met": self.met, "more": more}).decode()


@dataclass(frozen=True, slots=True)
class Benchmark:
    """`run` takes the size, which counts `counted`."""

    run: Callable[[int], Outcome]
    size: int
    counted: str


def percentiles(figures: Sequence[float]) -> tuple[float, float]:
    """p50 and p99."""
    cuts = quantiles(figures, n=100)
    return cuts[49], cuts[98]


HEADINGS = ("name", "value", "limit", "ratio", "goal", "met")


def show(outcome: Outcome, console: Console) -> None:
    table = Table(*HEADINGS)
    for figure in outcome.figures:
        style = "red" if figure.met is False else None
        table.add_row(*figure.cells(), style=style)
    console.print(table)
    for note in outcome.notes:
        console.print(f"  {note}", highlight=False, markup=False, soft_wrap=True)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
