"""What feedback says no with. A refusal's name is its code."""

from libs.events.decider import Refusal, Sentences, Unheard


class BoardUnknown(Unheard):
    """There is no board of this id."""


class IdeaUnknown(Unheard):
    """There is no idea of this id."""


class VoteUnknown(Unheard):
    """This person has no vote on this idea that stands."""


class CommentUnknown(Unheard):
    """There is no comment of this id."""


class ChangeUnknown(Unheard):
    """There is no change of this id."""


class MergeUnknown(Unheard):
    """This idea is not merged into another."""


class BoardClosed(Refusal):
    """Nobody submits, votes or comments on a closed board."""


class BallotKindFixed(Refusal):
    """Votes were cast in one kind of ballot and mean nothing in another."""


class IdeaArchived(Refusal):
    """An archived idea is history."""


class StatusMayNotFollow(Refusal):
    """An idea in this status does not go to that one."""


class MergeWithItself(Refusal):
    """A merge is between two ideas."""


class MergeInACircle(Refusal):
    """The other idea was merged into this one, directly or by way of others."""


class AlreadyMerged(Refusal):
    """An idea is merged into one other at a time."""


class BoardsDiffer(Refusal):
    """Ideas of different boards have different voters and ballots."""


class NotEligible(Refusal):
    """The board's rules leave this person out."""


class OverBudget(Refusal):
    """More credits than the person has left on this board."""


class OverCap(Refusal):
    """More credits than one idea may get from a person."""


class VoteWasInvalidated(Refusal):
    """A vote that was found not to count is not cast again."""


class CommentRemoved(Refusal):
    """Nobody replies to what is no longer shown."""


class ReplyElsewhere(Refusal):
    """A reply stands under the idea that the comment is about."""


class ChangeNotShipped(Refusal):
    """Customers do not have the change yet."""


class ChangeHasShipped(Refusal):
    """What has shipped answers the ideas that it was linked to."""


class OutcomeNotMeasured(Refusal):
    """Whether it helped is not known."""


class TargetMissed(Refusal):
    """The last measure says that it did not help enough."""


class TargetMet(Refusal):
    """The last measure says that it helped."""


class NotABeneficiary(Refusal):
    """This person has no vote on an idea that the change answers."""


_SAID: dict[type[Refusal], str] = {
    BoardUnknown: "there is no board of this id",
    IdeaUnknown: "there is no idea of this id",
    VoteUnknown: "this person has no vote on this idea that stands",
    CommentUnknown: "there is no comment of this id",
    ChangeUnknown: "there is no change of this id",
    MergeUnknown: "this idea is not merged into another",
    BoardClosed: "this board is closed; it can be opened again by changing its status",
    BallotKindFixed: "the kind of ballot stays as it was opened; open another board for another kind",
    IdeaArchived: "this idea is archived; set it under review to bring it back",
    StatusMayNotFollow: "an idea does not go from its present status to this one",
    MergeWithItself: "an idea is merged into another one, not into itself",
    MergeInACircle: "the other idea was merged into this one, directly or by way of others",
    AlreadyMerged: "this idea was merged into another one before; unmerge it first",
    BoardsDiffer: "only ideas of one board can be merged, or answered by one change",
    NotEligible: "the rules of this board leave this person out",
    OverBudget: "these are more credits than this person has left on this board",
    OverCap: "these are more credits than one idea may get from a person",
    VoteWasInvalidated: "this person's vote on this idea was invalidated, and is not cast again",
    CommentRemoved: "this comment was removed; nobody replies to it",
    ReplyElsewhere: "the comment is about another idea; a reply stands under the same one",
    ChangeNotShipped: "this change has not shipped yet",
    ChangeHasShipped: "this change has shipped; take up another one for more ideas",
    OutcomeNotMeasured: "what came of this change was not measured yet",
    TargetMissed: "the last measure missed its target; reopen the loop, or measure again",
    TargetMet: "the last measure met its target, so there is nothing to reopen",
    NotABeneficiary: "this person has no vote on an idea that this change answers",
}


refuse = Sentences(_SAID)
