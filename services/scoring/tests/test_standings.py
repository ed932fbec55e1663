"""Quintiles and Pareto classes, against ranks and sums that are counted otherwise."""

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.numbers.standings import (
    Cut,
    Kind,
    Standing,
    Statistics,
    cut_of,
    pareto,
    pareto_class,
    quintile,
    quintiles,
)
from services.scoring.tests.facts import ME, NOW

Values = Sequence[int | float]

few_values = st.lists(st.integers(-3, 3), min_size=1, max_size=40)  # among which many are equal
any_values = st.lists(st.integers(-(2**63), 2**63), min_size=1, max_size=40)


def people(values: Values) -> list[Cut]:
    """Numbered, so that among equals who comes first in the list is first."""
    return [Cut(value, UUID(int=n)) for n, value in enumerate(values)]


def quintiles_of(values: Values) -> list[int]:
    standing = quintiles(people(values))
    return [quintile(standing, *each) for each in people(values)]


def classes_of(values: Values) -> str:
    standing = pareto(people(values))
    return "".join(pareto_class(standing, *each) for each in people(values))


def ranks(values: Values) -> list[int]:
    """How many stand below each: by counting, not by sorting."""
    return [
        sum(other < value or (other == value and m < n) for m, other in enumerate(values))
        for n, value in enumerate(values)
    ]


class TestQuintiles:
    @pytest.mark.parametrize("n", range(1, 13))
    def test_the_place_i_of_n_is_in_quintile_5_i_by_n(self, n: int) -> None:
        values = Random(n).sample(range(1_000), n)
        assert quintiles_of(values) == [rank * 5 // n + 1 for rank in ranks(values)]

    @given(few_values | any_values)
    def test_among_equals_the_contact_id_decides(self, values: list[int]) -> None:
        assert quintiles_of(values) == [rank * 5 // len(values) + 1 for rank in ranks(values)]

    @given(few_values | any_values)
    def test_everybody_is_in_one_and_all_are_alike_in_size(self, values: list[int]) -> None:
        sizes = Counter(quintiles_of(values))
        assert sizes.keys() <= {1, 2, 3, 4, 5}
        assert sizes.total() == len(values)
        assert max(sizes.values()) - min(sizes[each] for each in range(1, 6)) <= 1

    @given(few_values, st.integers(-4, 4), st.integers(0, 99))
    def test_who_was_not_counted_stands_with_the_last_who_is_not_above(
        self, values: list[int], value: int, number: int
    ) -> None:
        standing = quintiles(people(values))
        not_above = [each for each in people(values) if each <= (value, UUID(int=number))]
        with_whom = quintile(standing, *max(not_above)) if not_above else 1
        assert quintile(standing, value, UUID(int=number)) == with_whom

    @given(few_values, st.randoms(use_true_random=False))
    def test_the_order_in_which_people_are_counted_is_of_no_matter(self, values: list[int], random: Random) -> None:
        shuffled = random.sample(people(values), len(values))
        assert quintiles(shuffled) == quintiles(people(values))

    @pytest.mark.parametrize(
        ("n", "firsts"), [(1, [None] * 4), (2, [None, 1, None, None]), (4, [1, 2, 3, None]), (5, [1, 2, 3, 4])]
    )
    def test_an_empty_quintile_has_no_first(self, n: int, firsts: list[int | None]) -> None:
        cuts = [None if first is None else Cut(10 * first, UUID(int=first)) for first in firsts]
        assert quintiles(people(range(0, 10 * n, 10))) == Standing(Kind.QUINTILES, n, cuts)

    def test_of_nobody_everybody_is_in_the_first(self) -> None:
        assert quintile(quintiles([]), 7, ME) == 1


def classes_by_shares(values: Values) -> str:
    """Each by the share of the peak that those before have together."""
    before, found = 0, {}
    peak = sum(int(value) for value in values if value > 0)
    for value, n in sorted((-value, n) for n, value in enumerate(values)):
        share = Fraction(before, peak) if value < 0 else Fraction(1)
        found[n] = "a" if share < Fraction(80, 100) else "b" if share < Fraction(95, 100) else "c"
        before -= int(value)
    return "".join(found[n] for n in range(len(values)))


class TestPareto:
    @pytest.mark.parametrize(
        ("values", "classes"),
        [
            ([80, 15, 5], "abc"),
            ([5, 80, 15], "cab"),
            ([79, 16, 5], "aac"),
            ([79, 15, 6], "aab"),
            ([80, 14, 6], "abb"),
            ([81, 15, 4], "abc"),
            ([7], "a"),
            ([7, 7], "aa"),
            ([10] * 10, "aaaaaaaabb"),
            ([1] * 100, "a" * 80 + "b" * 15 + "c" * 5),
            ([100, 0, 0], "acc"),
            ([100, -50], "ac"),
            ([80, 15, 5, -1_000], "abcc"),
        ],
    )
    def test_a_to_80_percent_b_to_95_and_c_the_rest(self, values: list[int], classes: str) -> None:
        assert classes_of(values) == classes

    @pytest.mark.parametrize("values", [[0], [0, 0], [-5], [-5, -7, 0]])
    def test_who_brings_nothing_is_c_though_nobody_brings_more(self, values: list[int]) -> None:
        assert pareto(people(values)) == Standing(Kind.PARETO, len(values), [None, None], sum(values))
        assert classes_of(values) == "c" * len(values)

    @given(few_values | any_values)
    def test_it_is_told_by_the_share_of_those_before(self, values: list[int]) -> None:
        assert classes_of(values) == classes_by_shares(values)

    @given(few_values | any_values)
    def test_losses_are_of_the_total_but_not_of_the_peak(self, values: list[int]) -> None:
        assert pareto(people(values)).total == sum(values)
        gains = [max(value, 0) for value in values]
        assert [each for each in classes_of(gains) if each != "c"] == [
            each for each in classes_of(values) if each != "c"
        ]

    @given(few_values | any_values, st.randoms(use_true_random=False))
    def test_the_order_in_which_people_are_counted_is_of_no_matter(self, values: list[int], random: Random) -> None:
        assert pareto(random.sample(people(values), len(values))) == pareto(people(values))

    def test_of_nobody_there_are_no_cuts(self) -> None:
        assert pareto([]) == Standing(Kind.PARETO, 0, [None, None], 0)


def test_each_kind_is_cut_in_its_way() -> None:
    some = people([3, 1, 2])
    assert [cut_of(kind, some) for kind in Kind] == [quintiles(some), pareto(some)]


def test_a_standing_is_found_by_measure_and_currency() -> None:
    pounds, people_ = pareto(people([1])), quintiles(people([2]))
    published = Statistics(1, NOW, {("turnover", "GBP"): pounds, ("engagement", ""): people_})
    assert published.of("turnover", "GBP") is pounds
    assert published.of("engagement") is people_
    assert published.of("turnover", "EUR") is published.of("turnover") is published.of("problems") is None
