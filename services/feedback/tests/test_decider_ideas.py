"""The rules of ideas, as sentences."""

from dataclasses import replace
from datetime import date
from typing import Any, get_args
from uuid import UUID

import pytest

from libs.events.catalog import feedback as events
from libs.events.catalog.contacts import Change
from libs.events.catalog.feedback import Status
from libs.events.catalog.fields import Actor
from libs.events.decider import Refusal
from libs.events.tests.decider_spec import Spec
from services.feedback.commands import (
    AnswerIdea,
    EditIdea,
    MergeIdea,
    OfIdea,
    OfMerge,
    SetStatus,
    SubmitIdea,
    TagIdea,
    UnmergeIdea,
)
from services.feedback.decider.boards import Board
from services.feedback.decider.ideas import (
    FOLLOWS,
    PROMISING,
    Idea,
    IdeaEvent,
    MergeEvent,
    decide_idea,
    decide_merge,
    decide_submission,
)
from services.feedback.refusals import (
    AlreadyMerged,
    BoardClosed,
    BoardsDiffer,
    BoardUnknown,
    IdeaArchived,
    IdeaUnknown,
    MergeInACircle,
    MergeUnknown,
    MergeWithItself,
    StatusMayNotFollow,
)
from services.feedback.tests.test_decider_boards import CLOSED, OPEN

STATUSES: tuple[Status, ...] = get_args(Status)
STAFF = Actor(kind="staff", id="agent-7")
ONE, TWO, THREE, MERGE = (UUID(int=n) for n in (1, 2, 3, 9))
JUNE, JULY = date(2026, 6, 30), date(2026, 7, 31)


def idea(id_: UUID = ONE, status: Status = "submitted", **more: Any) -> Idea:
    fields = {"title": "Deliver on Saturdays", "text": "please", "touchpoint": "service", "value_factor": None}
    plain = {"board": OPEN, "fields": fields, "tags": ("delivery",), "promised_for": None}
    return Idea(**{"id": id_, "status": status, **plain, "merge": None, "merged_into": None, "root": id_, **more})


def merged(id_: UUID, into: UUID, root: UUID | None = None) -> Idea:
    return idea(id_, merge=MERGE, merged_into=into, root=root or into)


def at_most_one(found: Any = None) -> Any:
    return found


SUBMITTED = events.IdeaSubmitted(idea=str(ONE), title="Deliver on Saturdays", touchpoint="service", tags=["a", "a"])
PUBLISHED = events.ProposalPublished(idea=str(ONE), title="Deliver on Saturdays", touchpoint="service", actor=STAFF)
submissions = Spec[SubmitIdea, Board | None, events.IdeaSubmitted | events.ProposalPublished](
    decide_submission, at_most_one
)
spec = Spec[OfIdea, Idea | None, IdeaEvent](decide_idea, at_most_one)
merges = Spec[OfMerge, tuple[Idea | None, Idea | None], MergeEvent](
    lambda command, both: decide_merge(command, *both), lambda one=None, into=None: (one, into)
)


def editing(reason: str | None = None, actor: Actor | None = None, **fields: object) -> EditIdea:
    return EditIdea(fields, reason, actor)


def tagging(*tags: str, actor: Actor | None = None) -> TagIdea:
    return TagIdea(tags, actor)


def setting(to: Status, promised_for: date | None = None, actor: Actor | None = None) -> SetStatus:
    return SetStatus(to, "because", promised_for, actor)


def merging(into: UUID, actor: Actor | None = None) -> MergeIdea:
    return MergeIdea(MERGE, into, "the same", actor)


ANSWER = AnswerIdea(events.IdeaAnswered(idea=str(ONE), text="thank you", actor=STAFF))


