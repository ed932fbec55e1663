"""The rules about changes, as sentences."""

from dataclasses import replace
from typing import Any, Literal
from uuid import UUID

import msgspec
import pytest

from libs.events.catalog import feedback as events
from libs.events.catalog.feedback import MAX_IDEAS
from libs.events.catalog.fields import Actor
from libs.events.decider import Invalid, Refusal
from libs.events.tests.decider_spec import Spec
from services.feedback.commands import (
    AddIdeas,
    CloseLoop,
    LinkChange,
    MeasureOutcome,
    NotifyBeneficiary,
    OfChange,
    ReopenLoop,
    ShipChange,
)
from services.feedback.decider.changes import Answer, Answerable, ChangeEvent, board_of_all, decide_change
from services.feedback.refusals import (
    BoardsDiffer,
    ChangeHasShipped,
    ChangeNotShipped,
    ChangeUnknown,
    IdeaArchived,
    IdeaUnknown,
    NotABeneficiary,
    OutcomeNotMeasured,
    TargetMet,
    TargetMissed,
)

ID, TITLE = UUID(int=1), "The delivery day in the basket"
CHANGE = str(ID)
IDEA, OTHER, THIRD = (str(UUID(int=n)) for n in (2, 3, 4))
IDEAS = [IDEA, OTHER]
STAFF = Actor(kind="staff", id="agent-7")

LINKED = Answer(ID, "linked", TITLE, IDEAS, is_met=None)
SHIPPED = replace(LINKED, status="shipped")
MISSED = replace(LINKED, status="measured", is_met=False)
MET = replace(LINKED, status="measured", is_met=True)
CLOSED = replace(MET, status="closed")
REOPENED = replace(MISSED, status="reopened")

LINK = events.ChangeLinked(change=CHANGE, title=TITLE, ideas=IDEAS)
MEASURE = events.OutcomeMeasured(
    change="", ideas=[], metric="calls", baseline=120.0, target=80.0, actual=74.0, method="four weeks", n=4210,
    for_whom="customer",
)  # fmt: skip

# A state of None stands for a change that nobody has linked.
spec = Spec[OfChange, Answer | None, ChangeEvent](decide_change, lambda told=None: told)


def notify(text: str | None = None, actor: Actor | None = None) -> NotifyBeneficiary:
    return NotifyBeneficiary("email", text, actor)


EVERY_OTHER: tuple[OfChange, ...] = (
    AddIdeas(IDEAS), ShipChange(None), MeasureOutcome(MEASURE), CloseLoop("done"), ReopenLoop("no help"), notify(),
)  # fmt: skip


@pytest.mark.parametrize("command", EVERY_OTHER, ids=lambda command: type(command).__name__)
def test_of_no_change(command: OfChange) -> None:
    spec.when(command).is_refused(ChangeUnknown)


class TestLinking:
    def test_a_change_answers_its_ideas(self) -> None:
        spec.when(LinkChange(LINK)).then(LINK)

    def test_each_once(self) -> None:
        spec.when(LinkChange(msgspec.structs.replace(LINK, ideas=[IDEA, OTHER, IDEA]))).then(LINK)

    def test_one_that_is_linked_is_quiet(self) -> None:
        spec.given(LINKED).when(LinkChange(LINK)).is_quiet()


class TestAddingIdeas:
    @pytest.mark.parametrize("state", [LINKED, REOPENED])
    def test_only_those_that_are_new_are_said(self, state: Answer) -> None:
        added = events.ChangeLinked(change=CHANGE, title=TITLE, ideas=[THIRD])
        spec.given(state).when(AddIdeas([IDEA, THIRD, THIRD])).then(added)

    @pytest.mark.parametrize("state", [LINKED, SHIPPED, MET, CLOSED, REOPENED])
    def test_what_it_answers_already_is_quiet(self, state: Answer) -> None:
        spec.given(state).when(AddIdeas([OTHER, IDEA])).is_quiet()

    @pytest.mark.parametrize("state", [SHIPPED, MISSED, MET, CLOSED])
    def test_to_what_has_shipped(self, state: Answer) -> None:
        spec.given(state).when(AddIdeas([THIRD])).is_refused(ChangeHasShipped)

    def test_up_to_a_limit(self) -> None:
        full = replace(LINKED, ideas=[str(UUID(int=n)) for n in range(1_000, 1_000 + MAX_IDEAS)])
        sentence = spec.given(full).when(AddIdeas([THIRD]))
        with pytest.raises(Invalid) as refused:
            sentence.decided()
        assert [problem.pointer for problem in refused.value.problems] == ["/ideas"]


class TestBoards:
    HERE, THERE = UUID(int=8), UUID(int=9)

    def test_a_change_lies_on_the_board_of_its_first_idea(self) -> None:
        assert board_of_all(IDEAS, dict.fromkeys(IDEAS, Answerable(self.HERE, "declined"))) == self.HERE

    @pytest.mark.parametrize(
        ("known", "board", "kind", "pointer"),
        [
            ({OTHER: (HERE, "planned")}, None, IdeaUnknown, "/ideas/0"),
            ({IDEA: (HERE, "planned")}, None, IdeaUnknown, "/ideas/1"),
            ({IDEA: (HERE, "planned"), OTHER: (THERE, "planned")}, None, BoardsDiffer, "/ideas/1"),
            ({IDEA: (HERE, "planned"), OTHER: (HERE, "planned")}, THERE, BoardsDiffer, "/ideas/0"),
            ({IDEA: (HERE, "planned"), OTHER: (HERE, "archived")}, None, IdeaArchived, "/ideas/1"),
        ],
    )
    def test_what_does_not_lie_there_or_is_history_is_named(
        self, known: dict[str, tuple[UUID, str]], board: UUID | None, kind: type[Refusal], pointer: str
    ) -> None:
        answerable = {idea: Answerable(*each) for idea, each in known.items()}
        with pytest.raises(kind) as refused:
            board_of_all(IDEAS, answerable, board)
        assert [problem.pointer for problem in refused.value.problems] == [pointer]


