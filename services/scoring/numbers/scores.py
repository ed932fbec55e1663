"""What a score is, and what a definition of one is made of. Pure.

A score is a function of one person's figures, of the last published statistics and of a moment; nothing else, so that
whoever has its receipt can compute it again. Its band depends on the first two alone: nobody changes class because time
passes, and what fades is compared in a form in which it fades for everybody alike (decay.py).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from services.scoring.numbers.figures import Figures
from services.scoring.numbers.standings import Kind, Statistics, Value

EXACT_DECIMALS: Final = 9  # of a sum of a few fractions, on any scale here: doubles hold five more


@dataclass(frozen=True, slots=True)
class Case:
    """What a score is computed from. `currency` is None for definitions that are not about money."""

    person: UUID
    figures: Figures
    statistics: Statistics | None
    as_of: datetime
    currency: str | None = None


class Contribution(NamedTuple):
    """A part of a value. `behind` are the measures that it comes from, with what they are about; None for all."""

    name: str
    value: int | float
    behind: Sequence[tuple[str, str | None]]


class Missing(NamedTuple):
    """Why there is no value: by name, and as a sentence."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Score:
    """`value` is the sum of what contributed; None, with what is missing, where there is nothing to compute it from.

    `coverage` is the share of what the value could rest on that there is, from 0 to 1. `details` are other numbers that
    belong to it, by name.
    """

    value: int | float | None
    band: str | None
    contributions: Sequence[Contribution] = ()
    missing: Missing | None = None
    coverage: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


def nothing(code: str, detail: str, band: str | None = None) -> Score:
    """There is nothing to compute it from."""
    return Score(None, band, missing=Missing(code, detail))


def no_statistics(currency: str | None = None) -> Score:
    """Where somebody is among all others is not known until it was counted."""
    among = "" if currency is None else f" in {currency}"
    return nothing("no_statistics", f"no statistics have been published{among}: POST /v1/statistics")


def summed(contributions: Sequence[Contribution]) -> int | float:
    """Exact for whole numbers, correctly rounded otherwise."""
    values = [each.value for each in contributions]
    return sum(values) if all(isinstance(value, int) for value in values) else math.fsum(values)


def settled(value: int | float) -> float:
    """What a band goes by: a mean that lies on an edge may come out beside it in its last digits."""
    return round(value, EXACT_DECIMALS)


@dataclass(frozen=True, slots=True)
class Population:
    """How everybody's places in one measure are told: `value` is None for whoever does not take part."""

    measure: str
    kind: Kind
    value: Callable[[Figures, str | None], Value | None]
    is_money: bool = False


@dataclass(frozen=True, slots=True)
class Definition:
    """One kind of score. `bands` says of each band whom it is for, best first; `inputs` are measures.

    `version` grows with every change of what it computes. `population` are the statistics that it needs; several may
    need the same. `fades` says that its value depends on the moment that it is computed for.
    """

    id: str
    version: int
    title: str
    unit: str
    formula: str
    inputs: Sequence[str]
    bands: Mapping[str, str]
    score: Callable[[Case], Score]
    is_money: bool = False
    fades: bool = False
    population: Sequence[Population] = ()
