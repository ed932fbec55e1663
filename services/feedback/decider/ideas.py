"""Ideas: submitting them, their way from status to status, answers, and merging them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, assert_never
from uuid import UUID

from msgspec import UNSET

from libs.events.catalog import feedback as events
from libs.events.catalog.contacts import Change
from libs.events.catalog.feedback import Status
from libs.events.decider import Invalid
from libs.events.problems import Problem
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
from services.feedback.decider.boards import Board, require_open
from services.feedback.refusals import (
    AlreadyMerged,
    BoardsDiffer,
    IdeaArchived,
    IdeaUnknown,
    MergeInACircle,
    MergeUnknown,
    MergeWithItself,
    StatusMayNotFollow,
    refuse,
)

FOLLOWS: Final[Mapping[Status, frozenset[Status]]] = {
    "submitted": frozenset({"under_review", "planned", "in_progress", "declined", "archived"}),
    "under_review": frozenset({"planned", "in_progress", "declined", "archived"}),
    "planned": frozenset({"under_review", "in_progress", "shipped", "declined", "archived"}),
    "in_progress": frozenset({"planned", "shipped", "declined", "archived"}),
    "shipped": frozenset({"in_progress", "archived"}),
    "measured": frozenset({"in_progress", "archived"}),
    "declined": frozenset({"under_review", "archived"}),
    "archived": frozenset({"under_review"}),
}
"""What may follow a status. To `measured` an idea comes by an outcome that was measured, and in no other way."""

PROMISING: Final = frozenset({"under_review", "planned", "in_progress"})
"""Where a date can still be promised."""


@dataclass(frozen=True, slots=True)
class Idea:
    """`root` is where its merges lead: itself where it was merged into none."""

    id: UUID
    board: Board
    status: Status
    fields: Mapping[str, Any]
    tags: tuple[str, ...]
    promised_for: date | None
    merge: UUID | None
    merged_into: UUID | None
    root: UUID


IdeaEvent = events.IdeaEdited | events.IdeaTagged | events.IdeaStatusChanged | events.IdeaAnswered
MergeEvent = events.IdeasMerged | events.IdeasUnmerged


def decide_submission(command: SubmitIdea, board: Board | None) -> events.IdeaSubmitted | events.ProposalPublished:
    require_open(board, "/board")
    return command.submitted


def decide_idea(command: OfIdea, state: Idea | None) -> IdeaEvent | None:
    """The event to record; None where it is already so."""
    match command, state:
        case _, None:
            raise refuse(IdeaUnknown)
        case SetStatus(), Idea():
            return _status(command, state)
        case _, Idea(status="archived"):
            raise refuse(IdeaArchived)
        case EditIdea(), Idea():
            return _edited(command, state)
        case TagIdea(), Idea():
            tags = list(dict.fromkeys(command.tags))
            if tags == list(state.tags):
                return None
            return events.IdeaTagged(idea=str(state.id), tags=tags, actor=command.actor or UNSET)
        case AnswerIdea(), Idea():
            return command.answered
        case _:
            assert_never(command)


def decide_merge(command: OfMerge, idea: Idea | None, into: Idea | None = None) -> MergeEvent | None:
    """The event to record; None where it is already so. `into` is the idea that a merge names."""
    match command, idea:
        case _, None:
            raise refuse(IdeaUnknown)
        case UnmergeIdea(), Idea(merge=UUID(), merged_into=UUID()):
            reason = UNSET if command.reason is None else command.reason
            return events.IdeasUnmerged(
                merge=str(idea.merge), idea=str(idea.id), into=str(idea.merged_into), reason=reason,
                actor=command.actor or UNSET,
            )  # fmt: skip
        case UnmergeIdea(), Idea():
            raise refuse(MergeUnknown)
        case MergeIdea(), Idea():
            return _merged(command, idea, into)
        case _:
            assert_never(command)


def _merged(command: MergeIdea, idea: Idea, into: Idea | None) -> events.IdeasMerged | None:
    if command.into == idea.id:
        raise refuse(MergeWithItself, "/into")
    if into is None:
        raise refuse(IdeaUnknown, "/into")
    if into.board.id != idea.board.id:
        raise refuse(BoardsDiffer, "/into")
    if idea.merged_into == into.id:
        return None
    if idea.merged_into is not None:
        raise refuse(AlreadyMerged, merged_into=str(idea.merged_into))
    if into.root == idea.id:
        raise refuse(MergeInACircle, "/into")
    return events.IdeasMerged(
        merge=str(command.id), idea=str(idea.id), into=str(into.id), reason=command.reason,
        actor=command.actor or UNSET,
    )  # fmt: skip


def _edited(command: EditIdea, state: Idea) -> events.IdeaEdited | None:
    changes = {
        name: Change(before=state.fields.get(name), to=value)
        for name, value in command.fields.items()
        if value != state.fields.get(name)
    }
    if not changes:
        return None
    reason = UNSET if command.reason is None else command.reason
    return events.IdeaEdited(idea=str(state.id), changes=changes, reason=reason, actor=command.actor or UNSET)


def _status(command: SetStatus, state: Idea) -> events.IdeaStatusChanged | None:
    """A date can be promised anew without leaving the status."""
    is_new_promise = command.promised_for is not None and command.promised_for != state.promised_for
    if command.to == state.status and not is_new_promise:
        return None
    if command.promised_for is not None and command.to not in PROMISING:
        detail = f"a date is promised for an idea that is {', '.join(sorted(PROMISING))}"
        raise Invalid([Problem("/promised_for", "range", detail)])
    if command.to != state.status and command.to not in FOLLOWS[state.status]:
        raise refuse(StatusMayNotFollow, "/status", present=state.status, allowed=sorted(FOLLOWS[state.status]))
    return events.IdeaStatusChanged(
        idea=str(state.id), before=state.status, to=command.to, reason=command.reason,
        promised_for=UNSET if command.promised_for is None else command.promised_for, actor=command.actor or UNSET,
    )  # fmt: skip
