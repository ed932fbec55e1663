"""What stories come to: counted from facts, or joined from the rows of a person's names."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.events.topics import FEEDBACK, INTERACTIONS
from services.scoring.numbers import decay
from services.scoring.numbers.figures import Figure, Figures, Place, counted, joined
from services.scoring.tests.facts import AT, Told, answered, bought, complained, expected, problem, refunded, story
from services.scoring.tests.story_strategies import any_time

LATER = AT + timedelta(days=1)
ON_INTERACTIONS = (INTERACTIONS.number, 4)


@dataclass(frozen=True)
class Kept:
    """A row of the table of figures."""

    measure: str
    about: str
    topic: int
    partition: int
    n: int
    total: int
    first_at: datetime
    last_at: datetime
    last_offset: int
    last_amount: int
    weight: float
    also_n: int = 0


def kept(n: int = 1, total: int = 5, last_at: datetime = AT, offset: int = 7, amount: int = 5, **more: object) -> Kept:
    plain = Kept("survey", "0-10", *ON_INTERACTIONS, n, total, AT, last_at, offset, amount, decay.weight_at(last_at))
    return Kept(**(asdict(plain) | more))


class TestOneName:
    def test_a_row_is_a_figure(self) -> None:
        assert joined([kept(2, 9, LATER, 8, 4)]).get("survey", "0-10") == Figure(
            2, 9, AT, Place(LATER, *ON_INTERACTIONS, 8), 4, decay.weight_at(LATER)
        )

    def test_counted_from_facts(self) -> None:
        told = answered(5, at=LATER), answered(9), answered(3)
        figure = story(*told).get("survey", "0-10")
        assert figure is not None
        assert (figure.n, figure.total, figure.first_at, figure.last_at, figure.last_amount) == (3, 17, AT, LATER, 5)
        assert figure.last == Place(LATER, *ON_INTERACTIONS, 0)
        assert decay.at(figure.weight, LATER) == pytest.approx(1 + 2 * 2 ** (-1 / 30), rel=1e-12)

    def test_a_second_amount_is_a_figure_of_its_own(self) -> None:
        figures = story(bought(10, cost=7), bought(5), expected("price", 6, importance=2))
        assert [(key, figure.n, figure.total) for key, figure in figures.items()] == [
            (("cost", "GBP"), 1, 7),
            (("expected", "price"), 1, 6),
            (("importance", "price"), 1, 2),
            (("purchase", "GBP"), 2, 15),
            (("purchase_costed", "GBP"), 1, 10),
        ]


class TestSeveralNames:
    def test_what_they_did_is_added_up(self) -> None:
        figure = joined([kept(2, 9, LATER, 8, 4), kept(3, 20, AT, 9, 7, first_at=AT - timedelta(days=9))]).get(
            "survey", "0-10"
        )
        assert figure is not None
        assert (figure.n, figure.total, figure.first_at) == (5, 29, AT - timedelta(days=9))
        assert (figure.last, figure.last_amount) == (Place(LATER, *ON_INTERACTIONS, 8), 4)

    @pytest.mark.parametrize(
        "last",
        [
            kept(last_at=LATER, amount=1),
            kept(topic=FEEDBACK.number, partition=0, offset=0, amount=1),
            kept(partition=5, offset=0, amount=1),
            kept(offset=8, amount=1),
        ],
        ids=["time", "topic", "partition", "offset"],
    )
    def test_the_last_is_so_by_time_then_as_timelines_are_ordered(self, last: Kept) -> None:
        for rows in permutations([kept(), last, kept(offset=3)]):
            figure = joined(rows).get("survey", "0-10")
            assert figure is not None
            assert figure.last_amount == 1

    @given(
        st.lists(st.tuples(any_time, st.integers(1, 10), st.sampled_from("abc")), min_size=1, max_size=12),
        st.randoms(use_true_random=False),
    )
    def test_they_come_to_what_one_name_would_that_had_everything(
        self, events: Sequence[tuple[datetime, int, str]], random: Random
    ) -> None:
        told = [Told("survey", score, "0-10", None, at, n) for n, (at, score, _) in enumerate(events)]
        names = {name: [told[n] for n, (*_, each) in enumerate(events) if each == name] for *_, name in events}
        rows = [row for mine in names.values() for row in rows_of(counted(mine))]
        one, whole = joined(rows).get("survey", "0-10"), counted(told).get("survey", "0-10")
        assert one is not None
        assert whole is not None
        assert one.weight == pytest.approx(whole.weight, rel=1e-9, abs=1e-9)
        assert (one.n, one.total, one.first_at, one.last, one.last_amount) == (
            (whole.n, whole.total, whole.first_at, whole.last, whole.last_amount)
        )
        assert joined(random.sample(rows, len(rows))) == joined(rows)
        assert counted(random.sample(told, len(told))) == counted(told)

    def test_when_they_are_parted_again_each_has_their_own(self) -> None:
        ada, grace = rows_of(story(answered(9), bought(7))), rows_of(story(answered(1, at=LATER), problem()))
        before = joined(ada), joined(grace)
        assert joined([*ada, *grace]) not in before
        assert (joined(ada), joined(grace)) == before == (story(answered(9), bought(7)), joined(grace))


def rows_of(figures: Figures) -> list[Kept]:
    return [
        Kept(
            *key, f.last.topic, f.last.partition, f.n, f.total, f.first_at, f.last_at, f.last.offset, f.last_amount,
            f.weight,
        )
        for key, f in figures.items()
    ]  # fmt: skip


class TestReading:
    FIGURES = story(problem(3), problem(2, "website"), problem(5, "website"), complained(4), refunded(7))

    def test_one_of_a_measure(self) -> None:
        assert (self.FIGURES.n("problem", "website"), self.FIGURES.total("problem", "website")) == (2, 7)

    def test_all_of_a_measure(self) -> None:
        assert (self.FIGURES.count("problem"), self.FIGURES.sum("problem")) == (3, 10)
        assert {about: figure.n for about, figure in self.FIGURES.of("problem").items()} == {"store": 1, "website": 2}
        assert list(self.FIGURES.of("problem")) == ["store", "website"]

    def test_what_is_not_there_counts_as_nothing_and_is_none(self) -> None:
        figures = self.FIGURES
        assert figures.get("problem", "billing") is figures.get("vote") is None
        assert figures.n("vote") == figures.total("vote") == figures.count("vote") == figures.sum("vote") == 0
        assert figures.of("vote") == {}

    def test_measures_fade_by_their_factors(self) -> None:
        weight = self.FIGURES.weight({"problem": 2, "complaint": 5, "vote": 9})
        assert weight is not None
        assert decay.at(weight, AT) == pytest.approx(3 * 2 + 1 * 5, rel=1e-12)

    def test_of_nothing_that_counts_there_is_no_weight(self) -> None:
        assert self.FIGURES.weight({"vote": 9}) is None

    def test_nobody_has_none(self) -> None:
        assert not joined([])
        assert joined([]) == story() == Figures({})
        assert self.FIGURES
        assert story(problem(3)) != self.FIGURES

    def test_at_the_ends_of_the_calendar(self) -> None:
        early, late = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC)
        figure = story(answered(1, at=late), answered(2, at=early)).get("survey", "0-10")
        assert figure is not None
        assert (figure.first_at, figure.last_at, figure.last_amount) == (early, late, 1)
        assert figure.weight == decay.weight_at(late)
