"""Lines of ideas, votes, comments, and of what came of them. Pure and total."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from msgspec import UNSET, UnsetType

from libs.events.catalog import feedback as of
from libs.events.catalog.fields import Actor
from services.timeline.titles.words import changes, said, term, words

_WAYS: Final = {
    "face_to_face": "face to face",
    "social": "on social media",
    "web": "on the web",
    "store": "in the store",
    "event": "at an event",
}


def line(data: object) -> str | None:
    return _vote(data) or _idea(data) or _talk(data) or _board(data) or _outcome(data)


def _vote(data: object) -> str | None:
    match data:
        case of.VoteCast():
            side = "for" if data.stance == "up" else "against"
            return f"Voted {side} an idea{_credits(' with', data.credits)}{_entered(data.proxy)}"
        case of.VoteChanged():
            side = "for" if data.stance == "up" else "against"
            return f"Changed the vote on an idea: {side} it{_credits(', with', data.credits)}{_entered(data.proxy)}"
        case of.VoteWithdrawn():
            return f"Withdrew the vote on an idea{said(data.reason)}{_entered(data.proxy)}"
        case of.VoteInvalidated():
            return f"Vote on an idea found not to count: {data.reason}"
        case _:
            return None


def _idea(data: object) -> str | None:
    match data:
        case of.IdeaSubmitted():
            return f"Submitted an idea: {data.title}{_entered(data.actor)}"
        case of.ProposalPublished():
            return f"Proposal put to the vote: {data.title}"
        case of.IdeaEdited():
            return f"Idea edited: {changes(data.changes)}{said(data.reason)}"
        case of.IdeaTagged():
            return f"Idea tagged: {', '.join(data.tags)}" if data.tags else "Tags taken off an idea"
        case of.IdeaStatusChanged():
            return f"Idea {words(data.to)}{_promised(data.to, data.promised_for)}: {data.reason}"
        case of.IdeaAnswered():
            return f"Idea answered: {data.text}"
        case of.IdeasMerged():
            return f"Idea merged into another: {data.reason}"
        case of.IdeasUnmerged():
            return f"Idea no longer merged into another{said(data.reason)}"
        case _:
            return None


def _talk(data: object) -> str | None:
    match data:
        case of.CommentPosted():
            verb = "Commented on" if data.reply_to is UNSET else "Replied to a comment on"
            return f"{verb} an idea: {data.text}{_entered(data.actor)}"
        case of.CommentRemoved():
            return f"Comment removed: {data.reason}"
        case of.BeneficiaryNotified():
            way = _WAYS.get(data.channel) or f"by {term(data.channel)}"
            return f"Told {way} what came of {_ideas(data.ideas)}{said(data.text)}"
        case _:
            return None


def _board(data: object) -> str | None:
    match data:
        case of.BoardOpened():
            return f"Board opened: {data.title}"
        case of.BoardChanged():
            return f"Board changed, {changes(data.changes)}: {data.reason}"
        case _:
            return None


def _outcome(data: object) -> str | None:
    match data:
        case of.ChangeLinked():
            return f"Change that answers {_ideas(data.ideas)}: {data.title}"
        case of.ChangeShipped():
            return f"Change shipped{said(data.note)}"
        case of.OutcomeMeasured():
            met = "met" if data.is_met else "missed"
            unit = "" if data.unit is UNSET else f" {data.unit}"
            actual, baseline, target = map(_number, (data.actual, data.baseline, data.target))
            return f"Target {met}: {data.metric} at {actual}{unit}, from {baseline}, to be {target}"
        case of.LoopClosed():
            return f"Those who asked were told: {data.text}"
        case of.LoopReopened():
            return f"{_ideas(data.ideas).capitalize()} worked on again: {data.reason}"
        case _:
            return None


def _credits(link: str, credits_: int | UnsetType) -> str:
    return "" if credits_ is UNSET else f"{link} 1 credit" if credits_ == 1 else f"{link} {credits_} credits"


def _entered(actor: Actor | UnsetType) -> str:
    """Who did it for the customer."""
    if actor is UNSET or actor.kind == "customer":
        return ""
    return f" (entered by {actor.id or actor.kind})"


def _promised(to: of.Status, day: date | UnsetType) -> str:
    return "" if day is UNSET else f" for {day}" if to == "planned" else f", promised for {day}"


def _ideas(ideas: Sequence[str]) -> str:
    return "an idea" if len(ideas) == 1 else f"{len(ideas)} ideas"


def _number(value: float) -> str:
    """As people write it: 10, not 10.0."""
    return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else str(value)
