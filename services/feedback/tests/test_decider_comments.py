"""The rules about comments, as sentences."""

from dataclasses import replace
from uuid import UUID

import pytest
from msgspec import UNSET

from libs.events.catalog.ballots import Eligibility
from libs.events.catalog.feedback import CommentPosted, CommentRemoved, Status
from libs.events.catalog.fields import Actor
from libs.events.tests.decider_spec import Spec
from services.feedback.commands import OfComment, PostComment, RemoveComment
from services.feedback.decider.boards import Board
from services.feedback.decider.comments import Comment, Talk, decide_comment
from services.feedback.decider.ideas import FOLLOWS, Idea
from services.feedback.refusals import (
    BoardClosed,
    CommentUnknown,
    IdeaArchived,
    IdeaUnknown,
    ReplyElsewhere,
)
from services.feedback.refusals import (
    CommentRemoved as AlreadyRemoved,
)

COMMENT, REPLY, ELSEWHERE = (UUID(int=n) for n in (1, 2, 3))
BOARD = Board(UUID(int=4), "open", "Board", None, "approval", None, None, Eligibility(kind="everyone"))
IDEA = Idea(UUID(int=5), BOARD, "submitted", {}, (), None, None, None, UUID(int=5))
CLOSED = replace(IDEA, board=replace(BOARD, status="closed"))
SAID = Comment(COMMENT, IDEA.id, COMMENT, is_removed=False)
GONE = replace(SAID, is_removed=True)
STAFF = Actor(kind="staff", id="agent-7")

spec = Spec[OfComment, Talk, CommentPosted | CommentRemoved](decide_comment, Talk)
untold = spec.given(None, None)


def comment(reply_to: UUID | None = None) -> PostComment:
    replies = UNSET if reply_to is None else str(reply_to)
    return PostComment(CommentPosted(comment=str(REPLY), idea=str(IDEA.id), text="The hour too", reply_to=replies))


def remove(actor: Actor | None = None) -> RemoveComment:
    return RemoveComment("she asked for it", actor)


class TestPosting:
    def test_a_comment_is_posted_as_it_was_said(self) -> None:
        spec.given(IDEA, None).when(comment()).then(comment().posted)

    def test_so_is_a_reply(self) -> None:
        spec.given(IDEA, SAID).when(comment(COMMENT)).then(comment(COMMENT).posted)

    def test_on_no_idea(self) -> None:
        untold.when(comment()).is_refused(IdeaUnknown)

    @pytest.mark.parametrize("status", sorted(FOLLOWS.keys() - {"archived"}))
    def test_whatever_became_of_the_idea(self, status: Status) -> None:
        spec.given(replace(IDEA, status=status), None).when(comment()).then(comment().posted)

    def test_but_not_on_one_that_is_history(self) -> None:
        spec.given(replace(IDEA, status="archived"), None).when(comment()).is_refused(IdeaArchived)

    def test_on_one_that_was_merged_it_stays_there(self) -> None:
        merged = replace(IDEA, merged_into=ELSEWHERE, root=ELSEWHERE)
        spec.given(merged, None).when(comment()).then(comment().posted)

    def test_on_a_closed_board(self) -> None:
        spec.given(CLOSED, None).when(comment()).is_refused(BoardClosed)
        spec.given(CLOSED, SAID).when(comment(COMMENT)).is_refused(BoardClosed)

    def test_a_reply_to_nothing(self) -> None:
        spec.given(IDEA, None).when(comment(COMMENT)).is_refused(CommentUnknown)

    def test_a_reply_to_what_was_removed(self) -> None:
        spec.given(IDEA, GONE).when(comment(COMMENT)).is_refused(AlreadyRemoved)

    def test_a_reply_under_another_idea(self) -> None:
        spec.given(IDEA, replace(SAID, idea=ELSEWHERE)).when(comment(COMMENT)).is_refused(ReplyElsewhere)


class TestRemoving:
    def test_says_why(self) -> None:
        removed = CommentRemoved(comment=str(COMMENT), idea=str(IDEA.id), reason="she asked for it")
        spec.given(IDEA, SAID).when(remove()).then(removed)

    def test_and_who_did_it(self) -> None:
        removed = CommentRemoved(comment=str(COMMENT), idea=str(IDEA.id), reason="she asked for it", actor=STAFF)
        spec.given(IDEA, SAID).when(remove(STAFF)).then(removed)

    @pytest.mark.parametrize("idea", [CLOSED, replace(IDEA, status="archived")])
    def test_is_always_possible(self, idea: Idea) -> None:
        removed = CommentRemoved(comment=str(COMMENT), idea=str(IDEA.id), reason="she asked for it")
        spec.given(idea, SAID).when(remove()).then(removed)

    def test_again_is_quiet(self) -> None:
        spec.given(IDEA, GONE).when(remove()).is_quiet()

    def test_of_nothing(self) -> None:
        spec.given(IDEA, None).when(remove()).is_refused(CommentUnknown)
