"""The rules of votes, as sentences."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from libs.events.catalog.ballots import Eligibility
from libs.events.catalog.feedback import (
    Stance,
    VoteCast,
    VoteChanged,
    VoteEvent,
    VoteInvalidated,
    VoteWithdrawn,
)
from libs.events.catalog.fields import Actor
from libs.events.tests.decider_spec import Spec
from services.feedback.commands import CastVote, InvalidateVote, OfVote, WithdrawVote
from services.feedback.decider.boards import Board, Voter
from services.feedback.decider.votes import Vote, Voting, decide_vote
from services.feedback.refusals import (
    BoardClosed,
    IdeaArchived,
    IdeaUnknown,
    NotEligible,
    OverBudget,
    OverCap,
    VoteUnknown,
    VoteWasInvalidated,
)
from services.feedback.tests.test_decider_boards import board

IDEA, OTHER = UUID(int=1), UUID(int=2)
ADA = Voter(UUID(int=7), (UUID(int=7),), ("crm:1",), is_registered=False)
AGENT = Actor(kind="staff", id="agent-7")

APPROVAL, UP_DOWN = board(), board(ballot="up_down")
CREDITS = board(ballot="credits", budget=10, cap=4)
FOR, AGAINST = Vote("cast", 1, 0), Vote("changed", -1, 0)
WITHDRAWN, INVALIDATED = Vote("withdrawn", 0, 0), Vote("invalidated", 0, 0)


def state(
    on: Board = APPROVAL, vote: Vote | None = None, *, status: str = "submitted", spent: int | None = None,
    others: Mapping[UUID, Vote] | None = None, is_there: bool = True,
) -> Voting | None:  # fmt: skip
    """`others` are the person's votes on ideas merged with it; `spent` is all that they spend on the board."""
    votes = {**(others or {}), **({} if vote is None else {IDEA: vote})}
    spends = sum(each.credits for each in votes.values()) if spent is None else spent
    return Voting(IDEA, status, on, ADA, votes, spends) if is_there else None


class TellsState(Spec[OfVote, Voting | None, VoteEvent]):
    def given(self, *told: Any, **more: Any) -> "Spec[OfVote, Voting | None, VoteEvent]":
        return Spec(self.decide, lambda: state(*told, **more))


spec = TellsState(decide_vote, state)


def casting(stance: Stance = "up", credits_: int | None = None, proxy: Actor | None = None) -> CastVote:
    return CastVote(stance, credits_, proxy)


def spent(credits_: int) -> Vote:
    return Vote("cast", 1, credits_)


class TestCasting:
    @pytest.mark.parametrize("before", [None, WITHDRAWN])
    @pytest.mark.parametrize(
        ("on", "stance", "credits_"),
        [(APPROVAL, "up", None), (UP_DOWN, "up", None), (UP_DOWN, "down", None), (CREDITS, "up", 4)],
    )
    def test_a_vote_is_cast(self, on: Board, stance: Stance, credits_: int | None, before: Vote | None) -> None:
        said: dict[str, Any] = {} if credits_ is None else {"credits": credits_}
        event = VoteCast(idea=str(IDEA), stance=stance, proxy=AGENT, **said)
        spec.given(on, before).when(casting(stance, credits_, AGENT)).then(event)

    def test_a_vote_is_changed(self) -> None:
        spec.given(UP_DOWN, FOR).when(casting("down")).then(VoteChanged(idea=str(IDEA), stance="down"))
        spec.given(UP_DOWN, AGAINST).when(casting()).then(VoteChanged(idea=str(IDEA), stance="up"))
        event = VoteChanged(idea=str(IDEA), stance="up", credits=1)
        spec.given(CREDITS, spent(3)).when(casting(credits_=1)).then(event)

    def test_the_same_vote_is_quiet_whoever_casts_it(self) -> None:
        spec.given(APPROVAL, FOR).when(casting(proxy=AGENT)).is_quiet()
        spec.given(UP_DOWN, AGAINST).when(casting("down")).is_quiet()
        spec.given(CREDITS, spent(3)).when(casting(credits_=3)).is_quiet()

    def test_a_vote_on_an_idea_that_was_merged_with_it_is_another(self) -> None:
        spec.given(others={OTHER: FOR}).when(casting()).then(VoteCast(idea=str(IDEA), stance="up"))

    @pytest.mark.parametrize("status", ["under_review", "planned", "in_progress", "shipped", "measured", "declined"])
    def test_one_votes_whatever_is_done_with_the_idea(self, status: str) -> None:
        spec.given(status=status).when(casting()).then(VoteCast(idea=str(IDEA), stance="up"))


class TestWhatCannotBeCast:
    @pytest.mark.parametrize(
        ("on", "command", "pointer"),
        [
            (APPROVAL, casting("down"), "/stance"),
            (CREDITS, casting("down", 1), "/stance"),
            (CREDITS, casting(), "/credits"),
            (APPROVAL, casting(credits_=1), "/credits"),
            (UP_DOWN, casting("down", 1), "/credits"),
        ],
    )
    def test_what_the_ballot_does_not_have(self, on: Board, command: CastVote, pointer: str) -> None:
        spec.given(on).when(command).is_invalid(pointer)

    def test_on_an_idea_that_there_is_not(self) -> None:
        spec.given(is_there=False).when(casting()).is_refused(IdeaUnknown)

    def test_on_a_closed_board(self) -> None:
        spec.given(board(status="closed")).when(casting()).is_refused(BoardClosed)

    def test_on_an_archived_idea(self) -> None:
        spec.given(status="archived").when(casting()).is_refused(IdeaArchived)

    def test_by_whom_the_rules_leave_out(self) -> None:
        spec.given(board(eligibility=Eligibility(kind="registered"))).when(casting()).is_refused(NotEligible)

    def test_again_once_it_was_found_not_to_count(self) -> None:
        spec.given(APPROVAL, INVALIDATED).when(casting()).is_refused(VoteWasInvalidated)
        spec.given(CREDITS, INVALIDATED).when(casting(credits_=1)).is_refused(VoteWasInvalidated)


