"""The tables of interactions."""

from sqlalchemy import (
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
)

from libs.events.columns import place_columns

METADATA = MetaData()

# One row an event that counts. Finds it by its sender's id, and tells whether a contact has been heard of.
events = Table(
    "events",
    METADATA,
    Column("node", Uuid, nullable=False, index=True),
    Column("name", Uuid, primary_key=True),
    Column("digest", Uuid, nullable=False),
    *place_columns(),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("event_id", Text(collation="C"), nullable=False, index=True),
    Column("source", Text(collation="C"), nullable=False),
    Column("type", Text(collation="C"), nullable=False),
)

# One row an interaction. `version` is one more than the decisions about it; `data` holds its fields as they are now and
# `amendments` what was decided, both as JSON text. One that was amended and never recorded has the status unmatched.
interactions = Table(
    "interactions",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("node", Uuid, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    *place_columns(),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("subject", Text(collation="C"), nullable=False),
    Column("channel", Text(collation="C")),
    Column("touchpoint", Text(collation="C")),
    Column("direction", Text(collation="C")),
    Column("status", Text(collation="C"), nullable=False),
    Column("event_id", Text(collation="C")),
    Column("source", Text(collation="C")),
    Column("data", Text, nullable=False),
    Column("amendments", Text, nullable=False),
)

_SORT_KEY = ("occurred_at", "topic", "partition", "offset")
Index("interactions_in_order", *(interactions.c[name] for name in _SORT_KEY))
Index("interactions_of_contact", interactions.c.node, *(interactions.c[name] for name in _SORT_KEY))
