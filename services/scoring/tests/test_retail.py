"""A year of real invoices, scored by our code and counted again from the file in another way."""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import accumulate
from pathlib import Path
from uuid import UUID

import pytest

from services.scoring.definitions import rfm, turnover
from services.scoring.numbers.figures import Figures
from services.scoring.numbers.standings import Statistics
from services.scoring.tests.facts import Told, bought, scored, statistics, story

ROOT = Path(__file__).parents[3]
SAMPLE = ROOT / "examples" / "online-retail-sample.csv"
WHOLE = ROOT.parent / "shared" / "data" / "online-retail.csv"
needs_the_whole = pytest.mark.skipif(not WHOLE.exists(), reason="../shared/data/online-retail.csv is not here")

Invoice = tuple[str, str, int]  # the customer's number, the day, pence


@dataclass(frozen=True)
class Shop:
    """The invoices of a file, and everybody's figures and standings as our code has them."""

    invoices: Sequence[Invoice]
    figures: Mapping[UUID, Figures]
    among: Statistics

    def customers(self) -> Iterator[tuple[str, UUID]]:
        for number in sorted({customer for customer, _, _ in self.invoices}):
            yield number, UUID(int=int(number))


def invoices_of(file: Path) -> list[Invoice]:
    with file.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    return [(row["customer"], row["date"], int(Decimal(row["amount_gbp"]) * 100)) for row in rows]


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((SAMPLE, 241, 47_603_164), id="the sample"),
        pytest.param((WHOLE, 4_338, 891_140_790), id="the whole", marks=needs_the_whole),
    ],
)
def shop(request: pytest.FixtureRequest) -> Shop:
    file, customers, pence = request.param
    invoices = invoices_of(file)
    told: dict[UUID, list[Told]] = defaultdict(list)
    for customer, day, amount in invoices:
        told[UUID(int=int(customer))].append(bought(amount, at=datetime.fromisoformat(day).replace(tzinfo=UTC)))
    figures = {person: story(*mine) for person, mine in told.items()}
    assert (len(figures), sum(each.total("purchase", "GBP") for each in figures.values())) == (customers, pence)
    return Shop(invoices, figures, statistics(of=figures))


def fifths(values: Mapping[str, int | str]) -> dict[str, int]:
    """One after the other is dealt to the first fifth that is not full; the greatest to the last."""
    ends = [-(-len(values) * fifth // 5) for fifth in range(1, 6)]
    ranked = sorted(values, key=lambda customer: (values[customer], int(customer)))
    return {customer: sum(n >= end for end in ends) + 1 for n, customer in enumerate(ranked)}


def test_the_cell_of_everybody_is_the_one_that_counting_the_file_gives(shop: Shop) -> None:
    days: dict[str, list[str]] = defaultdict(list)
    for customer, day, _ in shop.invoices:
        days[customer].append(day)
    recency = fifths({customer: max(mine) for customer, mine in days.items()})
    frequency = fifths({customer: len(mine) for customer, mine in days.items()})
    pence = Counter[str]()
    for customer, _, amount in shop.invoices:
        pence[customer] += amount
    monetary = fifths(pence)
    for number, person in shop.customers():
        score = scored(rfm.DEFINITION, shop.figures[person], shop.among, person=person)
        assert score.details == {"cell": f"{recency[number]}{frequency[number]}{monetary[number]}"}


def test_the_class_of_everybody_is_the_one_that_adding_up_gives(shop: Shop) -> None:
    pence = Counter[str]()
    for customer, _, amount in shop.invoices:
        pence[customer] += amount
    down = sorted(pence, key=lambda customer: (-pence[customer], int(customer)))
    sums = list(accumulate(pence[customer] for customer in down))
    last_of_a = next(n for n, reached in enumerate(sums) if reached >= sums[-1] * Decimal("0.8"))
    last_of_b = next(n for n, reached in enumerate(sums) if reached >= sums[-1] * Decimal("0.95"))
    wanted = {customer: "a" if n <= last_of_a else "b" if n <= last_of_b else "c" for n, customer in enumerate(down)}
    bands = {
        number: scored(turnover.DEFINITION, shop.figures[person], shop.among, person=person).band
        for number, person in shop.customers()
    }
    assert bands == wanted


def test_the_classes_come_to_the_whole_turnover(shop: Shop) -> None:
    sums = Counter[str | None]()
    for person, figures in shop.figures.items():
        score = scored(turnover.DEFINITION, figures, shop.among, person=person)
        assert score.value is not None
        sums[score.band] += int(score.value)
    whole = sum(amount for _, _, amount in shop.invoices)
    standing = shop.among.of("turnover", "GBP")
    assert standing is not None
    assert sums.total() == standing.total == whole
    assert sums["a"] * 100 >= whole * 80
    assert (sums["a"] + sums["b"]) * 100 >= whole * 95
