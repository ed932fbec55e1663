"""A year of invoices as numbers: counted from the file in plain Python, which knows nothing of the service's code."""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple, TypeVar

import httpx
import pytest

from tests.integration.conftest import System
from tests.integration.scoring import PATIENT
from tests.integration.test_main_job import SAMPLE, WHOLE, imported, needs_the_whole

Value = TypeVar("Value", int, str, float)

SHOPS = [
    pytest.param(("postgres_scored", SAMPLE), id="postgres-sample"),
    pytest.param(("kafka_scored", SAMPLE), id="kafka-sample", marks=pytest.mark.slow),
    pytest.param(("postgres_whole", WHOLE), id="postgres-whole", marks=[needs_the_whole, pytest.mark.slow]),
]
COMES_TO = {SAMPLE: (241, 47_603_164), WHOLE: (4_338, 891_140_790)}
"""Customers and pence."""


class Invoice(NamedTuple):
    customer: str
    day: str
    pence: int


class Standing(NamedTuple):
    """Of one customer: when they bought last, how often, and for how much."""

    last: str
    times: int
    pence: int


@dataclass(frozen=True)
class Shop:
    """A file of invoices, and the system that it was imported into. Nobody else buys in pounds there."""

    system: System
    file: Path
    invoices: Sequence[Invoice]

    @property
    def customers(self) -> list[str]:
        """As names, in order."""
        return sorted({f"crm:{invoice.customer}" for invoice in self.invoices})

    def standings(self) -> dict[str, Standing]:
        mine: dict[str, list[Invoice]] = defaultdict(list)
        for invoice in self.invoices:
            mine[f"crm:{invoice.customer}"].append(invoice)
        return {
            name: Standing(max(each.day for each in theirs), len(theirs), sum(each.pence for each in theirs))
            for name, theirs in mine.items()
        }

    def pence(self, begin: str = "", end: str = "9999") -> Counter[str]:
        """By name, of the days from the first until before the last."""
        found: Counter[str] = Counter()
        for invoice in self.invoices:
            if begin <= invoice.day < end:
                found[f"crm:{invoice.customer}"] += invoice.pence
        return found


_open: dict[Path, Shop] = {}


def open_shop(request: pytest.FixtureRequest) -> Shop:
    """For a fixture that is parametrised with SHOPS; a file is imported once into each system."""
    name, file = request.param
    system: System = request.getfixturevalue(name)
    if system.data not in _open:
        imported(system, file)
        params = {"min_position": system.position()}
        assert (
            httpx.get(f"{system.scoring}/v1/statistics", params=params, headers=PATIENT, timeout=60).status_code == 200
        )
        with file.open(newline="") as lines:
            rows = [
                Invoice(row["customer"], row["date"], int(Decimal(row["amount_gbp"]) * 100))
                for row in csv.DictReader(lines)
            ]
        _open[system.data] = Shop(system, file, rows)
    return _open[system.data]


def in_fifths(values: Mapping[str, Value]) -> dict[str, int]:
    """Dealt out by value, among equals by key: the first fifth of them are in the first, and so on."""
    ranked = sorted(values, key=lambda key: (values[key], key))
    return {key: 5 * place // len(ranked) + 1 for place, key in enumerate(ranked)}


def first_of_fifths(values: Mapping[str, Value]) -> list[tuple[Value, str]]:
    """The least of the second to fifth fifth."""
    fifths = in_fifths(values)
    return [min((values[key], key) for key in values if fifths[key] == fifth) for fifth in range(2, 6)]


def in_classes(values: Mapping[str, int]) -> dict[str, str]:
    """Greatest first, among equals by key: A are as many as it takes for 80 %, then B for 95 %, C the others."""
    whole = sum(value for value in values.values() if value > 0)
    classes: dict[str, str] = {}
    for (key, value), before in zip(downwards(values), sums(values, start=0), strict=False):
        share = Decimal(before) / whole if whole else Decimal(1)
        classes[key] = "c" if value <= 0 else "a" if share < Decimal("0.8") else "b" if share < Decimal("0.95") else "c"
    return classes


def downwards(values: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(values.items(), key=lambda each: (-each[1], each[0]))


def sums(values: Mapping[str, int], start: int | None = None) -> Iterator[int]:
    """What the greatest come to together: the first, the first two, and so on."""
    total = 0
    if start is not None:
        yield start
    for _, value in downwards(values):
        total += value
        yield total
