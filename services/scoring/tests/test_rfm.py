"""RFM: the table of its cells, and whom it places where."""

from collections import Counter
from datetime import timedelta
from itertools import product
from uuid import UUID

import pytest

from services.scoring.definitions.rfm import BAND_OF, DEFINITION, POPULATION
from services.scoring.numbers.figures import Figures
from services.scoring.numbers.scores import Population
from services.scoring.numbers.standings import Statistics
from services.scoring.tests.facts import AT, Told, bought, lacks, parts, refunded, scored, statistics, story

DAY = timedelta(days=1)


def times(n: int, amount: int, days_ago: int) -> Figures:
    """Bought so often, for so much each time, the last time so many days ago."""
    return story(*(bought(amount, at=AT - (days_ago + each) * DAY) for each in range(n)))


FIVE = [times(6 - n, 100 * (6 - n), 10 * n) for n in range(1, 6)]
AMONG = statistics(*FIVE)


def cell_of(figures: Figures, number: int, among: Statistics = AMONG) -> object:
    return scored(DEFINITION, figures, among, person=UUID(int=number)).details["cell"]


class TestTable:
    def test_it_covers_each_of_the_125_cells_once(self) -> None:
        assert len(BAND_OF) == 125
        assert set(BAND_OF) == set(product(range(1, 6), repeat=3))

    def test_each_of_the_ten_bands_has_cells(self) -> None:
        assert set(BAND_OF.values()) == DEFINITION.bands.keys()
        assert Counter(BAND_OF.values()) == {
            "champions": 9,
            "loyal": 17,
            "potential_loyalist": 24,
            "new": 3,
            "promising": 3,
            "need_attention": 13,
            "about_to_sleep": 12,
            "at_risk": 28,
            "cannot_lose": 6,
            "lost": 10,
        }

    @pytest.mark.parametrize(
        ("cell", "band"),
        [
            ((5, 5, 5), "champions"),
            ((5, 1, 1), "new"),
            ((5, 1, 3), "new"),
            ((5, 1, 4), "potential_loyalist"),
            ((5, 2, 1), "potential_loyalist"),
            ((5, 5, 2), "loyal"),
            ((5, 5, 3), "champions"),
            ((4, 1, 1), "promising"),
            ((4, 5, 4), "champions"),
            ((3, 5, 5), "loyal"),
            ((3, 3, 3), "need_attention"),
            ((3, 1, 1), "about_to_sleep"),
            ((2, 1, 3), "about_to_sleep"),
            ((2, 1, 4), "at_risk"),
            ((2, 5, 5), "cannot_lose"),
            ((1, 5, 5), "cannot_lose"),
            ((1, 5, 3), "at_risk"),
            ((1, 1, 5), "at_risk"),
            ((1, 1, 4), "lost"),
            ((1, 1, 1), "lost"),
        ],
    )
    def test_recency_then_frequency_then_monetary(self, cell: tuple[int, int, int], band: str) -> None:
        assert BAND_OF[cell] == band

    @pytest.mark.parametrize(
        ("recency", "bands"),
        [
            (5, {"new", "potential_loyalist", "loyal", "champions"}),
            (4, {"promising", "potential_loyalist", "loyal", "champions"}),
            (3, {"about_to_sleep", "need_attention", "loyal"}),
            (2, {"about_to_sleep", "at_risk", "cannot_lose"}),
            (1, {"lost", "at_risk", "cannot_lose"}),
        ],
    )
    def test_each_recency_has_its_bands(self, recency: int, bands: set[str]) -> None:
        assert {band for (r, _, _), band in BAND_OF.items() if r == recency} == bands


class TestScore:
    @pytest.mark.parametrize(("number", "cell"), list(enumerate(["555", "444", "333", "222", "111"], 1)))
    def test_everybody_is_in_the_cell_of_their_quintiles(self, number: int, cell: str) -> None:
        score = scored(DEFINITION, FIVE[number - 1], AMONG, person=UUID(int=number))
        quintiles = dict(zip(("recency", "frequency", "monetary"), map(int, cell), strict=True))
        assert (parts(score), score.details) == (quintiles, {"cell": cell})
        assert score.value == sum(quintiles.values())
        assert score.band == BAND_OF[int(cell[0]), int(cell[1]), int(cell[2])]

    def test_more_days_ago_is_less_recent(self) -> None:
        assert cell_of(times(3, 300, 31), 3) == "233"
        assert cell_of(times(3, 300, 29), 3) == "333"

    def test_what_was_paid_back_is_of_monetary_alone(self) -> None:
        told = [bought(300, at=AT - (30 + each) * DAY) for each in range(3)]
        assert cell_of(story(*told), 3) == "333"
        assert cell_of(story(*told, refunded(499)), 3) == "332"

    def test_a_purchase_that_is_told_late_counts_but_is_not_the_last(self) -> None:
        told = [bought(300, at=AT - (30 + each) * DAY) for each in range(3)]
        assert cell_of(story(*told, bought(700, at=AT - 900 * DAY)), 3) == "344"

    def test_among_equals_the_greater_contact_id_is_above(self) -> None:
        alike = statistics(*[times(1, 100, 1)] * 5)
        assert [cell_of(times(1, 100, 1), number, alike) for number in range(1, 6)] == [
            "111",
            "222",
            "333",
            "444",
            "555",
        ]

    def test_somebody_alone_is_in_the_first_quintiles(self) -> None:
        one = times(9, 900, 0)
        score = scored(DEFINITION, one, statistics(one), person=UUID(int=1))
        assert (score.value, score.band) == (3, "lost")

    def test_each_currency_has_its_own(self) -> None:
        both = story(bought(300, at=AT - 30 * DAY), bought(5, currency="EUR"))
        assert scored(DEFINITION, both, AMONG, currency="GBP").value is not None
        assert lacks(scored(DEFINITION, both, AMONG, currency="EUR")) == "no_statistics"


class TestMissing:
    @pytest.mark.parametrize("told", [[], [bought(5, currency="EUR")], [refunded(5)]])
    def test_nothing_was_bought_in_that_currency(self, told: list[Told]) -> None:
        assert lacks(scored(DEFINITION, story(*told), AMONG)) == "nothing_bought"

    @pytest.mark.parametrize("among", [None, statistics(story(bought(5, currency="EUR")))])
    def test_nobody_was_counted_in_that_currency(self, among: Statistics | None) -> None:
        assert lacks(scored(DEFINITION, times(1, 1, 1), among)) == "no_statistics"

    @pytest.mark.parametrize("population", POPULATION, ids=lambda each: each.measure)
    @pytest.mark.parametrize("told", [[], [bought(5, currency="EUR")], [refunded(5)]])
    def test_who_has_bought_nothing_takes_no_part(self, population: Population, told: list[Told]) -> None:
        assert population.value(story(*told), "GBP") is None

    @pytest.mark.parametrize("population", POPULATION, ids=lambda each: each.measure)
    def test_who_has_bought_for_nothing_does(self, population: Population) -> None:
        assert population.value(story(bought(0)), "GBP") is not None
