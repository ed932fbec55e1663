"""The event types of the feedback service, all `rapport.feedback.<name>.v1`: decisions, keyed by their board.

Votes are bare: who, on what, how. A weight, a class or a count never stands in one; those are views of later readers.
"""

from datetime import date
from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from libs.events.catalog.ballots import Ballot, Credits, Eligibility, ballot_problem, eligibility_problem
from libs.events.catalog.contacts import Change, NodeText
from libs.events.catalog.fields import (
    Actor,
    AmountMinor,
    Channel,
    Count,
    Data,
    Id,
    Text,
    Touchpoint,
    ValueFactor,
    Words,
)
from libs.events.currencies import Currency

MAX_IDEAS: Final = 200
MAX_TAGS: Final = 20

Title = Annotated[str, Meta(min_length=1, max_length=200)]
Tag = Annotated[str, Meta(min_length=1, max_length=50)]
Tags = Annotated[list[Tag], Meta(max_length=MAX_TAGS)]
IdeaIds = Annotated[list[NodeText], Meta(min_length=1, max_length=MAX_IDEAS)]
Changes = Annotated[dict[Id, Change], Meta(min_length=1, max_length=20)]

Stance = Literal["up", "down"]
Status = Literal[
    "submitted", "under_review", "planned", "in_progress", "shipped", "measured", "declined", "archived"
]  # fmt: skip


class BoardOpened(Data, frozen=True, kw_only=True):
    """`board` is the event's own id."""

    board: NodeText
    title: Title
    description: Text | UnsetType = UNSET
    ballot: Ballot
    eligibility: Eligibility

    def problem(self) -> tuple[str, str, str] | None:
        return ballot_problem(self.ballot) or eligibility_problem(self.eligibility)


class BoardChanged(Data, frozen=True, kw_only=True):
    """Of title, description, eligibility, the ballot's budget and cap, and status: open or closed."""

    board: NodeText
    changes: Changes
    reason: Words


class IdeaSubmitted(Data, frozen=True, kw_only=True):
    """`idea` is the event's own id. `actor` is who entered it on the customer's behalf, `interaction` where."""

    idea: NodeText
    title: Title
    text: Text | UnsetType = UNSET
    touchpoint: Touchpoint
    value_factor: ValueFactor | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    interaction: Id | UnsetType = UNSET
    actor: Actor | UnsetType = UNSET


class ProposalPublished(Data, frozen=True, kw_only=True):
    """`idea` is the event's own id: a proposal is voted on as ideas are."""

    idea: NodeText
    title: Title
    text: Text | UnsetType = UNSET
    touchpoint: Touchpoint
    value_factor: ValueFactor | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    actor: Actor | UnsetType = UNSET


class IdeaEdited(Data, frozen=True, kw_only=True):
    """Of title, text, touchpoint and value factor."""

    idea: NodeText
    changes: Changes
    reason: Words | UnsetType = UNSET
    actor: Actor | UnsetType = UNSET


class IdeaTagged(Data, frozen=True, kw_only=True):
    """`tags` are all that it has from now on."""

    idea: NodeText
    tags: Tags
    actor: Actor | UnsetType = UNSET


class IdeaStatusChanged(Data, frozen=True, kw_only=True):
    """`promised_for` is the day by whose end, in UTC, it will have shipped: a promise to all who voted."""

    idea: NodeText
    before: Status = msgspec.field(name="from")
    to: Status
    reason: Words
    promised_for: date | UnsetType = UNSET
    actor: Actor | UnsetType = UNSET


class IdeaAnswered(Data, frozen=True, kw_only=True):
    """The company's own word."""

    idea: NodeText
    text: Words
    actor: Actor | UnsetType = UNSET


class IdeasMerged(Data, frozen=True, kw_only=True):
    """A link: `idea` is about the same as `into`. `merge` is the event's own id."""

    merge: NodeText
    idea: NodeText
    into: NodeText
    reason: Words
    actor: Actor | UnsetType = UNSET


