"""What callers ask of feedback. Most commands carry what their event will say; the deciders say whether it may."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from libs.events.catalog import feedback as events
from libs.events.catalog.fields import Actor


@dataclass(frozen=True, slots=True)
class OpenBoard:
    opened: events.BoardOpened


@dataclass(frozen=True, slots=True)
class ChangeBoard:
    """`fields` are the new values; those that are so already are left out of the event."""

    fields: Mapping[str, Any]
    reason: str


@dataclass(frozen=True, slots=True)
class SubmitIdea:
    submitted: events.IdeaSubmitted | events.ProposalPublished


@dataclass(frozen=True, slots=True)
class EditIdea:
    """`fields` are the new values; None takes one away."""

    fields: Mapping[str, Any]
    reason: str | None
    actor: Actor | None


@dataclass(frozen=True, slots=True)
class TagIdea:
    """`tags` are all that it has from now on."""

    tags: Sequence[str]
    actor: Actor | None


@dataclass(frozen=True, slots=True)
class SetStatus:
    to: events.Status
    reason: str
    promised_for: date | None
    actor: Actor | None


@dataclass(frozen=True, slots=True)
class AnswerIdea:
    answered: events.IdeaAnswered


@dataclass(frozen=True, slots=True)
class MergeIdea:
    """The merge's id is the command's."""

    id: UUID
    into: UUID
    reason: str
    actor: Actor | None


@dataclass(frozen=True, slots=True)
class UnmergeIdea:
    reason: str | None
    actor: Actor | None


@dataclass(frozen=True, slots=True)
class CastVote:
    """Also changes one that stands."""

    stance: events.Stance
    credits: int | None
    proxy: Actor | None


@dataclass(frozen=True, slots=True)
class WithdrawVote:
    reason: str | None
    proxy: Actor | None


@dataclass(frozen=True, slots=True)
class InvalidateVote:
    reason: str
    actor: Actor | None


@dataclass(frozen=True, slots=True)
class PostComment:
    posted: events.CommentPosted


@dataclass(frozen=True, slots=True)
class RemoveComment:
    reason: str
    actor: Actor | None


@dataclass(frozen=True, slots=True)
class LinkChange:
    linked: events.ChangeLinked


@dataclass(frozen=True, slots=True)
class AddIdeas:
    """To a change that is there."""

    ideas: Sequence[str]


@dataclass(frozen=True, slots=True)
class ShipChange:
    note: str | None


@dataclass(frozen=True, slots=True)
class MeasureOutcome:
    """`measured` names the change's ideas once it is decided."""

    measured: events.OutcomeMeasured


@dataclass(frozen=True, slots=True)
class CloseLoop:
    text: str


@dataclass(frozen=True, slots=True)
class ReopenLoop:
    reason: str


@dataclass(frozen=True, slots=True)
class NotifyBeneficiary:
    channel: str
    text: str | None
    actor: Actor | None


OfBoard = OpenBoard | ChangeBoard
OfIdea = EditIdea | TagIdea | SetStatus | AnswerIdea
OfMerge = MergeIdea | UnmergeIdea
OfVote = CastVote | WithdrawVote | InvalidateVote
OfComment = PostComment | RemoveComment
OfChange = LinkChange | AddIdeas | ShipChange | MeasureOutcome | CloseLoop | ReopenLoop | NotifyBeneficiary