class TestSubmitting:
    @pytest.mark.parametrize("said", [SUBMITTED, PUBLISHED])
    def test_what_was_said_is_recorded(self, said: events.IdeaSubmitted | events.ProposalPublished) -> None:
        submissions.given(OPEN).when(SubmitIdea(said)).then(said)

    @pytest.mark.parametrize("said", [SUBMITTED, PUBLISHED])
    def test_a_closed_board_and_none_take_nothing(
        self, said: events.IdeaSubmitted | events.ProposalPublished
    ) -> None:  # fmt: skip
        submissions.given(CLOSED).when(SubmitIdea(said)).is_refused(BoardClosed)
        submissions.when(SubmitIdea(said)).is_refused(BoardUnknown)


class TestEditing:
    def test_only_what_is_new_is_said(self) -> None:
        command = editing("clearer", STAFF, title="Deliver on Sundays", text=None, touchpoint="service")
        changes = {
            "title": Change(before="Deliver on Saturdays", to="Deliver on Sundays"),
            "text": Change(before="please", to=None),
        }
        event = events.IdeaEdited(idea=str(ONE), changes=changes, reason="clearer", actor=STAFF)
        spec.given(idea()).when(command).then(event)

    def test_neither_a_reason_nor_an_actor_is_needed(self) -> None:
        changes = {"value_factor": Change(before=None, to="economy")}
        spec.given(idea()).when(editing(value_factor="economy")).then(
            events.IdeaEdited(idea=str(ONE), changes=changes)
        )  # fmt: skip

    def test_what_is_so_already_is_quiet(self) -> None:
        spec.given(idea()).when(editing("clearer", title="Deliver on Saturdays", value_factor=None)).is_quiet()


class TestTagging:
    def test_all_tags_are_said_each_once(self) -> None:
        event = events.IdeaTagged(idea=str(ONE), tags=["b", "a"], actor=STAFF)
        spec.given(idea()).when(tagging("b", "a", "b", actor=STAFF)).then(event)

    def test_they_can_be_taken_away(self) -> None:
        spec.given(idea()).when(tagging()).then(events.IdeaTagged(idea=str(ONE), tags=[]))

    def test_what_is_so_already_is_quiet(self) -> None:
        spec.given(idea()).when(tagging("delivery", "delivery")).is_quiet()
        spec.given(idea(tags=())).when(tagging()).is_quiet()


class TestAnswering:
    def test_an_answer_is_recorded_each_time(self) -> None:
        spec.given(idea()).when(ANSWER).then(events.IdeaAnswered(idea=str(ONE), text="thank you", actor=STAFF))


class TestStatus:
    @pytest.mark.parametrize("before", STATUSES)
    @pytest.mark.parametrize("to", STATUSES)
    def test_what_may_follow_follows_and_nothing_else(self, before: Status, to: Status) -> None:
        sentence = spec.given(idea(status=before)).when(setting(to, actor=STAFF))
        if to == before:
            sentence.is_quiet()
        elif to in FOLLOWS[before]:
            event = events.IdeaStatusChanged(idea=str(ONE), before=before, to=to, reason="because", actor=STAFF)
            sentence.then(event)
        else:
            sentence.is_refused(StatusMayNotFollow, present=before, allowed=sorted(FOLLOWS[before]))

    def test_nobody_says_by_hand_that_an_outcome_was_measured(self) -> None:
        assert not any("measured" in following for following in FOLLOWS.values())

    def test_every_status_can_be_left(self) -> None:
        assert set(FOLLOWS) == set(STATUSES)
        assert all(FOLLOWS.values())

    @pytest.mark.parametrize("to", sorted(PROMISING))
    def test_a_date_is_promised(self, to: Status) -> None:
        before: Status = "in_progress" if to == "planned" else "planned"
        event = events.IdeaStatusChanged(idea=str(ONE), before=before, to=to, reason="because", promised_for=JUNE)
        spec.given(idea(status=before)).when(setting(to, JUNE)).then(event)

    def test_another_date_is_promised_without_leaving_the_status(self) -> None:
        planned = idea(status="planned", promised_for=JUNE)
        event = events.IdeaStatusChanged(
            idea=str(ONE), before="planned", to="planned", reason="because", promised_for=JULY
        )
        spec.given(planned).when(setting("planned", JULY)).then(event)
        spec.given(planned).when(setting("planned", JUNE)).is_quiet()
        spec.given(planned).when(setting("planned")).is_quiet()

    @pytest.mark.parametrize("to", ["shipped", "declined", "archived"])
    def test_no_date_is_promised_for_what_is_over(self, to: Status) -> None:
        spec.given(idea(status="planned")).when(setting(to, JUNE)).is_invalid("/promised_for")

    def test_an_archived_idea_comes_back(self) -> None:
        event = events.IdeaStatusChanged(idea=str(ONE), before="archived", to="under_review", reason="because")
        spec.given(idea(status="archived")).when(setting("under_review")).then(event)