class IdeasUnmerged(Data, frozen=True, kw_only=True):
    """Takes the link of that merge away."""

    merge: NodeText
    idea: NodeText
    into: NodeText
    reason: Words | UnsetType = UNSET
    actor: Actor | UnsetType = UNSET


class VoteCast(Data, frozen=True, kw_only=True):
    """`credits` on boards of credits, where the stance is up. `proxy` is who cast it for the voter."""

    idea: NodeText
    stance: Stance
    credits: Credits | UnsetType = UNSET
    proxy: Actor | UnsetType = UNSET


class VoteChanged(Data, frozen=True, kw_only=True):
    """What it is from now on."""

    idea: NodeText
    stance: Stance
    credits: Credits | UnsetType = UNSET
    proxy: Actor | UnsetType = UNSET


class VoteWithdrawn(Data, frozen=True, kw_only=True):
    idea: NodeText
    reason: Words | UnsetType = UNSET
    proxy: Actor | UnsetType = UNSET


class VoteInvalidated(Data, frozen=True, kw_only=True):
    """It counts no more, and the person votes on this idea no more."""

    idea: NodeText
    reason: Words
    actor: Actor | UnsetType = UNSET


class CommentPosted(Data, frozen=True, kw_only=True):
    """`comment` is the event's own id. Without a subject it is the company's, and `actor` says whose."""

    comment: NodeText
    idea: NodeText
    text: Words
    reply_to: NodeText | UnsetType = UNSET
    interaction: Id | UnsetType = UNSET
    actor: Actor | UnsetType = UNSET


class CommentRemoved(Data, frozen=True, kw_only=True):
    comment: NodeText
    idea: NodeText
    reason: Words
    actor: Actor | UnsetType = UNSET


class ChangeLinked(Data, frozen=True, kw_only=True):
    """A change that answers these ideas. `change` is the id of the first such event; a later one adds ideas to it."""

    change: NodeText
    title: Title
    ideas: IdeaIds
    description: Text | UnsetType = UNSET


class ChangeShipped(Data, frozen=True, kw_only=True):
    """Customers have it."""

    change: NodeText
    ideas: IdeaIds
    note: Words | UnsetType = UNSET


class OutcomeMeasured(Data, frozen=True, kw_only=True):
    """Whether it helped: by which measure, from where, to where, how that was found, and among how many.

    The target is a rise or a fall from the baseline; it is met where `actual` has come as far.
    """

    change: NodeText
    ideas: IdeaIds
    metric: Id
    baseline: float
    target: float
    actual: float
    unit: Id | UnsetType = UNSET
    method: Words
    n: Count
    for_whom: Literal["customer", "company"]
    value_minor: AmountMinor | UnsetType = UNSET
    cost_minor: AmountMinor | UnsetType = UNSET
    currency: Currency | UnsetType = UNSET

    def problem(self) -> tuple[str, str, str] | None:
        has_money = self.value_minor is not UNSET or self.cost_minor is not UNSET
        if has_money == (self.currency is not UNSET):
            return None
        return "/currency", "required", "an amount has a currency, and a currency an amount"

    @property
    def is_met(self) -> bool:
        rises = self.target >= self.baseline
        return self.actual >= self.target if rises else self.actual <= self.target


class LoopClosed(Data, frozen=True, kw_only=True):
    """`text` is what those are told who asked for it."""

    change: NodeText
    ideas: IdeaIds
    text: Words


class LoopReopened(Data, frozen=True, kw_only=True):
    """It did not help enough: the ideas are worked on again."""

    change: NodeText
    ideas: IdeaIds
    reason: Words


class BeneficiaryNotified(Data, frozen=True, kw_only=True):
    """One who voted was told what came of it."""

    change: NodeText
    ideas: IdeaIds
    channel: Channel
    text: Words | UnsetType = UNSET
    actor: Actor | UnsetType = UNSET


VoteEvent = VoteCast | VoteChanged | VoteWithdrawn | VoteInvalidated