class TestShipping:
    @pytest.mark.parametrize("state", [LINKED, REOPENED])
    def test_names_its_ideas(self, state: Answer) -> None:
        spec.given(state).when(ShipChange(None)).then(events.ChangeShipped(change=CHANGE, ideas=IDEAS))

    def test_with_a_note(self) -> None:
        shipped = events.ChangeShipped(change=CHANGE, ideas=IDEAS, note="the app follows")
        spec.given(LINKED).when(ShipChange("the app follows")).then(shipped)

    @pytest.mark.parametrize("state", [SHIPPED, MISSED, MET, CLOSED])
    def test_again_is_quiet(self, state: Answer) -> None:
        spec.given(state).when(ShipChange("again")).is_quiet()


class TestMeasuring:
    @pytest.mark.parametrize("state", [SHIPPED, MISSED, MET, CLOSED])
    def test_is_of_the_change_and_its_ideas(self, state: Answer) -> None:
        measured = msgspec.structs.replace(MEASURE, change=CHANGE, ideas=IDEAS)
        spec.given(state).when(MeasureOutcome(MEASURE)).then(measured)

    @pytest.mark.parametrize("state", [LINKED, REOPENED])
    def test_before_it_has_shipped(self, state: Answer) -> None:
        spec.given(state).when(MeasureOutcome(MEASURE)).is_refused(ChangeNotShipped)

    @pytest.mark.parametrize("fields", [{"value_minor": 1}, {"cost_minor": 0}, {"currency": "EUR"}])
    def test_an_amount_has_a_currency_and_a_currency_an_amount(self, fields: dict[str, Any]) -> None:
        sentence = spec.given(SHIPPED).when(MeasureOutcome(msgspec.structs.replace(MEASURE, **fields)))
        with pytest.raises(Invalid) as refused:
            sentence.decided()
        assert [problem.pointer for problem in refused.value.problems] == ["/currency"]

    @pytest.mark.parametrize(
        ("target", "actual", "is_met"),
        [(80, 80, True), (80, 81, False), (80, 74, True), (160, 160, True), (160, 159, False), (120, 120, True)],
    )
    def test_a_target_is_a_rise_or_a_fall(self, target: float, actual: float, is_met: bool) -> None:
        assert msgspec.structs.replace(MEASURE, target=target, actual=actual).is_met is is_met


class TestClosing:
    def test_where_the_target_was_met(self) -> None:
        closed = events.LoopClosed(change=CHANGE, ideas=IDEAS, text="You see the day")
        spec.given(MET).when(CloseLoop("You see the day")).then(closed)

    def test_again_is_quiet(self) -> None:
        spec.given(CLOSED).when(CloseLoop("again")).is_quiet()

    def test_where_it_was_missed(self) -> None:
        spec.given(MISSED).when(CloseLoop("so be it")).is_refused(TargetMissed)

    @pytest.mark.parametrize("state", [LINKED, SHIPPED, REOPENED])
    def test_where_nobody_knows(self, state: Answer) -> None:
        spec.given(state).when(CloseLoop("so be it")).is_refused(OutcomeNotMeasured)


class TestReopening:
    def test_where_the_target_was_missed(self) -> None:
        reopened = events.LoopReopened(change=CHANGE, ideas=IDEAS, reason="as many calls")
        spec.given(MISSED).when(ReopenLoop("as many calls")).then(reopened)

    def test_again_is_quiet(self) -> None:
        spec.given(REOPENED).when(ReopenLoop("again")).is_quiet()

    @pytest.mark.parametrize("state", [MET, CLOSED])
    def test_where_it_was_met(self, state: Answer) -> None:
        spec.given(state).when(ReopenLoop("as many calls")).is_refused(TargetMet)

    @pytest.mark.parametrize("state", [LINKED, SHIPPED])
    def test_where_nobody_knows(self, state: Answer) -> None:
        spec.given(state).when(ReopenLoop("as many calls")).is_refused(OutcomeNotMeasured)


class TestNotifying:
    VOTED, TOLD = (True, False), (True, True)

    @pytest.mark.parametrize("state", [SHIPPED, MISSED, MET, CLOSED])
    def test_who_voted_is_told(self, state: Answer) -> None:
        told = events.BeneficiaryNotified(change=CHANGE, ideas=IDEAS, channel="email", text="Here it is", actor=STAFF)
        spec.given(replace(state, voter=self.VOTED)).when(notify("Here it is", STAFF)).then(told)

    def test_in_no_words_by_nobody(self) -> None:
        told = events.BeneficiaryNotified(change=CHANGE, ideas=IDEAS, channel="email")
        spec.given(replace(CLOSED, voter=self.VOTED)).when(notify()).then(told)

    def test_again_is_quiet(self) -> None:
        spec.given(replace(CLOSED, voter=self.TOLD)).when(notify("again")).is_quiet()

    @pytest.mark.parametrize("status", ["linked", "reopened"])
    def test_of_what_has_not_shipped(self, status: Literal["linked", "reopened"]) -> None:
        state = replace(LINKED, status=status, voter=self.VOTED)
        spec.given(state).when(notify()).is_refused(ChangeNotShipped)

    def test_who_did_not_vote(self) -> None:
        spec.given(CLOSED).when(notify()).is_refused(NotABeneficiary)
