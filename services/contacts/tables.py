"""The tables of contacts, beside those of identity that every service has."""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

from libs.events.columns import place_columns
from libs.service.words import words_of

METADATA = MetaData()

# A value that somebody gave a field, by the record's key, so that a row is written from one partition only. A person
# shows the greatest by (trust, observed_at, recorded_at, topic, partition, offset). `value` is JSON; null takes away.
traits = Table(
    "traits",
    METADATA,
    Column("key", Text(collation="C"), nullable=False),
    Column("node", Uuid, nullable=False, index=True),
    Column("field", Text(collation="C"), nullable=False),
    Column("value", Text, nullable=False),
    Column("trust", SmallInteger, nullable=False),
    Column("observed_at", DateTime(timezone=True), nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("topic", SmallInteger, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    PrimaryKeyConstraint("key", "node", "field"),
)

# Names that events have brought, each from one partition, with the first and last time that something happened. The
# name is empty while the node was only called by its id.
seen = Table(
    "seen",
    METADATA,
    Column("node", Uuid, nullable=False),
    Column("topic", SmallInteger, nullable=False),
    Column("partition", SmallInteger, nullable=False),
    Column("name", Text(collation="C"), nullable=False),
    Column("first_seen", DateTime(timezone=True), nullable=False),
    Column("last_seen", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("node", "topic", "partition"),
)

# Events without a time of their own: they happened when they were recorded, so a repetition must not count.
undated = Table(
    "undated",
    METADATA,
    Column("name", Uuid, primary_key=True),
    Column("digest", Uuid, nullable=False),
    *place_columns(),
)

Index("seen_words", words_of(seen.c.name), postgresql_using="gin")
Index("trait_words", words_of(traits.c.value), postgresql_using="gin", postgresql_where=traits.c.field == "name")
