"""The tables of scoring, beside those of identity that every service has.

What a person's names come to is added up when it is read: each row is written from one partition.
"""

from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Uuid,
)

from libs.events.columns import moment_column, place_columns, text_column

METADATA = MetaData()


# One row an event that a number comes from: what a receipt lists. By name, so that a repetition does not count. Of
# other observations only the name is kept, under no measure and of nobody: what comes under it later counts nowhere.
NO_MEASURE, NOBODY = "", UUID(int=0)
facts = Table(
    "facts",
    METADATA,
    Column("name", Uuid, primary_key=True),
    Column("digest", Uuid, nullable=False),
    Column("node", Uuid, nullable=False),
    text_column("measure"),
    moment_column("occurred_at"),
    *place_columns(),
    text_column("about"),
    Column("amount", BigInteger, nullable=False),
    Column("also", BigInteger),
    text_column("event_id"),
    text_column("source"),
)
Index("facts_of_node", facts.c.node, facts.c.measure, facts.c.occurred_at)

# What the facts of a name come to, from each partition: how it is spelled, how many, their sum, the first and the last,
# the amount of the last by time, topic, partition and offset, and the logarithm of how many, each fading (decay.py).
# `also_` is the same of those facts that have a second amount: `base` of their first, `total` and `amount` of that.
figures = Table(
    "figures",
    METADATA,
    Column("node", Uuid, nullable=False),
    text_column("measure"),
    text_column("about"),
    Column("topic", SmallInteger, nullable=False),
    Column("partition", SmallInteger, nullable=False),
    text_column("name"),
    Column("n", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    moment_column("first_at"),
    moment_column("last_at"),
    Column("last_offset", BigInteger, nullable=False),
    Column("last_amount", BigInteger, nullable=False),
    Column("weight", Double, nullable=False),
    Column("also_n", BigInteger, nullable=False),
    Column("also_base", BigInteger),
    Column("also_total", BigInteger),
    moment_column("also_first_at", nullable=True),
    moment_column("also_last_at", nullable=True),
    Column("also_last_offset", BigInteger),
    Column("also_last_base", BigInteger),
    Column("also_last_amount", BigInteger),
    Column("also_weight", Double),
    PrimaryKeyConstraint("node", "measure", "about", "topic", "partition"),
    postgresql_with={"fillfactor": 70},  # a figure changes where it lies: then its index is not written
)

# Published statistics, one row a version; `measures` is the event's own JSON list.
statistics = Table(
    "statistics",
    METADATA,
    Column("version", BigInteger, primary_key=True),
    text_column("event_id"),
    Column("partition", SmallInteger, nullable=False),
    Column("offset", BigInteger, nullable=False),
    moment_column("occurred_at"),
    moment_column("recorded_at"),
    Column("people", BigInteger, nullable=False),
    text_column("covers"),
    moment_column("due_at", nullable=True),
    text_column("measures"),
)

# The class that was announced last: of whom, by which definition, in which currency (none is the empty text). `head`
# counts how often it changed. A person who was merged into another keeps theirs for when they are parted again.
classes = Table(
    "classes",
    METADATA,
    Column("contact", Uuid, nullable=False),
    text_column("definition"),
    text_column("currency"),
    text_column("band", nullable=True),
    Column("head", Integer, nullable=False),
    Column("version", BigInteger, nullable=False),
    moment_column("since"),
    text_column("event_id"),
    Column("partition", SmallInteger, nullable=False),
    Column("offset", BigInteger, nullable=False),
    PrimaryKeyConstraint("contact", "definition", "currency"),
)
Index(
    "classes_of_band",
    classes.c.definition,
    classes.c.currency,
    classes.c.band,
    classes.c.contact,
    postgresql_where=classes.c.band.is_not(None),  # else it would be taken for the primary key where rows are few
)
