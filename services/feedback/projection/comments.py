"""Comments, and what customers complained of. Pure."""

from collections.abc import Sequence
from uuid import UUID

from libs.events.catalog.feedback import CommentPosted, CommentRemoved
from libs.events.catalog.interactions import ComplaintLodged
from libs.events.fold import Fact, Row, RowKey, TextRow
from services.feedback.projection.places import authored, given, happened, placed

THREADS = "/feedback/comments/"


def comment_keys(fact: Fact) -> Sequence[RowKey]:
    match fact.data:
        case CommentPosted() | CommentRemoved():
            return [(UUID(fact.data.comment),)]
        case _:
            return ()


def fold_comment(row: Row | None, fact: Fact, _key: RowKey) -> Row | None:
    """The thread is in the source: all that is decided about one has its scope."""
    match fact.data, row:
        case CommentPosted() as data, None:
            return {
                "id": UUID(data.comment),
                **placed(fact),
                **authored(fact, data.actor),
                "idea": UUID(data.idea),
                "root": UUID(fact.event.source.removeprefix(THREADS)),
                "reply_to": None if (reply_to := given(data.reply_to)) is None else UUID(reply_to),
                "interaction": given(data.interaction),
                "text": data.text,
                "removed_for": None,
                "removed_at": None,
            }
        case CommentRemoved() as data, dict():
            return row | {"text": None, "removed_for": data.reason, "removed_at": happened(fact)}
        case _:
            return row


def is_complaint(fact: Fact) -> bool:
    return isinstance(fact.data, ComplaintLodged)


def complaint_rows(fact: Fact) -> Sequence[TextRow]:
    """In the order of the table's columns."""
    if not isinstance(fact.data, ComplaintLodged):
        return ()
    place = str(fact.partition.number), str(fact.offset), fact.occurred_at, fact.recorded_at
    return ((fact.name, fact.digest, *place, fact.node, fact.data.touchpoint, str(fact.data.severity)),)
