"""Health: a mean over what is known; what is not known is not nothing."""

from itertools import combinations
from uuid import UUID

import pytest

from services.scoring.definitions.health import DEFINITION
from services.scoring.numbers.scores import Score
from services.scoring.tests.facts import (
    Told,
    answered,
    complained,
    expected,
    lacks,
    parts,
    perceived,
    problem,
    scored,
    statistics,
    story,
)

DONE = Told("vote")
FIVE = statistics(*(story(*[DONE] * n) for n in range(1, 6)))
RIGHT = Told("problem_resolved"), Told("complaint_resolved")

# Each measure with what makes it known, as little as can be of anything else; those come to 100, 50, 75 and 0.
WEIGHTS = {"engagement": 3, "satisfaction": 3, "expectations": 2, "service": 2}
VALUES = {"satisfaction": 50, "expectations": 75, "service": 0}
KNOWN = {
    "satisfaction": [answered(5)],
    "expectations": [expected("price", 4), perceived("price", 7)],
    "service": [problem()],
}


def healthy(*told: Told) -> Score:
    """Without statistics, so that engagement is not known."""
    return scored(DEFINITION, story(*told))


class TestMeasures:
    @pytest.mark.parametrize(("number", "value"), list(enumerate([0, 25, 50, 75, 100], 1)))
    def test_engagement_is_by_fifths(self, number: int, value: int) -> None:
        score = scored(DEFINITION, story(*[DONE] * number), FIVE, person=UUID(int=number))
        assert (score.value, score.details, score.coverage) == (value, {"engagement": value}, 0.3)

    @pytest.mark.parametrize(
        ("told", "value"),
        [
            ([answered(0)], 0),
            ([answered(10)], 100),
            ([answered(1, "1-5")], 0),
            ([answered(2, "1-5")], 25),
            ([answered(1, "1-7")], 0),
            ([answered(4, "1-7")], 50),
            ([answered(0), answered(5, "1-5"), answered(4, "1-7")], 50),
        ],
    )
    def test_satisfaction_is_a_share_of_each_scale(self, told: list[Told], value: int) -> None:
        assert healthy(*told).details == {"satisfaction": value}

    @pytest.mark.parametrize(("before", "after", "value"), [(1, 7, 100), (4, 4, 50), (7, 1, 0), (4, 7, 75)])
    def test_expectations_are_met_in_the_middle(self, before: int, after: int, value: int) -> None:
        assert healthy(expected("price", before), perceived("price", after)).details == {"expectations": value}

    @pytest.mark.parametrize(
        ("told", "value"),
        [
            ([problem(), complained()], 0),
            ([problem(), complained(), RIGHT[0]], 50),
            ([problem(), complained(), *RIGHT], 100),
            ([problem(), *RIGHT], 100),
        ],
    )
    def test_service_is_what_was_put_right_of_what_went_wrong(self, told: list[Told], value: int) -> None:
        assert healthy(*told).details == {"service": value}


class TestMean:
    @pytest.mark.parametrize("missing", [each for n in range(3) for each in combinations(KNOWN, n)])
    def test_what_is_missing_is_left_out_and_not_counted_as_nothing(self, missing: tuple[str, ...]) -> None:
        names = [name for name in KNOWN if name not in missing]
        weight = sum(WEIGHTS[name] for name in names)
        score = healthy(*(each for name in names for each in KNOWN[name]))
        assert score.value == pytest.approx(sum(WEIGHTS[name] * VALUES[name] for name in names) / weight, rel=1e-12)
        assert score.coverage == weight / 10
        assert list(parts(score)) == names

    def test_everything_is_known(self) -> None:
        told = [each for known in KNOWN.values() for each in known]
        score = scored(DEFINITION, story(*told), statistics(story(*told), story(DONE)), person=UUID(int=1))
        assert score.coverage == 1
        assert score.details == VALUES | {"engagement": 50}
        assert parts(score) == pytest.approx({"engagement": 15, "satisfaction": 15, "expectations": 15, "service": 0})
        assert score.value == pytest.approx(45)

    def test_engagement_that_was_not_ranked_is_missing(self) -> None:
        assert healthy(DONE, answered(10)).details == {"satisfaction": 100}

    @pytest.mark.parametrize("told", [[], [DONE], [perceived("price", 4)], [RIGHT[0]], [Told("outbound")]])
    def test_nothing_is_known(self, told: list[Told]) -> None:
        assert lacks(healthy(*told)) == "nothing_known"


class TestBand:
    @pytest.mark.parametrize(
        ("right", "band"),
        [(0, "poor"), (39, "poor"), (40, "fair"), (69, "fair"), (70, "healthy"), (100, "healthy")],
    )
    def test_from_70_healthy_and_from_40_fair(self, right: int, band: str) -> None:
        score = healthy(*[problem()] * 100, *[RIGHT[0]] * right)
        assert (score.value, score.band) == (right, band)

    def test_also_where_adding_up_loses_the_last_digit(self) -> None:
        told = [answered(1), expected("price", 1), perceived("price", 6), *[problem()] * 3, RIGHT[0]]
        score = healthy(*told)
        assert score.value != 40
        assert score.value == pytest.approx(40, rel=1e-12)
        assert score.band == "fair"
