"""How everybody stands: quintiles and Pareto cuts of a population, and where somebody is among them. Pure.

Order is by value and, among equals, by contact id, so it is total: quintiles are disjoint and hold everybody. A cut is
a place in that order, a pair of value and contact id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

QUINTILES = 5
A_PERCENT, B_PERCENT = 80, 95

Value = int | float


class Kind(StrEnum):
    """How a population is cut."""

    QUINTILES = "quintiles"
    PARETO = "pareto"


class Cut(NamedTuple):
    """A place in the order of a population."""

    value: Value
    contact: UUID


@dataclass(frozen=True, slots=True)
class Standing:
    """Of one measure: how many take part, what their values come to, and where the cuts are."""

    kind: Kind
    people: int
    cuts: Sequence[Cut | None]
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Statistics:
    """What was published: by measure and currency; the empty text stands for none."""

    version: int
    as_of: datetime
    standings: Mapping[tuple[str, str], Standing]

    def of(self, measure: str, currency: str | None = None) -> Standing | None:
        return self.standings.get((measure, currency or ""))


def quintiles(people: Sequence[Cut]) -> Standing:
    """Cut everybody into five, least first: the place i of n is in quintile 5·i/n, rounded down, plus one.

    The cuts are the least of each quintile but the first; None where a quintile is empty, among fewer than five.
    """
    ordered = sorted(people)
    n = len(ordered)
    firsts = [-(-n * q // QUINTILES) for q in range(1, QUINTILES)]
    nexts = [*firsts[1:], n]
    cuts = [ordered[first] if first < after else None for first, after in zip(firsts, nexts, strict=True)]
    return Standing(Kind.QUINTILES, n, cuts)


def quintile(standing: Standing, value: Value, person: UUID) -> int:
    """1 to 5, greatest values 5."""
    place, n = (value, person), QUINTILES
    for cut in reversed(standing.cuts):
        if cut is not None and place >= cut:
            return n
        n -= 1
    return n


def pareto(people: Sequence[Cut]) -> Standing:
    """Sorted down: A are the fewest who come to 80 % together, B the next who come to 95 %, C the rest.

    Shares are of the sum of what is above zero, which is where the curve is highest: losses lie beyond it. The cuts are
    the last of A and the last of B; None where there is nobody.
    """
    ordered = sorted(people, key=_downward)
    peak = sum(each.value for each in ordered if each.value > 0)
    cuts: list[Cut | None] = []
    for percent in (A_PERCENT, B_PERCENT):
        before, last = 0, None
        for each in ordered:
            if each.value <= 0 or before * 100 >= peak * percent:
                break
            before, last = before + int(each.value), each
        cuts.append(last)
    return Standing(Kind.PARETO, len(ordered), cuts, sum(int(each.value) for each in ordered))


def pareto_class(standing: Standing, value: Value, person: UUID) -> str:
    """A, B or C, as letters in lower case."""
    place = _downward(Cut(value, person))
    for letter, cut in zip("ab", standing.cuts, strict=True):
        if cut is not None and place <= _downward(cut):
            return letter
    return "c"


def _downward(cut: Cut) -> tuple[Value, UUID]:
    return -cut.value, cut.contact


def cut_of(kind: Kind, people: Sequence[Cut]) -> Standing:
    return quintiles(people) if kind is Kind.QUINTILES else pareto(people)
