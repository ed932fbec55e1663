"""Voice and harm: two figures, of which neither is the other's opposite."""

import pytest

from services.scoring.definitions import harm, voice
from services.scoring.tests.facts import Told, answered, complained, lacks, parts, problem, scored, story

HEARD = [Told("idea", about="store"), Told("vote"), Told("comment"), answered(3), Told("inbound", about="web")]


class TestVoice:
    def test_everything_that_was_heard_counts_once(self) -> None:
        score = scored(voice.DEFINITION, story(*HEARD, answered(5, "1-5")))
        assert (score.value, parts(score)) == (6, {"idea": 1, "vote": 1, "comment": 1, "survey": 2, "inbound": 1})

    @pytest.mark.parametrize(("n", "band"), [(1, "occasional"), (4, "occasional"), (5, "vocal"), (99, "vocal")])
    def test_whose_voice_is_heard_five_times_is_vocal(self, n: int, band: str) -> None:
        assert scored(voice.DEFINITION, story(*[Told("vote")] * n)).band == band

    @pytest.mark.parametrize("told", [[], [complained(5)], [problem(5)], [Told("outbound")], [Told("referral")]])
    def test_nothing_was_heard(self, told: list[Told]) -> None:
        assert lacks(scored(voice.DEFINITION, story(*told))) == "nothing_said"


class TestHarm:
    def test_problems_and_complaints_by_how_bad_they_are(self) -> None:
        score = scored(harm.DEFINITION, story(problem(3), problem(2, "website"), complained(4)))
        assert (score.value, parts(score)) == (9, {"problems": 5, "complaints": 4})

    @pytest.mark.parametrize(
        ("severities", "band"),
        [([1], "low"), ([4], "low"), ([5], "medium"), ([5, 5, 4], "medium"), ([5] * 3, "high"), ([5] * 9, "high")],
    )
    def test_its_bands(self, severities: list[int], band: str) -> None:
        assert scored(harm.DEFINITION, story(*map(problem, severities))).band == band
        assert scored(harm.DEFINITION, story(*map(complained, severities))).band == band

    def test_what_was_put_right_was_harm_all_the_same(self) -> None:
        assert scored(harm.DEFINITION, story(problem(3), Told("problem_resolved"))).value == 3

    @pytest.mark.parametrize("told", [[], HEARD, [Told("complaint_resolved"), Told("complaint_escalated")]])
    def test_nothing_went_wrong(self, told: list[Told]) -> None:
        assert lacks(scored(harm.DEFINITION, story(*told))) == "no_harm"


def test_more_complaints_are_more_harm_and_no_less_voice() -> None:
    before, after = story(*HEARD, complained(2)), story(*HEARD, complained(2), complained(2))
    assert [scored(voice.DEFINITION, mine).value for mine in (before, after)] == [5, 5]
    assert [scored(harm.DEFINITION, mine).value for mine in (before, after)] == [2, 4]
