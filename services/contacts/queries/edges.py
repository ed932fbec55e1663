"""What holds contacts together and why: links, merges and conflicts, with what was claimed."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import ARRAY, RowMapping, Select, Uuid, bindparam, exists, func, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.identity.persons import holds
from libs.events.identity.tables import claims, conflicts, disputes, links, members, merges

_decode = msgspec.json.Decoder().decode


class Narrowed(NamedTuple):
    """A list of conflicts: resolved or not, after which, and how many."""

    is_open: bool | None
    after: int | None
    limit: int


async def links_of(connection: AsyncConnection, nodes: Sequence[UUID]) -> list[dict[str, Any]]:
    """The links that hold between these nodes, oldest first."""
    statement = (
        select(links, claims.c.id.label("claim"), claims.c.recorded_at, claims.c.data)
        .join(claims, claims.c.offset == links.c.since)
        .where(holds(links), links.c.owner == _any(nodes))
        .order_by(links.c.since, links.c.name)
    )
    rows = (await connection.execute(statement)).mappings()
    return [
        {
            "identifier": row["name"],
            "contact": str(row["owner"]),
            "unique": row["is_unique"],
            "claim": str(row["claim"]),
            "evidence": _why(row["data"]),
            "recorded_at": row["recorded_at"],
        }
        for row in rows
    ]


async def merges_of(connection: AsyncConnection, nodes: Sequence[UUID]) -> list[dict[str, Any]]:
    """The merges that hold between these nodes, oldest first."""
    mine = exists().where(merges.c.id == claims.c.id, merges.c.member == _any(nodes), holds(merges))
    return [_merge(row) for row in (await connection.execute(_merges().where(mine))).mappings()]


async def merge(connection: AsyncConnection, id_: UUID) -> dict[str, Any] | None:
    """A merge by its id, also one that was undone."""
    row = (await connection.execute(_merges().where(claims.c.id == id_))).mappings().first()
    return None if row is None else _merge(row)


def _merges() -> Select[Any]:
    joined = (
        select(merges.c.id, func.array_agg(_in_order(merges.c.member)).label("members"),
               func.max(merges.c.until).label("until"))
        .group_by(merges.c.id).subquery("joined")
    )  # fmt: skip
    lies_in = select(members.c.component).where(members.c.node == joined.c.members[1], holds(members))
    return (
        select(
            joined, claims.c.recorded_at, claims.c.data,
            func.coalesce(lies_in.scalar_subquery(), joined.c.members[1]).label("contact"),
        )
        .join(claims, claims.c.id == joined.c.id)
        .order_by(claims.c.offset)
    )  # fmt: skip


def _in_order(member: Any) -> Any:
    return aggregate_order_by(member, merges.c.place)


def _merge(row: RowMapping) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "contact": str(row["contact"]),
        "members": [str(node) for node in row["members"]],
        "reason": _why(row["data"]),
        "recorded_at": row["recorded_at"],
        "active": row["until"] is None,
    }


async def conflicts_of(connection: AsyncConnection, nodes: Sequence[UUID]) -> list[dict[str, Any]]:
    """The conflicts, not resolved yet, in which these nodes have a side, oldest first."""
    about = disputes.alias("about")
    sides = (about.c.identifier, about.c.holder, conflicts.c.claimant)
    mine = exists().where(about.c.conflict == conflicts.c.id, or_(*(side == _any(nodes) for side in sides)))
    return await _conflicts(connection, _all_conflicts().where(mine, conflicts.c.until.is_(None)))


async def conflict(connection: AsyncConnection, id_: UUID) -> dict[str, Any] | None:
    found = await _conflicts(connection, _all_conflicts().where(conflicts.c.id == id_))
    return found[0] if found else None


async def conflict_page(connection: AsyncConnection, narrowed: Narrowed) -> list[tuple[int, dict[str, Any]]]:
    """Conflicts with their cursor's key, newest first; at most one more than the limit."""
    ids = select(conflicts.c.id).order_by(conflicts.c.since.desc()).limit(narrowed.limit + 1)
    if narrowed.is_open is not None:
        ids = ids.where(conflicts.c.until.is_(None) if narrowed.is_open else conflicts.c.until.is_not(None))
    if narrowed.after is not None:
        ids = ids.where(conflicts.c.since < narrowed.after)
    statement = _all_conflicts().where(conflicts.c.id.in_(ids)).order_by(None).order_by(
        conflicts.c.since.desc(), disputes.c.name
    )  # fmt: skip
    return [(document.pop("since"), document) for document in await _conflicts(connection, statement, keep_since=True)]


def _all_conflicts() -> Select[Any]:
    resolved, held = claims.alias("resolved"), claims.alias("held")
    owned = links.alias("owned")
    held_by = (
        select(owned.c.since, held.c.recorded_at, held.c.data)
        .join(held, held.c.offset == owned.c.since)
        .where(owned.c.identifier == disputes.c.identifier, owned.c.owner == disputes.c.holder,
               owned.c.since < conflicts.c.since)
        .order_by(owned.c.since.desc()).limit(1).correlate(disputes, conflicts).lateral("held_by")
    )  # fmt: skip
    return (
        select(
            conflicts, claims.c.type, claims.c.recorded_at, claims.c.data,
            resolved.c.recorded_at.label("resolved_at"), resolved.c.data.label("resolution"),
            disputes.c.name, disputes.c.holder.label("had"),
            held_by.c.recorded_at.label("had_since"), held_by.c.data.label("had_why"),
        )
        .join(claims, claims.c.id == conflicts.c.id)
        .join(disputes, disputes.c.conflict == conflicts.c.id)
        .outerjoin(resolved, resolved.c.offset == conflicts.c.until)
        .outerjoin(held_by, conflicts.c.id.is_not(None))
        .order_by(conflicts.c.since, disputes.c.name)
    )  # fmt: skip


async def _conflicts(
    connection: AsyncConnection, statement: Select[Any], *, keep_since: bool = False
) -> list[dict[str, Any]]:
    found: dict[UUID, dict[str, Any]] = {}
    for row in (await connection.execute(statement)).mappings():
        document = found.setdefault(row["id"], _conflict(row))
        if keep_since:
            document["since"] = row["since"]
        document["identifiers"].append(
            {
                "identifier": row["name"],
                "holder": str(row["had"]),
                "holder_evidence": None if row["had_why"] is None else _why(row["had_why"]),
                "holder_since": row["had_since"],
            }
        )
    return list(found.values())


def _conflict(row: RowMapping) -> dict[str, Any]:
    resolution = None
    if row["until"] is not None:
        said = _decode(row["resolution"])
        resolution = {"holder": str(row["holder"]), "reason": said["reason"], "recorded_at": row["resolved_at"]}
    return {
        "id": str(row["id"]),
        "status": "open" if row["until"] is None else "resolved",
        "kind": "registration" if row["type"].endswith("contact.registered.v1") else "link",
        "claimant": str(row["claimant"]),
        "identifiers": [],
        "evidence": _why(row["data"]),
        "recorded_at": row["recorded_at"],
        "resolution": resolution,
    }


def _why(data: str) -> Any:
    """What a claim gave as its grounds: evidence, a reason, or the set of names that a registration brought."""
    said = _decode(data)
    return said.get("evidence", said.get("reason"))


def _any(nodes: Sequence[UUID]) -> Any:
    return func.any(bindparam(None, list(nodes), ARRAY(Uuid), unique=True))
