"""Votes: one person, however many names, has one on an idea; on a board of credits they spend no more than they have.

A vote of a person is the last ballot of any of their names. Ideas that were merged are one: a person counts once there,
and the cap is that of the whole. Votes stay where they were cast, so each of its ideas has ballots of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, assert_never
from uuid import UUID

from msgspec import UNSET

from libs.events.catalog.feedback import VoteCast, VoteChanged, VoteEvent, VoteInvalidated, VoteWithdrawn
from libs.events.decider import Invalid
from libs.events.problems import Problem
from services.feedback.commands import CastVote, InvalidateVote, OfVote, WithdrawVote
from services.feedback.decider.boards import Board, Voter, is_eligible, require_open
from services.feedback.refusals import (
    IdeaArchived,
    IdeaUnknown,
    NotEligible,
    OverBudget,
    OverCap,
    VoteUnknown,
    VoteWasInvalidated,
    refuse,
)


@dataclass(frozen=True, slots=True)
class Vote:
    """What a person last said about an idea. `stance` is 1 or -1, and 0 where nothing stands."""

    said: Literal["cast", "changed", "withdrawn", "invalidated"]
    stance: int
    credits: int


@dataclass(frozen=True, slots=True)
class Voting:
    """An idea and a person: their votes by idea, over its whole group, and the credits they spend on the board."""

    idea: UUID
    status: str
    board: Board
    voter: Voter
    votes: Mapping[UUID, Vote]
    spent: int

    @property
    def vote(self) -> Vote | None:
        return self.votes.get(self.idea)


def decide_vote(command: OfVote, state: Voting | None) -> VoteEvent | None:
    """The event to record; None where it is already so."""
    match command, state:
        case _, None:
            raise refuse(IdeaUnknown, "/idea")
        case InvalidateVote(), Voting(vote=Vote(said="invalidated")):
            return None
        case InvalidateVote(), Voting(vote=Vote(stance=1 | -1)):
            return VoteInvalidated(idea=str(state.idea), reason=command.reason, actor=command.actor or UNSET)
        case InvalidateVote(), Voting():
            raise refuse(VoteUnknown)
        case WithdrawVote(), Voting(vote=Vote(stance=1 | -1)):
            require_open(state.board)
            reason = UNSET if command.reason is None else command.reason
            return VoteWithdrawn(idea=str(state.idea), reason=reason, proxy=command.proxy or UNSET)
        case WithdrawVote(), Voting(vote=Vote()):
            return None
        case WithdrawVote(), Voting():
            raise refuse(VoteUnknown)
        case CastVote(), Voting():
            return _cast(command, state)
        case _:
            assert_never(command)


def _cast(command: CastVote, state: Voting) -> VoteEvent | None:
    _require_fitting(command, state.board)
    require_open(state.board)
    if state.status == "archived":
        raise refuse(IdeaArchived, "/idea")
    if not is_eligible(state.voter, state.board.eligibility):
        raise refuse(NotEligible, "/voter")
    before = state.vote
    if before is not None and before.said == "invalidated":
        raise refuse(VoteWasInvalidated)
    stance, spends = 1 if command.stance == "up" else -1, command.credits or 0
    if before is not None and (before.stance, before.credits) == (stance, spends):
        return None
    _require_credits(spends, before.credits if before is not None else 0, state)
    kind = VoteChanged if before is not None and before.stance else VoteCast
    return kind(
        idea=str(state.idea), stance=command.stance, credits=command.credits or UNSET, proxy=command.proxy or UNSET
    )


def _require_fitting(command: CastVote, board: Board) -> None:
    match board.ballot, command:
        case "credits", CastVote(credits=None):
            raise Invalid([Problem("/credits", "required", "this board is voted on with credits")])
        case "approval" | "credits", CastVote(stance="down"):
            raise Invalid([Problem("/stance", "range", "on this board one votes for an idea, or not")])
        case "approval" | "up_down", CastVote(credits=int()):
            raise Invalid([Problem("/credits", "unknown_field", "this board is not voted on with credits")])
        case _:
            return


def _require_credits(spends: int, spent_here: int, state: Voting) -> None:
    """Credits that a merge of ideas or of people brought over cap or budget stand; none are added to them."""
    if spends <= spent_here:
        return
    on_group = sum(vote.credits for vote in state.votes.values()) - spent_here
    if on_group + spends > state.board.most:
        raise refuse(OverCap, "/credits", cap=state.board.most, spent_on_idea=on_group)
    left = (state.board.budget or 0) - (state.spent - spent_here)
    if spends > left:
        raise refuse(OverBudget, "/credits", budget=state.board.budget, left=max(0, left))
