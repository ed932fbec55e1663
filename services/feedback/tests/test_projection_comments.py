"""Comments and complaints: rows, whole."""

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest

from libs.events.fold import Fact, Row, fact_of
from libs.events.log import Record
from libs.events.position import Partition
from libs.events.tests.rich_story import GOLDEN
from services.feedback.projection.comments import (
    THREADS,
    comment_keys,
    complaint_rows,
    fold_comment,
    is_complaint,
)
from services.feedback.tables import comments, complaints
from services.feedback.tests.facts import IDEA, NODE, RECORDED_AT, fact, said, sample

COMMENT: str = sample("comment.posted")["id"]
REPLY = "019cae24-0000-7586-a272-61f0770c6faf"
KEY = (UUID(COMMENT),)
POSTED: Row = {
    "id": UUID(COMMENT),
    "partition": 4,
    "offset": 7,
    "occurred_at": datetime(2026, 3, 2, 10, 42, tzinfo=UTC),
    "recorded_at": datetime(2026, 3, 2, 12, 0, 0, 250_000, tzinfo=UTC),
    "node": UUID(NODE),
    "subject": "crm:4711",
    "actor": None,
    "idea": UUID(IDEA),
    "root": UUID(COMMENT),
    "reply_to": None,
    "interaction": "c41d9c8d-adb5-8ef5-9d5b-c383e9e127cf",
    "text": "The hour would be better still",
    "removed_for": None,
    "removed_at": None,
}
REMOVED = {
    "text": None,
    "removed_for": "she asked for it",
    "removed_at": datetime(2026, 3, 2, 10, 43, tzinfo=UTC),
}


class TestComments:
    def test_a_comment_begins_a_thread(self) -> None:
        assert comment_keys(fact("comment.posted")) == [KEY]
        assert fold_comment(None, fact("comment.posted"), KEY) == POSTED
        assert POSTED.keys() == set(comments.columns.keys())

    def test_a_reply_lies_in_the_thread_that_its_source_names(self) -> None:
        data = {"comment": REPLY, "idea": IDEA, "text": "Which hour?", "reply_to": COMMENT}
        reply = said("comment.posted", data, 8, id=REPLY)
        assert fold_comment(None, reply, (UUID(REPLY),)) == POSTED | {
            "id": UUID(REPLY), "offset": 8, "reply_to": UUID(COMMENT), "interaction": None, "text": "Which hour?",
        }  # fmt: skip
        assert reply.event.source == THREADS + COMMENT

    def test_the_companys_is_nobodys(self) -> None:
        ours = fact(
            "comment.posted", subject=None, subjectnode=None, data={"actor": {"kind": "staff", "id": "agent-7"}}
        )
        assert fold_comment(None, ours, KEY) == POSTED | {
            "node": None, "subject": None, "actor": '{"kind":"staff","id":"agent-7"}',
        }  # fmt: skip

    def test_the_name_is_kept_in_its_normal_form(self) -> None:
        row = fold_comment(None, fact("comment.posted", subject="email: Ada@X.org "), KEY)
        assert row == POSTED | {"subject": "email:ada@x.org"}

    def test_one_that_was_removed_keeps_no_text(self) -> None:
        removed = fact("comment.removed", 8)
        assert comment_keys(removed) == [KEY]
        assert fold_comment(POSTED, removed, KEY) == POSTED | REMOVED

    def test_removing_what_nobody_posted_makes_no_row(self) -> None:
        assert fold_comment(None, fact("comment.removed"), KEY) is None

    def test_posting_it_again_changes_nothing(self) -> None:
        again = fact("comment.posted", 9, data={"text": "Another"})
        assert fold_comment(POSTED | REMOVED, again, KEY) == POSTED | REMOVED

    @pytest.mark.parametrize("name", ["idea.submitted", "vote.cast", "change.linked"])
    def test_nothing_else_is_about_one(self, name: str) -> None:
        assert comment_keys(fact(name)) == ()
        assert fold_comment(POSTED, fact(name), KEY) == POSTED


def observed(name: str) -> Fact:
    record = Record(NODE.encode(), json.dumps(json.loads(GOLDEN[f"rapport.interactions.{name}.v1"])).encode())
    return fact_of(record, Partition("interactions", 2), 5, RECORDED_AT)


class TestComplaints:
    def test_one_that_was_lodged_is_a_row(self) -> None:
        lodged = observed("complaint.lodged")
        row = (lodged.name, lodged.digest, "2", "5", "2026-03-02T10:07:00Z", RECORDED_AT, NODE, "billing", "4")
        assert complaint_rows(lodged) == (row,)
        assert len(row) == len(complaints.columns)
        assert is_complaint(lodged)

    @pytest.mark.parametrize("name", ["complaint.resolved", "complaint.escalated", "problem.reported"])
    def test_nothing_else_is(self, name: str) -> None:
        assert complaint_rows(observed(name)) == ()
        assert not is_complaint(observed(name))
