"""A contact as it stands, put together in one statement, so in one snapshot of the database."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import (
    ARRAY,
    FromClause,
    RowMapping,
    Select,
    Subquery,
    Text,
    Uuid,
    bindparam,
    cast,
    func,
    literal,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by as _by
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.bookkeeping import counted, verdicts
from libs.events.identity.persons import canonical, holds, was_claimed
from libs.events.identity.tables import components, members, registrations
from services.contacts.decider import Traits
from services.contacts.tables import seen, traits

_decode = msgspec.json.Decoder().decode

RANK = ("trust", "observed_at", "recorded_at", "topic", "partition", "offset")
"""Of two values of a field the one that is greater in these is shown."""

_NODES = bindparam("nodes", type_=ARRAY(Uuid))
_SCOPE = literal("/contacts/")


class Contact(NamedTuple):
    """A component as it stands. `observed_at` is when the newest of its traits was observed, shown or not."""

    id: UUID
    kind: str | None
    identifiers: list[str]
    members: list[UUID]
    nodes: list[UUID]
    traits: dict[str, Any]
    observed_at: datetime | None
    first_seen: datetime | None
    last_seen: datetime | None
    heads: dict[str, int]
    last_claim: int | None

    @property
    def head(self) -> int:
        """How many decisions were made about it under its present canonical id."""
        return self.heads.get(str(self.id), 0)

    @property
    def etag(self) -> str:
        """Changes with every claim about the component and every decision about one of its members."""
        state = f"{self.last_claim} {sorted(self.heads.items())}"
        return f'"{hashlib.sha256(state.encode()).hexdigest()[:16]}"'

    def after(self, changed: Traits) -> "Contact":
        """What it is once a decision about its traits was applied."""
        heads = self.heads | {str(self.id): self.head + 1}
        values = dict(sorted(changed.values.items()))
        return self._replace(traits=values, observed_at=changed.observed_at, heads=heads)

    def document(self) -> dict[str, Any]:
        """As API.md names its fields."""
        return {
            "id": str(self.id),
            "registered": self.kind is not None,
            "kind": self.kind,
            "identifiers": self.identifiers,
            "members": [str(member) for member in self.members],
            "traits": self.traits,
            "first_seen": self.first_seen,
            "last_seen": self.last_seen,
        }


async def contacts(connection: AsyncConnection, nodes: Sequence[UUID]) -> list[Contact | None]:
    """The contacts that these nodes belong to, in their order; None for a node that nobody has heard of."""
    rows = (await connection.execute(_CONTACTS, {"nodes": list(nodes)})).mappings().all()
    return [_contact(row) for row in rows]


def _contact(row: RowMapping) -> Contact | None:
    if not row["is_claimed"] and row["first_seen"] is None:
        return None
    names = row["names"] if row["names"] is not None else [row["seen_name"] or row["last_name"] or ""]
    shown, observed_at = _shown(row["traits"] or [])
    return Contact(
        id=row["id"],
        kind=row["kind"],
        identifiers=sorted(name for name in names if name and not name.startswith("contact:")),
        members=row["members"] or [row["id"]],
        nodes=row["inside"],
        traits=shown,
        observed_at=observed_at,
        first_seen=row["first_seen"],
        last_seen=row["last_seen"],
        heads=row["heads"] or {},
        last_claim=row["last_claim"],
    )


def _shown(given: list[dict[str, Any]]) -> tuple[dict[str, Any], datetime | None]:
    """Per field the last of the values in ascending order of rank; null hides it."""
    values = {each["field"]: _decode(each["value"]) for each in given}
    observed_at = max((datetime.fromisoformat(each["observed_at"]) for each in given), default=None)
    return {name: value for name, value in sorted(values.items()) if value is not None}, observed_at


def _statement() -> Select[Any]:
    asked = _asked()
    together = _together(asked)
    inside = together.c.inside
    sights = _sights(inside).correlate(together).lateral("sights")
    ever = members.alias("ever")
    return (
        select(
            asked.c.n,
            asked.c.id,
            together.c.inside,
            together.c.names,
            together.c.members,
            sights.c.first_seen,
            sights.c.last_seen,
            sights.c.seen_name,
            _ranked(together).scalar_subquery().label("traits"),
            _heads(inside).correlate(together).scalar_subquery().label("heads"),
            select(registrations.c.kind).where(registrations.c.contact == asked.c.id).scalar_subquery().label("kind"),
            select(components.c.last_claim).where(components.c.id == asked.c.id).scalar_subquery().label("last_claim"),
            was_claimed(asked.c.node).label("is_claimed"),
            select(func.max(ever.c.name)).where(ever.c.node == asked.c.node).scalar_subquery().label("last_name"),
        )
        .select_from(asked)
        .join(together, true())
        .join(sights, true())
        .order_by(asked.c.n)
    )


def _asked() -> Subquery:
    """The nodes as they were given, with the component of each."""
    given = func.unnest(_NODES).table_valued("node", with_ordinality="n", name="given").render_derived()
    return select(given.c.n, given.c.node, canonical(given.c.node).label("id")).subquery("asked")


def _together(asked: Subquery) -> FromClause:
    """The component's nodes; a node that nobody has claimed is alone."""
    return (
        select(
            func.coalesce(func.array_agg(members.c.node), array([asked.c.id])).label("inside"),
            func.array_agg(members.c.name).label("names"),
            func.array_agg(_by(members.c.node, members.c.node)).filter(members.c.is_contact).label("members"),
        )
        .where(members.c.component == asked.c.id, holds(members))
        .correlate(asked)
        .lateral("together")
    )


def _ranked(together: FromClause) -> Select[Any]:
    """Every value that a field was given, in ascending order of rank."""
    ranked = (
        select(traits.c.field, traits.c.value, traits.c.observed_at)
        .where(traits.c.node == func.any(together.c.inside))
        .order_by(*(traits.c[name] for name in RANK))
        .correlate(together)
        .subquery("ranked")
    )
    said = func.json_build_object("field", ranked.c.field, "value", ranked.c.value, "observed_at", ranked.c.observed_at)
    return select(func.json_agg(said)).select_from(ranked)


def _sights(inside: Any) -> Select[Any]:
    return select(
        func.min(seen.c.first_seen).label("first_seen"),
        func.max(seen.c.last_seen).label("last_seen"),
        func.max(seen.c.name).label("seen_name"),
    ).where(seen.c.node == func.any(inside))


def _heads(inside: Any) -> Select[Any]:
    """How many decisions there are about each node."""
    node = func.unnest(inside).table_valued("node", name="each").render_derived()
    head = (
        select(func.max(verdicts.c.sequence).label("sequence"))
        .where(verdicts.c.scope == _SCOPE + cast(node.c.node, Text), counted)
        .correlate(node)
        .lateral("head")
    )
    told = func.json_object_agg(cast(node.c.node, Text), head.c.sequence).filter(head.c.sequence.is_not(None))
    return select(told).select_from(node).join(head, true())


_CONTACTS = _statement()
