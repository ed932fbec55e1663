"""The expectation gap: what was perceived less what was expected, by how much each factor matters."""

from datetime import timedelta

import pytest

from services.scoring.definitions.expectation_gap import DEFINITION
from services.scoring.numbers.figures import Figures
from services.scoring.tests.facts import AT, Told, expected, lacks, parts, perceived, scored, story

FACTORS = ("price", "quality", "reliability", "location")


def gaps(*gap_and_importance: tuple[int, int]) -> Figures:
    """Of each factor 4 was expected."""
    told = []
    for about, (gap, importance) in zip(FACTORS, gap_and_importance, strict=False):
        told += [expected(about, 4, importance), perceived(about, 4 + gap)]
    return story(*told)


class TestValue:
    @pytest.mark.parametrize(("gap", "importance"), [(3, 1), (0, 5), (-3, 2)])
    def test_of_one_factor_it_is_the_gap_however_important(self, gap: int, importance: int) -> None:
        assert scored(DEFINITION, gaps((gap, importance))).value == gap

    def test_of_several_it_is_the_mean_by_importance(self) -> None:
        score = scored(DEFINITION, gaps((3, 1), (-1, 3)))
        assert (score.value, parts(score)) == (0, {"price": 0.75, "quality": -0.75})
        assert score.details == {"gaps": {"price": 3, "quality": -1}}
        assert score.contributions[0].behind == [("expected", "price"), ("importance", "price"), ("perceived", "price")]

    def test_the_last_word_on_each_counts(self) -> None:
        before = AT - timedelta(days=1)
        told = (
            expected("price", 6, importance=2),
            perceived("price", 5),
            expected("quality", 4),
            perceived("quality", 4),
        )
        earlier = expected("price", 1, importance=5, at=before), perceived("price", 1, at=before)
        assert scored(DEFINITION, story(*told, *earlier)).value == pytest.approx(-2 / 3, rel=1e-12)


class TestBand:
    @pytest.mark.parametrize(
        ("figures", "band"),
        [
            (gaps((1, 1), (0, 1)), "exceeded"),
            (gaps((2, 2), (0, 5)), "exceeded"),
            (gaps((3, 1), (0, 5), (0, 1)), "met"),
            (gaps((0, 1)), "met"),
            (gaps((-3, 1), (0, 5), (0, 1)), "met"),
            (gaps((-1, 1), (0, 1)), "missed"),
            (gaps((-3, 1)), "missed"),
        ],
    )
    def test_half_a_point_is_more_or_less_than_expected(self, figures: Figures, band: str) -> None:
        assert scored(DEFINITION, figures).band == band

    @pytest.mark.parametrize(
        ("figures", "band"), [(gaps((-3, 1), (-2, 1), (2, 4)), "exceeded"), (gaps((-2, 1), (3, 1), (-1, 4)), "missed")]
    )
    def test_also_where_adding_up_loses_the_last_digit(self, figures: Figures, band: str) -> None:
        score = scored(DEFINITION, figures)
        assert score.value not in (0.5, -0.5)
        assert score.value == pytest.approx(0.5 if band == "exceeded" else -0.5, rel=1e-12)
        assert score.band == band


class TestMissing:
    @pytest.mark.parametrize(
        "told", [[], [expected("price", 4)], [perceived("price", 4)], [expected("price", 4), perceived("quality", 4)]]
    )
    def test_of_no_factor_are_both_known(self, told: list[Told]) -> None:
        assert lacks(scored(DEFINITION, story(*told))) == "no_pair"

    def test_its_coverage_is_the_share_of_expectations_that_were_assessed(self) -> None:
        told = [expected(about, 4) for about in FACTORS]
        score = scored(DEFINITION, story(*told, perceived("price", 5)))
        assert (score.value, score.coverage) == (1, 0.25)

    def test_what_nobody_expected_is_of_no_matter(self) -> None:
        score = scored(DEFINITION, story(expected("price", 4), perceived("price", 5), perceived("quality", 1)))
        assert (score.value, score.coverage) == (1, 1)
