"""What fades: a figure that was published, and what must hold whatever is summed up and whenever it is read."""

import math
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.numbers.decay import HALF_LIFE_DAYS, added, at, summed, weight_at
from services.scoring.tests.facts import AT
from services.scoring.tests.story_strategies import any_time, these_days

YEAR_2, YEAR_9998 = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC)
FACTORS = st.integers(1, 9)
NO_MATTER = 1e-12


def one_by_one(weights: list[float]) -> float:
    """As a row is folded."""
    weight, *more = weights
    for each in more:
        weight = added(weight, each)
    return weight


class TestOneEvent:
    @pytest.mark.parametrize(
        ("days", "left"), [(0, 1), (30, 0.5), (45, 0.353553), (60, 0.25), (300, 2**-10), (-30, 2), (-60, 4)]
    )
    def test_of_it_half_is_left_after_30_days(self, days: int, left: float) -> None:
        assert HALF_LIFE_DAYS == 30
        assert at(weight_at(AT), AT + timedelta(days=days)) == pytest.approx(left, abs=5e-7)

    @pytest.mark.parametrize("happened", [YEAR_2, YEAR_9998])
    @pytest.mark.parametrize("read", [YEAR_2, AT, YEAR_9998])
    def test_at_either_end_of_the_calendar_it_is_a_number(self, happened: datetime, read: datetime) -> None:
        left = at(weight_at(happened), read)
        assert math.isfinite(left)
        assert left > 0
        assert (left < 1, left == 1, left > 1) == (happened < read, happened == read, happened > read)


class TestSums:
    @given(st.lists(st.tuples(FACTORS, these_days), min_size=1), these_days)
    def test_it_is_the_sum_that_the_definition_names(self, events: list[tuple[int, datetime]], read: datetime) -> None:
        plain = math.fsum(factor * 2 ** (-((read - moment) / timedelta(days=30))) for factor, moment in events)
        weight = summed((factor, weight_at(moment)) for factor, moment in events)
        assert weight is not None
        assert at(weight, read) == pytest.approx(plain, rel=1e-9)

    @given(st.lists(any_time | these_days, min_size=1, max_size=12), st.randoms(use_true_random=False))
    def test_the_order_is_of_no_matter(self, events: list[datetime], random: Random) -> None:
        weights = [weight_at(moment) for moment in events]
        shuffled = random.sample(weights, len(weights))
        at_once = summed((1, weight) for weight in weights)
        assert summed((1, weight) for weight in shuffled) == at_once
        for each in (one_by_one(weights), one_by_one(shuffled)):
            assert each == pytest.approx(at_once, rel=NO_MATTER, abs=NO_MATTER)

    @given(st.lists(these_days, min_size=1, max_size=12), st.randoms(use_true_random=False), these_days)
    def test_nor_to_what_is_read_of_it(self, events: list[datetime], random: Random, read: datetime) -> None:
        weights = [weight_at(moment) for moment in events]
        shuffled = random.sample(weights, len(weights))
        assert at(one_by_one(shuffled), read) == pytest.approx(at(one_by_one(weights), read), rel=NO_MATTER)

    @pytest.mark.parametrize("events", [[YEAR_2, YEAR_9998], [YEAR_9998, YEAR_2], [YEAR_9998] * 50, [YEAR_2] * 50])
    def test_the_ends_of_the_calendar_can_be_summed(self, events: list[datetime]) -> None:
        weights = [weight_at(moment) for moment in events]
        at_once = summed((9, weight) for weight in weights)
        assert at_once is not None
        assert math.isfinite(at_once)
        assert one_by_one(weights) + math.log2(9) == pytest.approx(at_once, rel=NO_MATTER)
        assert all(math.isfinite(at(at_once, read)) for read in (YEAR_2, AT, YEAR_9998))

    @pytest.mark.parametrize("nothing", [[], [(0, 7.0)]])
    def test_of_nothing_there_is_none(self, nothing: list[tuple[float, float]]) -> None:
        assert summed(nothing) is None

    def test_what_counts_nothing_changes_nothing(self) -> None:
        assert summed([(3, 7.0), (0, 9.0)]) == summed([(3, 7.0)])


@given(st.lists(st.lists(any_time | these_days, min_size=1, max_size=3), min_size=2, max_size=6), any_time | these_days)
def test_people_rank_at_every_moment_as_their_logarithms_do(people: list[list[datetime]], read: datetime) -> None:
    weights = sorted(one_by_one([weight_at(moment) for moment in each]) for each in people)
    values = [at(weight, read) for weight in weights]
    assert values == sorted(values)


@given(st.lists(these_days, min_size=2, max_size=6, unique=True), these_days)
def test_who_did_it_later_stands_above_at_every_moment(events: list[datetime], read: datetime) -> None:
    values = [at(weight_at(moment), read) for moment in sorted(events)]
    assert values == sorted(set(values))
