"""The timeline's tables, beside those of identity that every service has."""

from typing import Any

from sqlalchemy import Column, DateTime, MetaData, PrimaryKeyConstraint, Table, Text, Uuid

from libs.events.columns import place_columns

METADATA = MetaData()


def _place() -> tuple[Column[Any], ...]:
    """A person's page is read in the order of these."""
    return (
        Column("node", Uuid, nullable=False),
        Column("occurred_at", DateTime(timezone=True), nullable=False),
        *place_columns(),
    )


def _shown() -> tuple[Column[Any], ...]:
    """The item as it is answered, rendered once at fold time, and what pages are filtered by."""
    return (
        Column("recorded_at", DateTime(timezone=True), nullable=False),
        Column("subject", Text, nullable=False),
        Column("type", Text(collation="C"), nullable=False),
        Column("channel", Text(collation="C")),
        Column("touchpoint", Text(collation="C")),
        Column("direction", Text(collation="C")),
        Column("entry", Text, nullable=False),
    )


# One row an event. `name` finds an event that is sent again.
entries = Table(
    "entries",
    METADATA,
    *_place(),
    Column("name", Uuid, nullable=False, unique=True),
    Column("digest", Uuid, nullable=False),
    *_shown(),
    PrimaryKeyConstraint("node", "occurred_at", "topic", "partition", "offset"),
)

# Claims about identity, one row for each name that a claim is about. Apart from the others, so that a merge and its
# end leave no trace among what happened.
identity_entries = Table(
    "identity_entries",
    METADATA,
    *_place(),
    *_shown(),
    PrimaryKeyConstraint("node", "occurred_at", "topic", "partition", "offset"),
)
