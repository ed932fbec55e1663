"""Changes: what is done about ideas, whether it helped, and closing the loop.

linked -> shipped -> measured -> closed
  ^                    |   ^        |
  +----- reopened <----+   +--------+      reopened where the last measure missed its target
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, assert_never
from uuid import UUID

import msgspec
from msgspec import UNSET

from libs.events.catalog import feedback as events
from libs.events.catalog.feedback import MAX_IDEAS
from libs.events.decider import Invalid
from libs.events.problems import Problem
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
    refuse,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A change, as it answers ideas. `is_met` is what the last measure said, None where none was taken.

    `voter` is whom a notification is for: whether they voted for what it answers, and whether they were told.
    """

    id: UUID
    status: Literal["linked", "shipped", "measured", "closed", "reopened"]
    title: str
    ideas: Sequence[str]
    is_met: bool | None
    voter: tuple[bool, bool] = (False, False)


ChangeEvent = (
    events.ChangeLinked
    | events.ChangeShipped
    | events.OutcomeMeasured
    | events.LoopClosed
    | events.LoopReopened
    | events.BeneficiaryNotified
)


class Answerable(NamedTuple):
    """An idea that a change may answer."""

    board: UUID
    status: str


def board_of_all(ideas: Sequence[str], known: Mapping[str, Answerable], board: UUID | None = None) -> UUID:
    """The board that all these ideas are of: that of the first one, unless it is given.

    `known` are the ideas that there are. Raises IdeaUnknown, BoardsDiffer and IdeaArchived, with the idea to blame.
    """
    for n, idea in enumerate(ideas):
        if idea not in known:
            raise refuse(IdeaUnknown, f"/ideas/{n}")
        board = board or known[idea].board
        if known[idea].board != board:
            raise refuse(BoardsDiffer, f"/ideas/{n}")
        if known[idea].status == "archived":
            raise refuse(IdeaArchived, f"/ideas/{n}")
    assert board is not None  # noqa: S101  a change answers at least one idea
    return board


def decide_change(command: OfChange, state: Answer | None) -> ChangeEvent | None:
    """The event to record; None where it is already so."""
    match command, state:
        case LinkChange(), Answer():
            return None
        case LinkChange(), _:
            return msgspec.structs.replace(command.linked, ideas=list(dict.fromkeys(command.linked.ideas)))
        case _, None:
            raise refuse(ChangeUnknown)
        case AddIdeas(), Answer():
            return _added(command, state)
        case ShipChange(), Answer(status="linked" | "reopened"):
            note = UNSET if command.note is None else command.note
            return events.ChangeShipped(change=str(state.id), ideas=list(state.ideas), note=note)
        case ShipChange(), Answer():
            return None
        case NotifyBeneficiary(), Answer():
            return _notified(command, state)
        case MeasureOutcome(), Answer(status="shipped" | "measured" | "closed"):
            if problem := command.measured.problem():
                raise Invalid([Problem(*problem)])
            return msgspec.structs.replace(command.measured, change=str(state.id), ideas=list(state.ideas))
        case MeasureOutcome(), Answer():
            raise refuse(ChangeNotShipped)
        case CloseLoop() | ReopenLoop(), Answer():
            return _ended(command, state)
        case _:
            assert_never(command)


def _ended(command: CloseLoop | ReopenLoop, state: Answer) -> events.LoopClosed | events.LoopReopened | None:
    match command, state:
        case CloseLoop(), Answer(status="closed"):
            return None
        case CloseLoop(), Answer(status="measured", is_met=True):
            return events.LoopClosed(change=str(state.id), ideas=list(state.ideas), text=command.text)
        case CloseLoop(), Answer(status="measured"):
            raise refuse(TargetMissed)
        case ReopenLoop(), Answer(status="reopened"):
            return None
        case ReopenLoop(), Answer(status="measured", is_met=False):
            return events.LoopReopened(change=str(state.id), ideas=list(state.ideas), reason=command.reason)
        case ReopenLoop(), Answer(status="measured" | "closed"):
            raise refuse(TargetMet)
        case _:
            raise refuse(OutcomeNotMeasured)


def _added(command: AddIdeas, state: Answer) -> events.ChangeLinked | None:
    new = [idea for idea in dict.fromkeys(command.ideas) if idea not in state.ideas]
    if not new:
        return None
    if state.status not in {"linked", "reopened"}:
        raise refuse(ChangeHasShipped)
    if len(state.ideas) + len(new) > MAX_IDEAS:
        raise Invalid([Problem("/ideas", "range", f"a change answers at most {MAX_IDEAS} ideas")])
    return events.ChangeLinked(change=str(state.id), title=state.title, ideas=new)


def _notified(command: NotifyBeneficiary, state: Answer) -> events.BeneficiaryNotified | None:
    has_voted, was_told = state.voter
    if state.status in {"linked", "reopened"}:
        raise refuse(ChangeNotShipped)
    if not has_voted:
        raise refuse(NotABeneficiary)
    if was_told:
        return None
    return events.BeneficiaryNotified(
        change=str(state.id), ideas=list(state.ideas), channel=command.channel,
        text=UNSET if command.text is None else command.text, actor=command.actor or UNSET,
    )  # fmt: skip
