"""The tables of every generation beside its projection's own: where it stands, who holds it, what it set aside."""

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    DateTime,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Sequence,
    Table,
    Text,
    Uuid,
    func,
    select,
    text,
)

METADATA = MetaData()


def _partition_columns() -> tuple[Column[str], Column[int]]:
    return Column("topic", Text(collation="C"), nullable=False), Column("partition", Integer, nullable=False)


# Below `next_offset` everything is folded. `last_digest` is of the record before it: read again and compared at each
# start, so that a log that was cut or exchanged is noticed.
checkpoints = Table(
    "checkpoints",
    METADATA,
    *_partition_columns(),
    Column("next_offset", BigInteger, nullable=False),
    Column("last_digest", Text),
    Column("log_id", Uuid, nullable=False),
    Column("epoch", BigInteger, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("topic", "partition"),
    postgresql_with={"fillfactor": "20"},
)

leases = Table(
    "leases",
    METADATA,
    *_partition_columns(),
    Column("holder", Text),
    Column("session", Uuid),
    Column("epoch", BigInteger, nullable=False, server_default=text("0")),
    Column("expires_at", DateTime(timezone=True), nullable=False, server_default=text("'-infinity'")),
    PrimaryKeyConstraint("topic", "partition"),
    postgresql_with={"fillfactor": "20"},
)

# A second record of a name that says the same as the first. Left out of digests: an event sent twice changes nothing.
duplicates = Table(
    "duplicates",
    METADATA,
    *_partition_columns(),
    Column("offset", BigInteger, nullable=False),
    Column("name", Uuid, nullable=False, index=True),
    Column("first_offset", BigInteger, nullable=False),
    PrimaryKeyConstraint("topic", "partition", "offset"),
)

# A second record of a name that says something else. It has no effect, and is kept for a person to look at.
quarantined = Table(
    "quarantined",
    METADATA,
    *_partition_columns(),
    Column("offset", BigInteger, nullable=False),
    Column("name", Uuid, nullable=False, index=True),
    Column("first_offset", BigInteger, nullable=False),
    PrimaryKeyConstraint("topic", "partition", "offset"),
)

parked_keys = Table(
    "parked_keys",
    METADATA,
    *_partition_columns(),
    Column("key", Text(collation="C"), nullable=False),
    Column("since_offset", BigInteger, nullable=False),
    PrimaryKeyConstraint("topic", "partition", "key"),
)

# Records held back in order: the one that failed, with its reason, and all later ones of its key.
parked_records = Table(
    "parked_records",
    METADATA,
    *_partition_columns(),
    Column("offset", BigInteger, nullable=False),
    Column("key", Text(collation="C"), nullable=False),
    Column("name", Uuid, index=True),
    Column("event_id", Text(collation="C"), index=True),
    Column("code", Text, nullable=False),
    Column("detail", Text, nullable=False),
    PrimaryKeyConstraint("topic", "partition", "offset"),
)

# What became of each decision. An applied one is known by its name ever after; its scope's head is its sequence.
# A parked one has used its sequence too. Left out of digests: a superseded copy changes nothing.
verdicts = Table(
    "verdicts",
    METADATA,
    *_partition_columns(),
    Column("offset", BigInteger, nullable=False),
    Column("command", Text(collation="C"), nullable=False, index=True),
    Column("name", Uuid, nullable=False),
    Column("digest", Uuid, nullable=False),
    Column("scope", Text(collation="C"), nullable=False),
    Column("sequence", BigInteger),
    Column("outcome", Text(collation="C"), nullable=False),
    Column("request", Text(collation="C"), nullable=False),
    PrimaryKeyConstraint("topic", "partition", "offset"),
)
counted = verdicts.c.sequence.is_not(None)
"""Those that moved their scope's head."""
Index("verdicts_counted_name", verdicts.c.name, unique=True, postgresql_where=counted)
Index("verdicts_head", verdicts.c.scope, verdicts.c.sequence.desc(), unique=True, postgresql_where=counted)


def head_of(scope: ColumnElement[str]) -> ColumnElement[int]:
    """How many decisions of a scope were applied: the next one has one more as its sequence."""
    last = select(verdicts.c.sequence).where(verdicts.c.scope == scope, counted)
    return func.coalesce(last.order_by(verdicts.c.sequence.desc()).limit(1).scalar_subquery(), 0)


COMPARED = (quarantined, parked_keys, parked_records)
"""Those that are a function of the log, and so belong to a generation's digest."""

CONTROL = MetaData(schema="rapport")

# A number is never given again: whoever still holds a dropped generation must notice.
generation_numbers = Sequence("generation_numbers", metadata=CONTROL)

# One row a generation of this service; its tables are in the schema of that name.
generations = Table(
    "generations",
    CONTROL,
    Column("schema_name", Text(collation="C"), primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("version", Integer, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
)
