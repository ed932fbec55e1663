"""Rows of facts, figures, statistics and classes, whole."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import reduce
from types import SimpleNamespace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from libs.events.catalog.fields import INT64_MAX
from libs.events.catalog.registry import CATALOG
from libs.events.fold import Fact, Row, RowKey
from libs.events.position import Partition
from libs.events.times import utc_text
from libs.events.topics import FEEDBACK, INTERACTIONS, SCORING
from services.scoring.numbers import decay
from services.scoring.numbers.figures import Figures, counted, joined
from services.scoring.projection import (
    class_keys,
    fact_rows,
    figure_keys,
    fold_class,
    fold_figure,
    statistics_rows,
)
from services.scoring.tables import classes, facts, figures, statistics
from services.scoring.tests.facts import AT, NODE, RECORDED_AT, Told, fact
from services.scoring.tests.story_strategies import moments

PURCHASE = "interactions.purchase.recorded"
PLACE = (INTERACTIONS.number, 4)
OTHER = "11111111-5a69-8788-9a0b-1c2d3e4f5061"
SHOP = ("example-purchase.recorded.v1", "urn:example:shop")
ANNOUNCED: Row = {
    "contact": UUID(NODE),
    "definition": "rfm",
    "currency": "GBP",
    "band": "champions",
    "head": 1,
    "version": 1,
    "since": datetime(2026, 3, 2, 10, 15, tzinfo=UTC),
    "event_id": CATALOG["rapport.scoring.class.changed.v1"].example["id"],
    "partition": 4,
    "offset": 7,
}

Rows = dict[RowKey, Row]


def purchase(amount: int, offset: int, at: datetime, **more: object) -> Fact:
    data = {"amount_minor": amount, "cost_minor": None}
    return fact(PURCHASE, offset, data=data, time=utc_text(at), id=f"order-{offset}", **more)


def costed(amount: int, cost: int, offset: int, at: datetime) -> Fact:
    data = {"amount_minor": amount, "cost_minor": cost}
    return fact(PURCHASE, offset, data=data, time=utc_text(at), id=f"order-{offset}")


def fold(told: Sequence[Fact], rows: Rows | None = None) -> Rows:
    """What is made of facts in the order of the log, each row after what is there of it."""
    folded = dict(rows or {})
    for each in told:
        for key in figure_keys(each):
            row = fold_figure(folded.get(key), each, key)
            assert row is not None
            folded[key] = row
    return folded


def figures_of(rows: Rows) -> Figures:
    return joined(SimpleNamespace(**row) for row in rows.values())


class TestFacts:
    def test_an_event_that_a_number_comes_from_is_one_row(self) -> None:
        told = fact(PURCHASE)
        row = (told.name, told.digest, NODE, "purchase", "2026-03-02T10:15:00Z", "2", "4", "7", "GBP", "1230", "710")
        assert fact_rows(told) == ((*row, *SHOP),)
        assert len(fact_rows(told)[0]) == len(facts.columns)

    def test_without_a_second_amount_and_without_a_time(self) -> None:
        ((*_, at, topic, partition, offset, about, amount, also, _, _),) = fact_rows(
            fact("interactions.referral.made", 9, time=None)
        )
        assert (at, topic, partition, offset, about, amount, also) == (RECORDED_AT, "2", "4", "9", "", "1", None)

    @pytest.mark.parametrize("key", [NODE, "no uuid"])
    def test_of_another_observation_only_the_name_is_kept(self, key: str) -> None:
        other = replace(fact("interactions.need.stated", id="nul \x00"), key=key)
        row = (other.name, other.digest, str(UUID(int=0)), "", "2026-03-02T10:15:00Z", "2", "4", "7", "", "0", None)
        assert (fact_rows(other), figure_keys(other)) == (((*row, "", ""),), ())

    @pytest.mark.parametrize("name", ["contacts.identifier.linked", "feedback.board.opened", "scoring.class.changed"])
    def test_the_names_of_claims_and_decisions_are_kept_elsewhere(self, name: str) -> None:
        other = fact(name)
        assert (fact_rows(other), figure_keys(other)) == ((), ())


ALSO = "n", "base", "total", "first_at", "last_at", "last_offset", "last_base", "last_amount", "weight"
NO_ALSO = [f"also_{name}" for name in ALSO[1:]]


class TestFigures:
    KEY: RowKey = (UUID(NODE), "purchase", "GBP", *PLACE)

    def test_the_first_fact_makes_a_row(self) -> None:
        rows = fold([purchase(500, 7, AT)])
        assert rows == {
            self.KEY: {
                "node": UUID(NODE),
                "measure": "purchase",
                "about": "GBP",
                "topic": 2,
                "partition": 4,
                "name": "crm:4711",
                "n": 1,
                "total": 500,
                "first_at": AT,
                "last_at": AT,
                "last_offset": 7,
                "last_amount": 500,
                "weight": decay.weight_at(AT),
                "also_n": 0,
                **dict.fromkeys(NO_ALSO),
            }
        }
        assert rows[self.KEY].keys() == {column.name for column in figures.columns}
        assert tuple(column.name for column in figures.primary_key) == tuple(rows[self.KEY])[:5]

    def test_the_name_is_kept_in_its_normal_form(self) -> None:
        (row,) = fold([fact("interactions.referral.made", subject="email: Ada@X.org ")]).values()
        assert row["name"] == "email:ada@x.org"

    def test_the_next_adds_to_it(self) -> None:
        later = AT + timedelta(days=30)
        row = fold([purchase(500, 7, AT), purchase(20, 8, later)])[self.KEY]
        assert (row["n"], row["total"], row["first_at"]) == (2, 520, AT)
        assert (row["last_at"], row["last_offset"], row["last_amount"]) == (later, 8, 20)
        assert decay.at(row["weight"], later) == pytest.approx(1.5, rel=1e-12)

    def test_one_that_is_told_late_is_not_the_last(self) -> None:
        earlier = AT - timedelta(days=30)
        row = fold([purchase(500, 7, AT), purchase(20, 8, earlier)])[self.KEY]
        assert (row["n"], row["total"], row["first_at"]) == (2, 520, earlier)
        assert (row["last_at"], row["last_offset"], row["last_amount"]) == (AT, 7, 500)
        assert decay.at(row["weight"], AT) == pytest.approx(1.5, rel=1e-12)

    def test_of_two_at_one_time_the_one_recorded_later_is_the_last(self) -> None:
        row = fold([purchase(500, 7, AT), purchase(20, 8, AT)])[self.KEY]
        assert (row["first_at"], row["last_at"], row["last_offset"], row["last_amount"]) == (AT, AT, 8, 20)

    def test_purchases_whose_cost_is_known_are_summed_up_apart(self) -> None:
        later, row = AT + timedelta(days=30), fold([costed(500, 300, 7, AT)])[self.KEY]
        assert [row[f"also_{name}"] for name in ALSO] == [1, 500, 300, AT, AT, 7, 500, 300, decay.weight_at(AT)]
        told = [costed(500, 300, 7, AT), purchase(1, 8, later), costed(20, 30, 9, AT - timedelta(days=30))]
        row = fold(told)[self.KEY]
        assert (row["n"], row["total"], row["last_at"]) == (3, 521, later)
        assert [row[f"also_{name}"] for name in ALSO[:3]] == [2, 520, 330]
        assert [row[f"also_{name}"] for name in ALSO[3:8]] == [AT - timedelta(days=30), AT, 7, 500, 300]
        assert decay.at(row["also_weight"], AT) == pytest.approx(1.5, rel=1e-12)
        assert fold([*told, costed(7, 6, 10, AT)])[self.KEY]["also_last_amount"] == 6

    def test_a_sum_of_second_amounts_fits_64_bits_or_is_refused(self) -> None:
        full = fold([costed(1, INT64_MAX, 7, AT)])
        with pytest.raises(ValueError, match="purchase GBP no longer fits"):
            fold([costed(1, 1, 8, AT)], full)

    def test_a_sum_fits_64_bits_or_is_refused(self) -> None:
        full = fold([purchase(INT64_MAX - 5, 7, AT)])
        assert fold([purchase(5, 8, AT)], full)[self.KEY]["total"] == INT64_MAX
        with pytest.raises(ValueError, match="purchase GBP no longer fits"):
            fold([purchase(6, 8, AT)], full)

    def test_each_row_is_written_from_one_partition(self) -> None:
        told = purchase(500, 7, AT)
        others = replace(told, partition=Partition(INTERACTIONS.name, 5)), replace(told, key=OTHER)
        voted = fact("feedback.vote.cast")
        rows = fold([told, *others, voted])
        assert set(rows) == {
            self.KEY,
            (UUID(NODE), "purchase", "GBP", INTERACTIONS.number, 5),
            (UUID(OTHER), "purchase", "GBP", INTERACTIONS.number, 4),
            (UUID(NODE), "vote", "", FEEDBACK.number, 4),
        }
        assert all(row["n"] == 1 for row in rows.values())

    @given(st.lists(st.tuples(st.integers(0, 9), moments), min_size=1, max_size=8), st.integers(0, 8))
    def test_they_are_what_counting_the_facts_gives_wherever_the_fold_was_cut(
        self, said: Sequence[tuple[int, datetime]], cut: int
    ) -> None:
        told = [purchase(amount, offset, at) for offset, (amount, at) in enumerate(said)]
        rows = fold(told)
        assert fold(told[cut:], fold(told[:cut])) == rows
        assert_alike(
            figures_of(rows), counted(Told("purchase", a, "GBP", None, at, n) for n, (a, at) in enumerate(said))
        )

    @given(st.lists(st.tuples(st.sampled_from([NODE, OTHER]), moments, st.integers(0, 3)), min_size=1, max_size=8))
    def test_names_together_come_to_what_one_would_that_had_everything(
        self, said: Sequence[tuple[str, datetime, int]]
    ) -> None:
        told = [
            replace(purchase(n, n, at), key=node, partition=Partition(INTERACTIONS.name, partition))
            for n, (node, at, partition) in enumerate(said)
        ]
        assert_alike(
            figures_of(fold(told)),
            counted(Told("purchase", n, "GBP", None, at, n, 2, part) for n, (_, at, part) in enumerate(said)),
        )


def assert_alike(one: Figures, other: Figures) -> None:
    """The same but for the last digits of what fades."""
    for (key, mine), (other_key, theirs) in zip(one.items(), other.items(), strict=True):
        assert key == other_key
        assert mine.weight == pytest.approx(theirs.weight, rel=1e-9, abs=1e-9)
        assert (mine.n, mine.total, mine.first_at) == (theirs.n, theirs.total, theirs.first_at)
        assert (mine.last, mine.last_amount) == (theirs.last, theirs.last_amount)


class TestStatistics:
    NAME = "scoring.statistics.published"

    def test_they_are_one_row_a_version(self) -> None:
        told = fact(self.NAME)
        ((*row, measures),) = statistics_rows(told)
        place = told.event.id, "4", "7", "2026-03-02T10:15:00Z", RECORDED_AT
        assert row == ["1", *place, "4338", "a position token", "2026-03-03T10:15:00+00:00"]
        assert (
            json.loads(measures or "") == CATALOG["rapport.scoring.statistics.published.v1"].example["data"]["measures"]
        )
        assert len(row) + 1 == len(statistics.columns)

    def test_the_next_ones_need_not_be_due(self) -> None:
        ((*_, due_at, _),) = statistics_rows(fact(self.NAME, data={"due_at": None}))
        assert due_at is None

    def test_an_empty_quintile_is_kept_as_one(self) -> None:
        cut = {"value": 0.25, "contact": NODE}
        measures = [{"measure": "engagement", "kind": "quintiles", "people": 2, "cuts": [None, cut, None, None]}]
        ((*_, kept),) = statistics_rows(fact(self.NAME, data={"measures": measures}))
        assert json.loads(kept or "") == measures

    @pytest.mark.parametrize("name", ["scoring.class.changed", PURCHASE])
    def test_nothing_else_is_one(self, name: str) -> None:
        assert statistics_rows(fact(name)) == ()


class TestClasses:
    NAME = "scoring.class.changed"
    KEY: RowKey = (UUID(NODE), "rfm", "GBP")

    def test_the_class_that_was_announced(self) -> None:
        told = fact(self.NAME)
        assert class_keys(told) == [self.KEY]
        assert fold_class(None, told, self.KEY) == ANNOUNCED
        assert ANNOUNCED.keys() == {column.name for column in classes.columns}
        assert told.partition.topic == SCORING.name

    def test_the_last_one_counts_and_how_often_it_changed(self) -> None:
        changes = fact(self.NAME), fact(self.NAME, 9, data={"to": "lost", "version": 2}, time="2026-03-01T00:00:00Z")
        news = {"band": "lost", "head": 2, "version": 2, "since": datetime(2026, 3, 1, tzinfo=UTC), "offset": 9}
        assert reduce(lambda row, each: fold_class(row, each, self.KEY), changes, None) == ANNOUNCED | news

    def test_who_belongs_to_none_any_more(self) -> None:
        row = fold_class(ANNOUNCED, fact(self.NAME, 8, data={"to": None}), self.KEY)
        assert row == ANNOUNCED | {"band": None, "head": 2, "offset": 8}

    def test_without_a_currency(self) -> None:
        told = fact(self.NAME, data={"definition": "health", "currency": None})
        assert class_keys(told) == [(UUID(NODE), "health", "")]

    @pytest.mark.parametrize("name", ["scoring.statistics.published", PURCHASE])
    def test_nothing_else_is_one(self, name: str) -> None:
        assert class_keys(fact(name)) == ()
