"""Comments: posting, replying and removing."""

from dataclasses import dataclass
from typing import assert_never
from uuid import UUID

from msgspec import UNSET

from libs.events.catalog import feedback as events
from services.feedback.commands import OfComment, PostComment, RemoveComment
from services.feedback.decider.boards import require_open
from services.feedback.decider.ideas import Idea
from services.feedback.refusals import (
    CommentRemoved,
    CommentUnknown,
    IdeaArchived,
    IdeaUnknown,
    ReplyElsewhere,
    refuse,
)


@dataclass(frozen=True, slots=True)
class Comment:
    """`root` is the first of its thread."""

    id: UUID
    idea: UUID
    root: UUID
    is_removed: bool


@dataclass(frozen=True, slots=True)
class Talk:
    """What a comment is about, and which one it replies to or is."""

    idea: Idea | None
    comment: Comment | None


def decide_comment(command: OfComment, state: Talk) -> events.CommentPosted | events.CommentRemoved | None:
    """The event to record; None where it is already so."""
    match command, state:
        case PostComment(), _:
            _require_answerable(command, state)
            return command.posted
        case RemoveComment(), Talk(comment=Comment(is_removed=True)):
            return None
        case RemoveComment(), Talk(comment=Comment() as comment):
            return events.CommentRemoved(
                comment=str(comment.id), idea=str(comment.idea), reason=command.reason, actor=command.actor or UNSET
            )
        case RemoveComment(), _:
            raise refuse(CommentUnknown)
        case _:
            assert_never(command)


def _require_answerable(command: PostComment, state: Talk) -> None:
    match command.posted.reply_to, state:
        case _, Talk(idea=None):
            raise refuse(IdeaUnknown, "/idea")
        case _, Talk(idea=Idea(status="archived")):
            raise refuse(IdeaArchived, "/idea")
        case str(), Talk(comment=None):
            raise refuse(CommentUnknown, "/reply_to")
        case str(), Talk(comment=Comment(is_removed=True)):
            raise refuse(CommentRemoved, "/reply_to")
        case str(), Talk(comment=Comment() as comment) if str(comment.idea) != command.posted.idea:
            raise refuse(ReplyElsewhere, "/reply_to")
        case _, Talk(idea=Idea() as idea):
            require_open(idea.board)
