"""Advocacy: who speaks for us, and that a complaint is no reason to be called a saboteur."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.definitions.advocacy import DEFINITION
from services.scoring.tests.facts import AT, Told, answered, complained, lacks, parts, scored, story

REFERRAL = Told("referral")

complaints = st.lists(st.builds(complained, st.integers(1, 5)), max_size=9)


def referred(n: int) -> list[Told]:
    return [REFERRAL] * n


class TestValue:
    @pytest.mark.parametrize(("answer", "value"), [(0, -2), (6, -2), (7, 0), (8, 0), (9, 2), (10, 2)])
    def test_of_an_answer(self, answer: int, value: int) -> None:
        score = scored(DEFINITION, story(answered(answer)))
        assert (score.value, parts(score)) == (value, {"recommendation": value})

    @pytest.mark.parametrize(("n", "value"), [(1, 1), (2, 2), (3, 2), (50, 2)])
    def test_of_referrals_at_most_two_count(self, n: int, value: int) -> None:
        score = scored(DEFINITION, story(*referred(n)))
        assert (score.value, parts(score)) == (value, {"referrals": value})

    def test_of_both_together(self) -> None:
        score = scored(DEFINITION, story(answered(3), *referred(1)))
        assert (score.value, parts(score)) == (-1, {"recommendation": -2, "referrals": 1})

    def test_the_last_answer_counts(self) -> None:
        earlier = answered(10, at=AT - timedelta(days=1))
        assert scored(DEFINITION, story(answered(0), earlier)).value == -2

    def test_an_answer_on_another_scale_does_not(self) -> None:
        assert lacks(scored(DEFINITION, story(answered(5, "1-5"), answered(7, "1-7")))) == "never_asked"


class TestBand:
    @pytest.mark.parametrize(
        ("answer", "referrals", "band"),
        [
            (10, 2, "advocate"),
            (9, 1, "advocate"),
            (9, 0, "supporter"),
            (8, 2, "supporter"),
            (7, 1, "supporter"),
            (7, 0, "neutral"),
            (6, 2, "neutral"),
            (6, 1, "detractor"),
            (0, 0, "detractor"),
        ],
    )
    def test_by_answer_and_referrals(self, answer: int, referrals: int, band: str) -> None:
        assert scored(DEFINITION, story(answered(answer), *referred(referrals))).band == band

    def test_who_only_refers_is_a_supporter(self) -> None:
        assert scored(DEFINITION, story(*referred(9))).band == "supporter"

    @pytest.mark.parametrize(
        ("answer", "severities", "band"),
        [
            (3, [5, 4], "saboteur"),
            (0, [3, 3, 3], "saboteur"),
            (3, [5, 3], "detractor"),
            (4, [5, 4], "detractor"),
            (0, [5], "detractor"),
            (7, [5] * 9, "neutral"),
            (10, [5] * 9, "supporter"),
        ],
    )
    def test_a_saboteur_is_angry_and_harmed(self, answer: int, severities: list[int], band: str) -> None:
        score = scored(DEFINITION, story(answered(answer), *map(complained, severities)))
        assert (score.band, score.details) == (band, {"harm": sum(severities)})

    @pytest.mark.parametrize(("referrals", "band"), [(0, "saboteur"), (1, "saboteur"), (2, "neutral")])
    def test_nobody_who_comes_to_nothing_or_more_is_one(self, referrals: int, band: str) -> None:
        assert scored(DEFINITION, story(answered(0), *[complained(5)] * 9, *referred(referrals))).band == band

    @given(complaints, st.integers(0, 3))
    def test_complaints_alone_never_make_one(self, many: list[Told], referrals: int) -> None:
        score = scored(DEFINITION, story(*many, *referred(referrals)))
        assert score.band == ("supporter" if referrals else "unknown")

    @given(st.integers(0, 10), st.integers(1, 5), st.integers(0, 3))
    def test_one_complaint_never_does_whatever_was_answered(self, answer: int, severity: int, referrals: int) -> None:
        told = [answered(answer), complained(severity), *referred(referrals)]
        assert scored(DEFINITION, story(*told)).band != "saboteur"


def test_who_was_never_asked_and_refers_nobody_is_unknown() -> None:
    score = scored(DEFINITION, story(complained(5)))
    assert (lacks(score), score.band) == ("never_asked", "unknown")
