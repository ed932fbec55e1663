"""The tables of feedback, beside those of identity that every service has.

A board's events lie in one partition, so everything about it is written from there. Who a voter is lies in another:
`groups`, `standings` and `tallies` join the two, and are derived (tallying.py).
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Computed,
    Double,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Uuid,
    text,
)

from libs.events.columns import moment_column, text_column
from libs.service.words import words_of
from services.feedback import ranking

METADATA = MetaData()


def _place() -> tuple[Column[Any], ...]:
    """Where the event stands that made the row, and when it happened."""
    return (
        Column("partition", SmallInteger, nullable=False),
        Column("offset", BigInteger, nullable=False),
        moment_column("occurred_at"),
        moment_column("recorded_at"),
    )


def _author(*, nullable: bool = True) -> tuple[Column[Any], ...]:
    """The customer, by node and by the name that was used, and who acted for them (JSON)."""
    return Column("node", Uuid, nullable=nullable, index=True), text_column("subject", nullable=nullable), text_column(
        "actor", nullable=True
    )  # fmt: skip


# One row a board. `version` counts what was decided about it; `voters` is JSON: the names and nodes that are listed.
boards = Table(
    "boards",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    *_place(),
    text_column("status"),
    text_column("title"),
    text_column("description", nullable=True),
    text_column("ballot"),
    Column("budget", Integer),
    Column("cap", Integer),
    text_column("eligibility"),
    text_column("namespace", nullable=True),
    text_column("voters", nullable=True),
)
Index("boards_in_order", boards.c.occurred_at, boards.c.id)

# One row an idea or proposal. `merged_into` is the idea that it was linked to, by the merge. Lists are JSON: its tags,
# the `changes` that answer it, and what was decided as `history`, `answers` and `promises`; `comments` counts what is
# shown. `shown` is its entry in lists, JSON without the closing brace: the tally of the moment comes behind it.
ideas = Table(
    "ideas",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("board", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    *_place(),
    *_author(),
    text_column("kind"),
    text_column("status"),
    text_column("title"),
    text_column("text", nullable=True),
    text_column("touchpoint"),
    text_column("value_factor", nullable=True),
    text_column("tags"),
    text_column("interaction", nullable=True),
    Column("merge", Uuid),
    Column("merged_into", Uuid),
    text_column("changes"),
    Column("comments", Integer, nullable=False),
    moment_column("answered_at", nullable=True),
    moment_column("shipped_at", nullable=True),
    text_column("answers"),
    text_column("history"),
    text_column("promises"),
    text_column("shown"),
)
Index("ideas_of_board", ideas.c.board, ideas.c.occurred_at, ideas.c.id)
Index("ideas_merged_into", ideas.c.merged_into, postgresql_where=ideas.c.merged_into.is_not(None))
Index("idea_words", words_of(ideas.c.title), postgresql_using="gin")

# Every ballot: what a name said about an idea, and what it said later. Of one name, and of one person, the last by
# offset counts. `stance` is 1, -1, or 0 where nothing stands.
ballots = Table(
    "ballots",
    METADATA,
    *_place(),
    Column("idea", Uuid, nullable=False),
    *_author(nullable=False),
    text_column("said"),
    Column("stance", SmallInteger, nullable=False),
    Column("credits", Integer, nullable=False),
    PrimaryKeyConstraint("partition", "offset"),
)
Index("ballots_of_idea", ballots.c.idea, ballots.c.node, ballots.c.offset)

# One row a comment; `root` is the first of its thread. What was removed keeps no text.
comments = Table(
    "comments",
    METADATA,
    Column("id", Uuid, primary_key=True),
    *_place(),
    *_author(),
    Column("idea", Uuid, nullable=False),
    Column("root", Uuid, nullable=False),
    Column("reply_to", Uuid),
    text_column("interaction", nullable=True),
    text_column("text", nullable=True),
    text_column("removed_for", nullable=True),
    moment_column("removed_at", nullable=True),
)
Index("comments_of_idea", comments.c.idea, comments.c.occurred_at, comments.c.id)

# One row a change that answers ideas. `ideas`, `outcomes` and `history` are JSON lists.
changes = Table(
    "changes",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("board", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    *_place(),
    text_column("status"),
    text_column("title"),
    text_column("description", nullable=True),
    text_column("ideas"),
    moment_column("shipped_at", nullable=True),
    text_column("outcomes"),
    text_column("history"),
)
Index("changes_of_board", changes.c.board, changes.c.occurred_at, changes.c.id)

# Who was told what came of a change.
notified = Table(
    "notified",
    METADATA,
    *_place(),
    Column("change", Uuid, nullable=False),
    Column("node", Uuid, nullable=False),
    text_column("channel"),
    PrimaryKeyConstraint("partition", "offset"),
)
Index("notified_of_change", notified.c.change, notified.c.node)

# What customers complained of, from the topic interactions; by name, so that a repetition does not count.
complaints = Table(
    "complaints",
    METADATA,
    Column("name", Uuid, primary_key=True),
    Column("digest", Uuid, nullable=False),
    *_place(),
    Column("node", Uuid, nullable=False, index=True),
    text_column("touchpoint"),
    Column("severity", SmallInteger, nullable=False),
)
Index("complaints_of_touchpoint", complaints.c.touchpoint, complaints.c.occurred_at)

# Derived: what a person says of a group of merged ideas, once however many names and ideas it was said by.
standings = Table(
    "standings",
    METADATA,
    Column("root", Uuid, nullable=False),
    Column("person", Uuid, nullable=False, index=True),
    Column("stance", SmallInteger, nullable=False),
    Column("credits", Integer, nullable=False),
    Column("is_registered", Boolean, nullable=False),
    PrimaryKeyConstraint("root", "person"),
)

# Derived: to which group an idea belongs, and of the idea that a group is merged into, how many stand behind it.
# `board` and `submitted_s`, the idea's own time in Unix seconds, are the idea's. A stale group is counted anew.
tallies = Table(
    "tallies",
    METADATA,
    Column("idea", Uuid, primary_key=True),
    Column("root", Uuid, nullable=False, index=True),
    Column("board", Uuid, nullable=False),
    Column("submitted_s", Double, nullable=False),
    Column("people", Integer, nullable=False, server_default=text("0")),
    Column("unregistered", Integer, nullable=False, server_default=text("0")),
    Column("up", Integer, nullable=False, server_default=text("0")),
    Column("down", Integer, nullable=False, server_default=text("0")),
    Column("credits", BigInteger, nullable=False, server_default=text("0")),
    Column("is_stale", Boolean, nullable=False, server_default=text("false")),
    Column("net", Integer, Computed("up - down", persisted=True), nullable=False),
    Column("top", Double, Computed(ranking.WILSON_SQL, persisted=True), nullable=False),
    Column("hot", Double, Computed(ranking.HOT_SQL, persisted=True), nullable=False),
)
_is_root = tallies.c.root == tallies.c.idea
for _order in ("top", "hot", "credits", "submitted_s"):
    Index(f"tallies_by_{_order}", tallies.c.board, tallies.c[_order], tallies.c.idea, postgresql_where=_is_root)
Index("tallies_stale", tallies.c.root, postgresql_where=tallies.c.is_stale)
