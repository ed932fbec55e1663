"""The timeline's table, beside those of identity that every service has."""

from sqlalchemy import BigInteger, Column, DateTime, MetaData, PrimaryKeyConstraint, SmallInteger, Table, Text, Uuid

METADATA = MetaData()

# One row an event, in the order of a person's page. `entry` is the item as it is answered, rendered once at fold time.
# The columns beside it are what pages are filtered by. `name` finds an event that is sent again. A claim about identity
# has a row for each name that it is about; the first has the event's name, the others none.
entries = Table(
    "entries",
    METADATA,
    Column("node", Uuid, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("topic", SmallInteger, nullable=False),
    Column("partition", SmallInteger, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("name", Uuid, unique=True),
    Column("digest", Uuid, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("subject", Text, nullable=False),
    Column("type", Text(collation="C"), nullable=False),
    Column("channel", Text(collation="C")),
    Column("touchpoint", Text(collation="C")),
    Column("direction", Text(collation="C")),
    Column("entry", Text, nullable=False),
    PrimaryKeyConstraint("node", "occurred_at", "topic", "partition", "offset"),
)
