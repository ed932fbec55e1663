"""The tables of identity, the same in every service: a function of the identity topic alone.

Edges and memberships are kept with the offsets from and until which they held, so that the graph of any earlier time
can be read. `until` is null for what holds now.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

from libs.events.columns import text_column

METADATA = MetaData()


# One row a record of the topic that the judge has ruled on; `data` is the event's own. A repetition has no row.
claims = Table(
    "claims",
    METADATA,
    Column("offset", BigInteger, primary_key=True),
    Column("id", Uuid, unique=True),
    Column("digest", Uuid, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False, index=True),
    text_column("type"),
    text_column("verdict"),
    text_column("reason", nullable=True),
    Column("contact", Uuid),
    Column("conflict", Uuid),
    text_column("request"),
    Column("data", Text),
)

# Contacts that were registered, by the id of the claim.
registrations = Table(
    "registrations",
    METADATA,
    Column("contact", Uuid, primary_key=True),
    Column("since", BigInteger, nullable=False),
    text_column("kind"),
)

# `owner` claims `identifier`. A name of a unique class is claimed by one contact at most.
links = Table(
    "links",
    METADATA,
    Column("identifier", Uuid, nullable=False),
    Column("owner", Uuid, nullable=False),
    Column("since", BigInteger, nullable=False),
    text_column("name"),
    Column("is_unique", Boolean, nullable=False),
    Column("until", BigInteger),
    PrimaryKeyConstraint("identifier", "owner", "since"),
)
Index("links_now", links.c.identifier, postgresql_where=links.c.until.is_(None))
Index("links_of_owner", links.c.owner, postgresql_where=links.c.until.is_(None))
Index(
    "links_of_unique_name",
    links.c.identifier,
    unique=True,
    postgresql_where=links.c.is_unique & links.c.until.is_(None),
)

# One row a contact that a merge joined, in the order in which they were named.
merges = Table(
    "merges",
    METADATA,
    Column("id", Uuid, nullable=False),
    Column("member", Uuid, nullable=False),
    Column("place", SmallInteger, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger),
    PrimaryKeyConstraint("id", "member"),
)
Index("merges_of_member", merges.c.member, postgresql_where=merges.c.until.is_(None))

# Where each name lies that anybody has claimed, registered or merged. A node without a row is alone.
members = Table(
    "members",
    METADATA,
    Column("node", Uuid, nullable=False),
    Column("component", Uuid, nullable=False),
    Column("since", BigInteger, nullable=False),
    text_column("name"),
    Column("is_contact", Boolean, nullable=False),
    Column("until", BigInteger),
    PrimaryKeyConstraint("node", "since"),
)
Index("members_of_component", members.c.component)
Index("members_of_component_now", members.c.component, postgresql_where=members.c.until.is_(None))
Index("members_now", members.c.node, unique=True, postgresql_where=members.c.until.is_(None))

# The last effective claim about each component, by its canonical id.
components = Table(
    "components",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("last_claim", BigInteger, nullable=False),
)

# A claim that met another's name and waits for a person; by the claim's id.
conflicts = Table(
    "conflicts",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("since", BigInteger, nullable=False, unique=True),
    Column("claimant", Uuid, nullable=False, index=True),
    Column("until", BigInteger),
    Column("holder", Uuid),
)

# The names that a conflict is about, and who had them.
disputes = Table(
    "disputes",
    METADATA,
    Column("conflict", Uuid, nullable=False),
    Column("identifier", Uuid, nullable=False, index=True),
    text_column("name"),
    Column("holder", Uuid, nullable=False, index=True),
    PrimaryKeyConstraint("conflict", "identifier"),
)
