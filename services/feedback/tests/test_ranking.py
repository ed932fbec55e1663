"""Figures of rankings that others have published, and what must hold between them."""

from math import log10

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.feedback.ranking import HOT_S, hot, wilson

COUNTS = st.integers(0, 10**6)
SUBMITTED_S = 1_700_000_000


class TestTop:
    @pytest.mark.parametrize(
        ("up", "down", "bound"), [(1, 0, 0.206549), (99, 1, 0.945514), (0, 5, 0), (0, 0, 0), (0, 10**6, 0)]
    )
    def test_the_lower_bound_of_the_share(self, up: int, down: int, bound: float) -> None:
        assert wilson(up, down) == pytest.approx(bound, abs=5e-7)

    @given(COUNTS, COUNTS)
    def test_it_is_below_the_share_and_never_below_nothing(self, up: int, down: int) -> None:
        assert 0 <= wilson(up, down) <= up / max(up + down, 1)

    @given(COUNTS, COUNTS)
    def test_one_more_for_it_raises_it_and_one_more_against_lowers_it(self, up: int, down: int) -> None:
        assert wilson(up + 1, down) > wilson(up, down)
        assert wilson(up, down + 1) <= wilson(up, down)


class TestHot:
    def test_ten_people_weigh_one(self) -> None:
        assert hot(10, SUBMITTED_S) == pytest.approx(log10(10) + 1_700_000_000 / 45_000, abs=1e-9)

    def test_ten_times_the_people_weigh_twelve_and_a_half_hours(self) -> None:
        assert hot(100, SUBMITTED_S) == pytest.approx(hot(10, SUBMITTED_S + HOT_S), abs=1e-9)

    def test_nobody_and_one_weigh_nothing(self) -> None:
        assert hot(0, SUBMITTED_S) == hot(1, SUBMITTED_S) == hot(-1, SUBMITTED_S) == SUBMITTED_S / HOT_S

    def test_those_against_it_weigh_as_much_the_other_way(self) -> None:
        assert hot(-10, SUBMITTED_S) == pytest.approx(SUBMITTED_S / HOT_S - 1, abs=1e-9)
        assert hot(-100, SUBMITTED_S + HOT_S) == pytest.approx(hot(-10, SUBMITTED_S), abs=1e-9)
