"""Pareto classes by turnover, profit and problems: the few who come to most of it."""

from uuid import UUID

import pytest

from services.scoring.definitions import problems, profit, turnover
from services.scoring.numbers.figures import Figures
from services.scoring.numbers.money import currencies, is_costed
from services.scoring.numbers.scores import Definition
from services.scoring.tests.facts import (
    Told,
    bought,
    lacks,
    parts,
    problem,
    refunded,
    scored,
    served,
    statistics,
    story,
)


def bands(definition: Definition, *people: Figures) -> str:
    among = statistics(*people)
    each = (scored(definition, mine, among, person=UUID(int=number)).band for number, mine in enumerate(people, 1))
    return "".join(band or "-" for band in each)


class TestTurnover:
    def test_the_classes_of_everybody(self) -> None:
        assert bands(turnover.DEFINITION, *(story(bought(amount)) for amount in (5, 80, 15, 0))) == "cabc"

    def test_what_was_paid_back_is_taken_off(self) -> None:
        mine = story(bought(100), bought(30), refunded(50))
        score = scored(turnover.DEFINITION, mine, statistics(mine))
        assert (score.value, parts(score)) == (80, {"purchases": 130, "refunds": -50})

    def test_without_a_refund_there_is_one_part(self) -> None:
        mine = story(bought(100))
        assert parts(scored(turnover.DEFINITION, mine, statistics(mine))) == {"purchases": 100}

    def test_who_took_back_more_than_they_paid_is_c(self) -> None:
        assert bands(turnover.DEFINITION, story(bought(10), refunded(30)), story(bought(5))) == "ca"

    def test_another_currency_is_another_matter(self) -> None:
        mine = story(bought(100), bought(7, currency="EUR"), refunded(3, "EUR"))
        score = scored(turnover.DEFINITION, mine, statistics(mine), currency="EUR")
        assert (score.value, score.contributions[0].behind) == (4, [("purchase", "EUR")])

    @pytest.mark.parametrize("told", [[], [bought(5, currency="EUR")], [refunded(5)]])
    def test_nothing_was_bought(self, told: list[Told]) -> None:
        among = statistics(story(bought(1)))
        assert lacks(scored(turnover.DEFINITION, story(*told), among)) == "nothing_bought"


class TestProfit:
    def test_purchases_less_all_that_they_cost(self) -> None:
        mine = story(bought(100, cost=60), bought(50, cost=10), refunded(20), served(7))
        score = scored(profit.DEFINITION, mine, statistics(mine))
        assert parts(score) == {"purchases": 150, "cost": -70, "refunds": -20, "cost_to_serve": -7}
        assert (score.value, score.band, score.coverage) == (53, "a", 1)

    def test_a_purchase_whose_cost_is_not_known_is_left_out_and_shows_in_the_coverage(self) -> None:
        mine = story(bought(100, cost=60), bought(50), bought(50), bought(50))
        score = scored(profit.DEFINITION, mine, statistics(mine))
        assert (score.value, score.coverage) == (40, 0.25)

    @pytest.mark.parametrize(("cost", "band"), [(99, "a"), (100, "c"), (101, "d"), (9_999, "d")])
    def test_who_costs_more_than_they_bring_is_d(self, cost: int, band: str) -> None:
        mine = story(bought(100, cost=cost))
        assert scored(profit.DEFINITION, mine, statistics(mine)).band == band

    @pytest.mark.parametrize("more", [refunded(41), served(41), bought(9, cost=50)])
    def test_whatever_they_cost_counts(self, more: Told) -> None:
        mine = story(bought(100, cost=60), more)
        score = scored(profit.DEFINITION, mine, statistics(mine))
        assert (score.value, score.band) == (-1, "d")

    def test_shares_are_of_the_peak_beyond_which_losses_lie(self) -> None:
        gains = story(bought(80, cost=0)), story(bought(15, cost=0)), story(bought(5, cost=0))
        assert bands(profit.DEFINITION, *gains, story(bought(5, cost=5)), story(bought(5, cost=95))) == "abccd"

    def test_of_losses_alone_all_are_d(self) -> None:
        assert bands(profit.DEFINITION, story(bought(0, cost=1)), story(bought(1, cost=5))) == "dd"

    @pytest.mark.parametrize("told", [[], [bought(5)], [bought(5), served(5)], [bought(5, 4, currency="EUR")]])
    def test_of_no_purchase_is_the_cost_known(self, told: list[Told]) -> None:
        among = statistics(story(bought(1, cost=0)))
        assert lacks(scored(profit.DEFINITION, story(*told), among)) == "cost_unknown"

    def test_a_purchase_of_nothing_that_costs_nothing_is_known(self) -> None:
        score = scored(profit.DEFINITION, story(bought(0, cost=0)), statistics(story(bought(1, cost=0))))
        assert (score.value, score.band) == (0, "c")


class TestProblems:
    def test_the_few_who_have_most_of_them(self) -> None:
        assert bands(problems.DEFINITION, *(story(*[problem()] * n) for n in (5, 80, 15, 0))) == "ca" + "b-"

    def test_how_many_by_touchpoint_however_bad(self) -> None:
        mine = story(problem(5), problem(1), problem(3, "website"))
        score = scored(problems.DEFINITION, mine, statistics(mine))
        assert (score.value, parts(score)) == (3, {"store": 2, "website": 1})

    def test_no_problem_was_reported(self) -> None:
        assert lacks(scored(problems.DEFINITION, story(bought(1)), statistics(story(problem())))) == "no_problems"


@pytest.mark.parametrize(
    "definition", [turnover.DEFINITION, profit.DEFINITION, problems.DEFINITION], ids=lambda d: d.id
)
def test_before_anybody_was_counted_nobody_has_a_class(definition: Definition) -> None:
    mine = story(bought(1, cost=0), problem())
    assert lacks(scored(definition, mine, None)) == "no_statistics"
    assert lacks(scored(definition, mine, statistics(story(bought(1, 0, currency="EUR"))))) == "no_statistics"


def test_somebody_has_bought_in_several_currencies() -> None:
    mine = story(bought(1), bought(1, cost=1, currency="EUR"), refunded(1, "USD"))
    assert currencies(mine) == ["EUR", "GBP"]
    assert [is_costed(mine, currency) for currency in ("EUR", "GBP", None)] == [True, False, False]
