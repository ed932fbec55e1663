"""What a person's story comes to, over all their names: what every score is computed from. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from services.scoring.numbers import decay
from services.scoring.numbers.measures import ALSO, SECOND, Noted, entries


class Place(NamedTuple):
    """Where the last of several facts stands: by when it happened, then as timelines are ordered."""

    at: datetime
    topic: int
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Figure:
    """Of one measure about one thing: how many facts, the sum of their amounts, the first, the last and its amount.

    `weight` is the logarithm of how many there were, each fading (decay.py).
    """

    n: int
    total: int
    first_at: datetime
    last: Place
    last_amount: int
    weight: float

    @property
    def last_at(self) -> datetime:
        return self.last.at


Key = tuple[str, str]
"""Measure, and what it is about."""


class Figures:
    """By measure and what it is about. What is not there never happened: it counts as nothing, and is not zero."""

    def __init__(self, found: Mapping[Key, Figure]) -> None:
        self._found = dict(sorted(found.items()))
        self._by_measure: dict[str, dict[str, Figure]] = {}
        for (measure, about), figure in self._found.items():
            self._by_measure.setdefault(measure, {})[about] = figure

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Figures) and self._found == other._found

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return bool(self._found)

    def get(self, measure: str, about: str = "") -> Figure | None:
        return self._found.get((measure, about))

    def n(self, measure: str, about: str = "") -> int:
        figure = self.get(measure, about)
        return 0 if figure is None else figure.n

    def total(self, measure: str, about: str = "") -> int:
        figure = self.get(measure, about)
        return 0 if figure is None else figure.total

    def of(self, measure: str) -> Mapping[str, Figure]:
        """Everything of a measure, by what it is about, in order."""
        return self._by_measure.get(measure, {})

    def count(self, measure: str) -> int:
        """How many facts of a measure there are, whatever they are about."""
        return sum(figure.n for figure in self.of(measure).values())

    def sum(self, measure: str) -> int:
        return sum(figure.total for figure in self.of(measure).values())

    def weight(self, factors: Mapping[str, int]) -> float | None:
        """The logarithm of the fading sum of all facts, each by the factor of its measure; None of nothing."""
        return decay.summed(
            [(factors[key[0]], figure.weight) for key, figure in self._found.items() if key[0] in factors]
        )

    def items(self) -> Iterable[tuple[Key, Figure]]:
        """In order."""
        return self._found.items()


def joined(rows: Iterable[Any]) -> Figures:
    """The figures of a person from those of their names, in any order: rows of the table `figures`."""
    found: dict[Key, list[Figure]] = {}
    for row in rows:
        for measure, figure in _figures_of(row):
            found.setdefault((measure, row.about), []).append(figure)
    return Figures({key: parts[0] if len(parts) == 1 else _joined(parts) for key, parts in found.items()})


def _figures_of(row: Any) -> Iterator[tuple[str, Figure]]:
    """Of its measure, and of those that its second amounts come to."""
    last = Place(row.last_at, row.topic, row.partition, row.last_offset)
    yield row.measure, Figure(row.n, row.total, row.first_at, last, row.last_amount, row.weight)
    if row.also_n:
        last = Place(row.also_last_at, row.topic, row.partition, row.also_last_offset)
        sums = {False: (row.also_base, row.also_last_base), True: (row.also_total, row.also_last_amount)}
        for measure in ALSO[row.measure]:
            total, amount = sums[measure in SECOND]
            yield measure, Figure(row.also_n, total, row.also_first_at, last, amount, row.also_weight)


def _joined(parts: Sequence[Figure]) -> Figure:
    last = max(parts, key=lambda part: part.last)
    weight = decay.summed((1, part.weight) for part in parts)
    assert weight is not None  # noqa: S101  there is at least one
    return Figure(
        sum(part.n for part in parts),
        sum(part.total for part in parts),
        min(part.first_at for part in parts),
        last.last,
        last.last_amount,
        weight,
    )


def counted(facts: Iterable[Any]) -> Figures:
    """The same from the facts themselves, in any order: rows of the table `facts`."""
    found: dict[Key, list[tuple[Place, int]]] = {}
    for fact in facts:
        place = Place(fact.occurred_at, fact.topic, fact.partition, fact.offset)
        for entry in entries(Noted(fact.measure, fact.about, fact.amount, fact.also)):
            found.setdefault((entry.measure, entry.about), []).append((place, entry.amount))
    return Figures({key: _counted(sorted(mine)) for key, mine in found.items()})


def _counted(facts: list[tuple[Place, int]]) -> Figure:
    weight = decay.summed((1, decay.weight_at(place.at)) for place, _ in facts)
    assert weight is not None  # noqa: S101  there is at least one
    (first, _), (last, amount) = facts[0], facts[-1]
    return Figure(len(facts), sum(each for _, each in facts), first.at, last, amount, weight)