class TestAllOfAnIdea:
    @pytest.mark.parametrize("command", [editing(title="x"), tagging("a"), setting("planned"), ANSWER])
    def test_an_idea_that_there_is_not(self, command: OfIdea) -> None:
        spec.when(command).is_refused(IdeaUnknown)

    @pytest.mark.parametrize("command", [editing(title="x"), tagging("a"), tagging("delivery"), ANSWER])
    def test_what_is_archived_is_history(self, command: OfIdea) -> None:
        spec.given(idea(status="archived")).when(command).is_refused(IdeaArchived)


class TestMerging:
    @pytest.mark.parametrize("into", [idea(TWO), merged(TWO, THREE)])
    def test_an_idea_is_linked_to_the_one_that_is_named(self, into: Idea) -> None:
        event = events.IdeasMerged(merge=str(MERGE), idea=str(ONE), into=str(TWO), reason="the same", actor=STAFF)
        merges.given(idea(), into).when(merging(TWO, STAFF)).then(event)

    def test_the_same_link_again_is_quiet(self) -> None:
        merges.given(merged(ONE, TWO), idea(TWO)).when(merging(TWO)).is_quiet()

    @pytest.mark.parametrize(
        ("one", "into", "named", "kind", "more"),
        [
            (None, idea(TWO), TWO, IdeaUnknown, {}),
            (idea(), None, TWO, IdeaUnknown, {}),
            (idea(), idea(), ONE, MergeWithItself, {}),
            (idea(), idea(TWO, board=replace(OPEN, id=UUID(int=77))), TWO, BoardsDiffer, {}),
            (merged(ONE, THREE), idea(TWO), TWO, AlreadyMerged, {"merged_into": str(THREE)}),
            (idea(), merged(TWO, ONE), TWO, MergeInACircle, {}),
            (idea(), merged(TWO, THREE, root=ONE), TWO, MergeInACircle, {}),
        ],
    )
    def test_what_cannot_be_linked_is_refused(
        self, one: Idea | None, into: Idea | None, named: UUID, kind: type[Refusal], more: dict[str, object]
    ) -> None:
        merges.given(one, into).when(merging(named)).is_refused(kind, **more)


class TestUnmerging:
    def test_the_link_that_is_there_is_taken_away(self) -> None:
        event = events.IdeasUnmerged(
            merge=str(MERGE), idea=str(ONE), into=str(TWO), reason="not the same", actor=STAFF
        )  # fmt: skip
        merges.given(merged(ONE, TWO, root=THREE)).when(UnmergeIdea("not the same", STAFF)).then(event)

    def test_no_reason_is_needed(self) -> None:
        event = events.IdeasUnmerged(merge=str(MERGE), idea=str(ONE), into=str(TWO))
        merges.given(merged(ONE, TWO)).when(UnmergeIdea(None, None)).then(event)

    def test_where_nothing_is_linked_nothing_is_taken_away(self) -> None:
        merges.given(idea()).when(UnmergeIdea(None, None)).is_refused(MergeUnknown)
        merges.when(UnmergeIdea(None, None)).is_refused(IdeaUnknown)
