"""What each event of the catalog is worth to the numbers."""

import re

import pytest

from libs.events.catalog.registry import CATALOG
from libs.events.fold import Fact
from services.scoring.numbers import measures
from services.scoring.numbers.measures import ALSO, NOTED_AS, Entry, Noted, entries, noted
from services.scoring.tests.facts import NODE, fact

SAID = ["feedback.idea.submitted", "feedback.vote.cast", "feedback.comment.posted"]
WORTH = {
    "interactions.purchase.recorded": Noted("purchase", "GBP", 1_230, 710),
    "interactions.refund.recorded": Noted("refund", "GBP", 410),
    "interactions.cost_to_serve.recorded": Noted("cost_to_serve", "EUR", 350),
    "interactions.problem.reported": Noted("problem", "website", 3),
    "interactions.problem.resolved": Noted("problem_resolved", "", 1),
    "interactions.complaint.lodged": Noted("complaint", "billing", 4),
    "interactions.complaint.resolved": Noted("complaint_resolved", "", 1),
    "interactions.complaint.escalated": Noted("complaint_escalated", "", 1),
    "interactions.survey.answered": Noted("survey", "0-10", 9),
    "interactions.expectation.stated": Noted("expected", "reliability", 6, 5),
    "interactions.delivery.assessed": Noted("perceived", "reliability", 4),
    "interactions.referral.made": Noted("referral", "", 1),
    "interactions.interaction.recorded": Noted("inbound", "telephone", 1),
    "feedback.idea.submitted": Noted("idea", "website", 1),
    "feedback.vote.cast": Noted("vote", "", 1),
    "feedback.comment.posted": Noted("comment", "", 1),
}
WORTHLESS = [name for type_ in CATALOG if (name := type_.removeprefix("rapport.").removesuffix(".v1")) not in WORTH]


def of_somebody(name: str) -> Fact:
    return fact(name, subject="crm:4711", subjectnode=NODE)


@pytest.mark.parametrize("name", WORTH)
def test_what_it_says_is_noted(name: str) -> None:
    assert noted(of_somebody(name)) == WORTH[name]


@pytest.mark.parametrize("name", WORTHLESS)
def test_no_other_event_of_the_catalog_is_worth_anything(name: str) -> None:
    assert noted(fact(name)) is None
    assert noted(of_somebody(name)) is None


@pytest.mark.parametrize("name", SAID)
def test_what_nobody_is_behind_is_the_companys(name: str) -> None:
    assert noted(fact(name, subject=None, subjectnode=None)) is None


def test_an_event_of_another_system_is_worth_nothing() -> None:
    foreign = fact("interactions.problem.reported", type="com.example.problem.reported")
    assert foreign.data is None
    assert noted(foreign) is None


def test_a_purchase_whose_cost_is_not_known() -> None:
    assert noted(fact("interactions.purchase.recorded", data={"cost_minor": None})) == Noted("purchase", "GBP", 1_230)


def test_a_cost_of_nothing_is_known() -> None:
    assert noted(fact("interactions.purchase.recorded", data={"cost_minor": 0})) == Noted("purchase", "GBP", 1_230, 0)


@pytest.mark.parametrize(("satisfied", "amount"), [(True, 1), (False, 0), (None, 1)])
def test_a_problem_is_well_resolved_unless_the_customer_is_not_satisfied(satisfied: bool | None, amount: int) -> None:
    resolved = fact("interactions.problem.resolved", data={"satisfied": satisfied})
    assert noted(resolved) == Noted("problem_resolved", "", amount)


def test_whoever_began_it_is_a_measure_of_its_own() -> None:
    data = {"direction": "outbound", "channel": "email"}
    assert noted(fact("interactions.interaction.recorded", data=data)) == Noted("outbound", "email", 1)


@pytest.mark.parametrize(
    ("kept", "changed"),
    [
        (Noted("vote", "", 1), [Entry("vote", "", 1)]),
        (Noted("purchase", "GBP", 9), [Entry("purchase", "GBP", 9)]),
        (
            Noted("purchase", "GBP", 9, 0),
            [Entry("purchase", "GBP", 9), Entry("purchase_costed", "GBP", 9), Entry("cost", "GBP", 0)],
        ),
        (Noted("expected", "price", 6, 2), [Entry("expected", "price", 6), Entry("importance", "price", 2)]),
    ],
)
def test_a_second_amount_changes_figures_of_its_own(kept: Noted, changed: list[Entry]) -> None:
    assert list(entries(kept)) == changed


@pytest.mark.parametrize("kept", [kept for kept in WORTH.values() if kept.also is not None])
def test_which_those_are_is_said_both_ways(kept: Noted) -> None:
    own, *beside = (entry.measure for entry in entries(kept))
    assert tuple(beside) == ALSO[own]
    assert {NOTED_AS[measure] for measure in beside} == {own}


def test_the_table_names_every_measure() -> None:
    rows = re.findall(r"^    (\S.*?)  ", measures.__doc__ or "", re.MULTILINE)
    named = {measure for row in rows[1:] for measure in row.split(", ")}
    assert named == {entry.measure for kept in WORTH.values() for entry in entries(kept)} | {"outbound"}
