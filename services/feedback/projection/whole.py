"""All folds of feedback together."""

from libs.events.fold import AppendFold, Projection, RowFold
from libs.events.topics import FEEDBACK, IDENTITY, INTERACTIONS
from services.feedback.projection.boards import board_keys, fold_board
from services.feedback.projection.changes import change_keys, fold_change, notified_rows
from services.feedback.projection.comments import comment_keys, complaint_rows, fold_comment, is_complaint
from services.feedback.projection.ideas import fold_idea, idea_keys
from services.feedback.projection.votes import ballot_rows
from services.feedback.tables import METADATA, ballots, boards, changes, comments, complaints, ideas, notified
from services.feedback.tallying import DERIVED

VERSION = 1
FINGERPRINT = "sha256:bd28aaecaedf8746fc103f6e3cd2904501a43880b0b63b595169de10a751d39a"

PROJECTION = Projection(
    service="feedback",
    version=VERSION,
    fingerprint=FINGERPRINT,
    topics=(IDENTITY.name, INTERACTIONS.name, FEEDBACK.name),
    metadata=METADATA,
    memory=AppendFold(complaints, complaint_rows, order=0, remembers=is_complaint),
    appends=(AppendFold(ballots, ballot_rows, order=0), AppendFold(notified, notified_rows, order=0)),
    rows=(
        RowFold(boards, board_keys, fold_board),
        RowFold(ideas, idea_keys, fold_idea),
        RowFold(comments, comment_keys, fold_comment),
        RowFold(changes, change_keys, fold_change),
    ),
    derived=DERIVED,
)
