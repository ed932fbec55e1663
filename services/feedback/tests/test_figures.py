"""The figures of the loop, against values that were worked out by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.feedback.figures import Counted, Harm, Measured, Place, Root, figures, promises, report

BOARD, LATER = UUID(int=1), UUID(int=2)
STORE: Place = BOARD, "store"
WEBSITE: Place = BOARD, "website"
AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def root(status: str = "submitted", people: int = 0, days: float | None = None, **more: Any) -> Root:
    """An idea that was answered after so many days, if at all."""
    answered_at = None if days is None else AT + timedelta(days=days)
    plain = {"place": STORE, "comments": 0, "history": ()}
    return Root(status=status, people=people, occurred_at=AT, answered_at=answered_at, **{**plain, **more})


def of(*roots: Root, measured: tuple[Measured, ...] = ()) -> dict[str, Any]:
    return figures(roots, measured, 0, NOW)


def promised(day: str) -> dict[str, str]:
    return {"status": "planned", "promised_for": day, "at": "2026-03-03T10:00:00Z"}


def shipped(at: str) -> dict[str, str]:
    return {"status": "shipped", "at": at}


class TestVotes:
    def test_those_on_what_has_shipped_were_delivered_and_those_on_what_may_come_are_open(self) -> None:
        statuses = "submitted", "under_review", "planned", "in_progress", "shipped", "measured", "declined", "archived"
        votes = of(*(root(status, 2**n) for n, status in enumerate(statuses)))["votes"]
        assert votes == {"delivered": 48, "open": 15, "share_delivered": 48 / 63}

    def test_of_no_vote_there_is_no_share(self) -> None:
        assert of(root("declined", 7))["votes"] == {"delivered": 0, "open": 0, "share_delivered": None}


class TestAnswers:
    def test_half_of_those_that_were_answered_waited_no_longer_than_the_median(self) -> None:
        answers = of(root(days=1), root(), root(days=9), root(days=2.5))["answers"]
        assert answers == {"ideas": 4, "answered": 3, "median_days_to_first_answer": 2.5}

    def test_of_an_even_number_it_lies_between_the_two_in_the_middle(self) -> None:
        assert of(root(days=1), root(days=2))["answers"]["median_days_to_first_answer"] == 1.5

    def test_without_any_answer_there_is_none(self) -> None:
        assert of(root())["answers"] == {"ideas": 1, "answered": 0, "median_days_to_first_answer": None}


class TestPromises:
    @pytest.mark.parametrize(
        ("shipped_at", "became"),
        [
            ("2026-05-31T23:59:59.999999Z", "kept"),
            ("2026-06-01T00:00:00Z", "broken"),
            ("2026-06-01T01:59:59+02:00", "kept"),
            ("2026-01-01T00:00:00Z", "kept"),
        ],
    )
    def test_a_day_ends_at_midnight_in_utc(self, shipped_at: str, became: str) -> None:
        assert promises([promised("2026-05-31"), shipped(shipped_at)], NOW) == [became]

    @pytest.mark.parametrize(("day", "became"), [("2026-05-31", "broken"), ("2026-06-01", "open")])
    def test_one_that_has_not_shipped_is_broken_once_the_day_has_passed(self, day: str, became: str) -> None:
        assert promises([promised(day)], NOW) == [became]

    def test_the_first_shipment_counts(self) -> None:
        history = [promised("2026-05-31"), shipped("2026-05-01T00:00:00Z"), shipped("2026-07-01T00:00:00Z")]
        assert promises(history, NOW) == ["kept"]

    def test_but_not_one_from_before_the_promise(self) -> None:
        before = [shipped("2026-03-01T00:00:00Z"), {"status": "in_progress", "at": "2026-03-02T00:00:00Z"}]
        assert promises([*before, promised("2026-06-30")], NOW) == ["open"]
        late = shipped("2026-07-01T00:00:00Z")
        assert promises([*before, promised("2026-06-30"), late], NOW) == ["broken"]

    def test_each_day_is_one_promise_however_often_it_was_given(self) -> None:
        days = "2026-05-01", "2026-06-30", "2026-05-01"
        assert promises([promised(day) for day in days], NOW) == ["broken", "open"]

    def test_the_calendars_last_day_does_not_pass(self) -> None:
        assert promises([promised("9999-12-31")], NOW) == ["open"]
        assert promises([promised("9999-12-31"), shipped("2026-07-01T00:00:00Z")], NOW) == ["kept"]

    def test_of_all_ideas_together(self) -> None:
        histories = (
            [promised("2026-04-01"), shipped("2026-03-31T00:00:00Z")],
            [promised("2026-04-01"), promised("2026-05-01"), shipped("2026-04-02T00:00:00Z")],
            [promised("2026-12-31")],
            (),
        )
        given = of(*(root(history=history) for history in histories))["promises"]
        assert given == {"kept": 2, "broken": 1, "open": 1, "share_kept": 2 / 3}

    def test_of_none_that_is_due_there_is_no_share(self) -> None:
        assert of(root(history=[promised("2026-12-31")]))["promises"]["share_kept"] is None


class TestOutcomes:
    def test_each_currency_has_a_sum_of_its_own(self) -> None:
        measured = (
            Measured(STORE, True, "EUR", 1_000, 400),
            Measured(STORE, False, "EUR", 0, 50),
            Measured(STORE, True, "CHF", 10, 0),
            Measured(STORE, True, None, 0, 0),
        )
        assert of(root("shipped"), root("measured"), root("planned"), measured=measured)["outcomes"] == {
            "delivered_ideas": 2,
            "measured": 4,
            "met": 3,
            "value": [
                {"currency": "CHF", "value_minor": 10, "cost_minor": 0, "value_per_delivered_idea_minor": 5},
                {"currency": "EUR", "value_minor": 1_000, "cost_minor": 450, "value_per_delivered_idea_minor": 275},
            ],
        }

    @pytest.mark.parametrize(("value", "cost", "each"), [(5, 0, 2), (7, 0, 4), (0, 5, -2), (0, 7, -4), (9, 4, 2)])
    def test_half_a_minor_unit_goes_to_the_even_one(self, value: int, cost: int, each: int) -> None:
        measured = (Measured(STORE, True, "EUR", value, cost),)
        (amount,) = of(root("shipped"), root("shipped"), measured=measured)["outcomes"]["value"]
        assert amount["value_per_delivered_idea_minor"] == each

    def test_beyond_64_bits_nothing_is_lost(self) -> None:
        most = 2**63 - 1
        (amount,) = of(root("shipped"), measured=(Measured(STORE, True, "EUR", most, 0),) * 3)["outcomes"]["value"]
        assert amount["value_per_delivered_idea_minor"] == amount["value_minor"] == 3 * most

    def test_where_nothing_is_delivered_there_is_no_value_of_each(self) -> None:
        (amount,) = of(root("in_progress"), measured=(Measured(STORE, False, "EUR", 1, 0),))["outcomes"]["value"]
        assert amount["value_per_delivered_idea_minor"] is None


class TestReport:
    COUNTED = Counted(
        [
            root(place=WEBSITE, people=3, comments=4),
            root("shipped", place=(LATER, "store")),
            root(people=2, comments=1),
        ],
        [Measured(STORE, True, None, 0, 0)],
        {STORE: 3, WEBSITE: 4, None: 6},
        {"store": Harm(3, 2, 10), "service": Harm(1, 1, 5), None: Harm(4, 2, 15)},
    )

    def test_one_of_each_board_and_touchpoint_that_has_ideas(self) -> None:
        items = report(self.COUNTED, NOW)["items"]
        assert [(item["board"], item["touchpoint"]) for item in items] == [STORE, WEBSITE, (LATER, "store")]
        assert [item["votes"]["open"] for item in items] == [2, 3, 0]
        assert [item["outcomes"]["measured"] for item in items] == [1, 0, 0]
        assert [item["voice"] for item in items] == [
            {"people": 3, "ideas": 1, "comments": 1},
            {"people": 4, "ideas": 1, "comments": 4},
            {"people": 0, "ideas": 1, "comments": 0},
        ]

    def test_in_all_a_person_counts_once(self) -> None:
        found = report(self.COUNTED, NOW)
        assert found["as_of"] == NOW
        assert found["total"]["voice"] == {"people": 6, "ideas": 3, "comments": 5}
        assert found["total"]["votes"]["open"] == 5
        assert found["total"]["outcomes"]["measured"] == 1

    def test_harm_is_of_the_touchpoint_the_same_on_all_boards(self) -> None:
        found = report(self.COUNTED, NOW)
        store = {"complaints": 3, "people": 2, "mean_severity": 10 / 3}
        none = {"complaints": 0, "people": 0, "mean_severity": None}
        assert [item["harm"] for item in found["items"]] == [store, none, store]
        assert found["total"]["harm"] == {"complaints": 4, "people": 2, "mean_severity": 3.75}

    def test_a_board_has_none(self) -> None:
        found = report(self.COUNTED._replace(harm=None), NOW)
        assert [each["harm"] for each in (*found["items"], found["total"])] == [None] * 4

    def test_of_nothing_there_are_zeros(self) -> None:
        found = report(Counted([], [], {None: 0}, {None: Harm(0, 0, 0)}), NOW)
        assert (found["items"], found["total"]["voice"]) == ([], {"people": 0, "ideas": 0, "comments": 0})
