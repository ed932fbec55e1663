"""Engagement: what counts for it, how it fades, and that it fades for everybody alike."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from services.scoring.definitions.engagement import BANDS, DEFINITION, FACTORS
from services.scoring.numbers.figures import Figures
from services.scoring.numbers.standings import Statistics
from services.scoring.tests.facts import (
    AT,
    Told,
    bought,
    complained,
    lacks,
    parts,
    problem,
    scored,
    statistics,
    story,
)

WORTH = {
    "purchase": 3,
    "referral": 3,
    "idea": 3,
    "inbound": 2,
    "survey": 2,
    "comment": 2,
    "vote": 1,
    "expected": 1,
    "perceived": 1,
}
VOTE, COMMENT = Told("vote"), Told("comment")
FIVE = [story(*[VOTE] * n) for n in range(1, 6)]


def test_its_factors() -> None:
    assert FACTORS == WORTH


@pytest.mark.parametrize("measure", WORTH)
def test_what_has_just_happened_counts_whole(measure: str) -> None:
    mine = story(Told(measure))
    score = scored(DEFINITION, mine, statistics(mine), as_of=AT)
    assert parts(score) == {measure: pytest.approx(WORTH[measure], rel=1e-12)}
    assert score.value == pytest.approx(WORTH[measure], rel=1e-12)
    assert score.contributions[0].behind == [(measure, None)]
    assert score.details == {"half_life_days": 30}


@pytest.mark.parametrize(("days", "left"), [(0, 1), (30, 0.5), (45, 0.353553), (90, 0.125)])
def test_half_of_it_is_left_after_30_days(days: int, left: float) -> None:
    mine = story(bought(1), VOTE)
    score = scored(DEFINITION, mine, statistics(mine), as_of=AT + timedelta(days=days))
    assert score.value == pytest.approx(4 * left, abs=4e-6)


def test_it_is_added_up_whatever_it_is_about() -> None:
    mine = story(VOTE, bought(1), bought(1, currency="EUR"), replace(COMMENT, occurred_at=AT - timedelta(days=30)))
    score = scored(DEFINITION, mine, statistics(mine), as_of=AT)
    assert parts(score) == pytest.approx({"purchase": 6, "comment": 1, "vote": 1}, rel=1e-12)


@pytest.mark.parametrize(("number", "band"), list(enumerate(BANDS, 1)))
def test_it_is_told_in_fifths(number: int, band: str) -> None:
    assert scored(DEFINITION, FIVE[number - 1], statistics(*FIVE), person=UUID(int=number)).band == band


@pytest.mark.parametrize(
    ("mine", "band"),
    [
        (story(*[VOTE] * 3), "medium"),
        (story(*[VOTE] * 2, replace(VOTE, occurred_at=AT + timedelta(seconds=1))), "medium"),
        (story(*[VOTE] * 2, replace(VOTE, occurred_at=AT - timedelta(seconds=1))), "low"),
    ],
    ids=["on the edge", "a second later", "a second earlier"],
)
def test_a_second_decides_at_an_edge(mine: Figures, band: str) -> None:
    assert scored(DEFINITION, mine, statistics(*FIVE), person=UUID(int=3)).band == band


@pytest.mark.parametrize("told", [[], [complained()], [problem()], [Told("outbound")], [Told("problem_resolved")]])
def test_nothing_was_done_that_it_is_made_of(told: list[Told]) -> None:
    assert lacks(scored(DEFINITION, story(*told), statistics(*FIVE))) == "nothing_done"


@pytest.mark.parametrize("among", [None, statistics(story(problem()))])
def test_nobody_was_counted(among: Statistics | None) -> None:
    assert lacks(scored(DEFINITION, story(VOTE), among)) == "no_statistics"