class TestCredits:
    def test_up_to_the_cap_and_no_more(self) -> None:
        spec.given(CREDITS).when(casting(credits_=4)).then(VoteCast(idea=str(IDEA), stance="up", credits=4))
        spec.given(CREDITS).when(casting(credits_=5)).is_refused(OverCap, cap=4, spent_on_idea=0)

    def test_without_a_cap_up_to_the_budget(self) -> None:
        plain = board(ballot="credits", budget=10)
        spec.given(plain).when(casting(credits_=10)).then(VoteCast(idea=str(IDEA), stance="up", credits=10))
        spec.given(plain).when(casting(credits_=11)).is_refused(OverCap, cap=10, spent_on_idea=0)

    def test_up_to_what_is_left_of_the_budget(self) -> None:
        spec.given(CREDITS, spent=7).when(casting(credits_=3)).then(VoteCast(idea=str(IDEA), stance="up", credits=3))
        spec.given(CREDITS, spent=7).when(casting(credits_=4)).is_refused(OverBudget, budget=10, left=3)

    def test_what_the_vote_itself_has_is_free_again(self) -> None:
        sentence = spec.given(CREDITS, spent(2), spent=9).when(casting(credits_=3))
        sentence.then(VoteChanged(idea=str(IDEA), stance="up", credits=3))
        spec.given(CREDITS, spent(2), spent=10).when(casting(credits_=3)).is_refused(OverBudget, budget=10, left=2)

    def test_the_cap_is_that_of_all_that_was_merged(self) -> None:
        merged = {OTHER: spent(3)}
        event = VoteCast(idea=str(IDEA), stance="up", credits=1)
        spec.given(CREDITS, others=merged).when(casting(credits_=1)).then(event)
        spec.given(CREDITS, others=merged).when(casting(credits_=2)).is_refused(OverCap, cap=4, spent_on_idea=3)
        two = spec.given(CREDITS, spent(1), others=merged)
        two.when(casting(credits_=2)).is_refused(OverCap, cap=4, spent_on_idea=3)

    def test_what_a_merge_brought_over_the_budget_can_be_lowered_and_not_raised(self) -> None:
        over = spec.given(CREDITS, spent(2), spent=14)
        over.when(casting(credits_=1)).then(VoteChanged(idea=str(IDEA), stance="up", credits=1))
        over.when(casting(credits_=3)).is_refused(OverBudget, budget=10, left=0)

    def test_what_a_merge_brought_over_the_cap_can_be_lowered_and_not_raised(self) -> None:
        over = spec.given(CREDITS, spent(3), others={OTHER: spent(4)})
        over.when(casting(credits_=2)).then(VoteChanged(idea=str(IDEA), stance="up", credits=2))
        over.when(casting(credits_=4)).is_refused(OverCap, cap=4, spent_on_idea=4)


class TestWithdrawing:
    @pytest.mark.parametrize(("on", "before"), [(APPROVAL, FOR), (UP_DOWN, AGAINST), (CREDITS, spent(3))])
    def test_a_vote_is_withdrawn(self, on: Board, before: Vote) -> None:
        event = VoteWithdrawn(idea=str(IDEA), reason="changed my mind", proxy=AGENT)
        spec.given(on, before).when(WithdrawVote("changed my mind", AGENT)).then(event)

    def test_no_reason_is_needed_and_an_archived_idea_lets_votes_go(self) -> None:
        spec.given(APPROVAL, FOR, status="archived").when(WithdrawVote(None, None)).then(VoteWithdrawn(idea=str(IDEA)))

    @pytest.mark.parametrize("before", [WITHDRAWN, INVALIDATED])
    def test_what_stands_no_more_is_quiet(self, before: Vote) -> None:
        spec.given(APPROVAL, before).when(WithdrawVote(None, None)).is_quiet()

    def test_what_was_never_cast_is_refused(self) -> None:
        spec.when(WithdrawVote(None, None)).is_refused(VoteUnknown)
        spec.given(others={OTHER: FOR}).when(WithdrawVote(None, None)).is_refused(VoteUnknown)
        spec.given(is_there=False).when(WithdrawVote(None, None)).is_refused(IdeaUnknown)

    def test_on_a_closed_board_all_stands(self) -> None:
        spec.given(board(status="closed"), FOR).when(WithdrawVote(None, None)).is_refused(BoardClosed)


class TestInvalidating:
    @pytest.mark.parametrize("on", [APPROVAL, board(status="closed")])
    @pytest.mark.parametrize("before", [FOR, AGAINST, spent(3)])
    def test_a_vote_that_stands_is_found_not_to_count(self, before: Vote, on: Board) -> None:
        event = VoteInvalidated(idea=str(IDEA), reason="cast by a script", actor=AGENT)
        spec.given(on, before).when(InvalidateVote("cast by a script", AGENT)).then(event)

    def test_once_is_enough(self) -> None:
        spec.given(APPROVAL, INVALIDATED).when(InvalidateVote("cast by a script", None)).is_quiet()

    @pytest.mark.parametrize("before", [None, WITHDRAWN])
    def test_what_does_not_stand_is_refused(self, before: Vote | None) -> None:
        spec.given(APPROVAL, before).when(InvalidateVote("cast by a script", None)).is_refused(VoteUnknown)

    def test_on_an_idea_that_there_is_not(self) -> None:
        spec.given(is_there=False).when(InvalidateVote("cast by a script", None)).is_refused(IdeaUnknown)
