"""The graph between memory and tables: the piece that a batch of claims is about, and what their rulings changed."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple, cast
from uuid import UUID

import msgspec
from sqlalchemy import ARRAY, ColumnElement, Select, Uuid, bindparam, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.catalog.contacts import (
    Claim,
    ConflictResolved,
    ContactRegistered,
    ContactsMerged,
    ContactsUnmerged,
    IdentifierLinked,
)
from libs.events.catalog.registry import find
from libs.events.fold import Row
from libs.events.identity import tables
from libs.events.identity.graph import Conflict, Disputed, Graph, Link, Member, Merge, Name
from libs.events.identity.names import names_of
from libs.events.rowstore import put

_claims, _conflicts, _disputes, _members = tables.claims, tables.conflicts, tables.disputes, tables.members
_NODES = bindparam("nodes", type_=ARRAY(Uuid))


class Wanted(NamedTuple):
    """What a piece of the graph has to hold: everything around these nodes, merges and conflicts.

    `disputes` asks for the conflicts that stand between them, too.
    """

    nodes: set[UUID]
    merges: Sequence[UUID] = ()
    conflicts: Sequence[UUID] = ()
    disputes: bool = False

    @classmethod
    def by(cls, claims: Sequence[Claim]) -> "Wanted":
        """What judging these claims takes."""
        return cls(
            nodes={name.node for claim in claims for name in names_of(claim)},
            merges=[UUID(claim.merge) for claim in claims if isinstance(claim, ContactsUnmerged)],
            conflicts=[UUID(claim.conflict) for claim in claims if isinstance(claim, ConflictResolved)],
            disputes=any(isinstance(claim, ContactsMerged | ConflictResolved) for claim in claims),
        )


async def load(connection: AsyncConnection, wanted: Wanted) -> Graph:
    """The piece of the graph that can be asked about, or change."""
    graph, nodes = Graph(), set(wanted.nodes)
    if wanted.merges:
        nodes |= await _load_merges(connection, graph, tables.merges.c.id.in_(_given(wanted.merges)))
    if wanted.conflicts:
        nodes |= await _load_conflicts(connection, graph, _conflicts.c.id.in_(_given(wanted.conflicts)))
    whole = await _load_components(connection, graph, nodes)
    whole |= await _load_components(connection, graph, _ends(graph) - whole)
    if wanted.disputes:
        inside = _given([*nodes, *whole])
        about = select(_disputes.c.conflict).where(_disputes.c.identifier.in_(inside))
        found = or_(_conflicts.c.claimant.in_(inside), _conflicts.c.id.in_(about)) & _conflicts.c.until.is_(None)
        disputed = await _load_conflicts(connection, graph, found)
        await _load_components(connection, graph, disputed - whole - nodes)
    return graph


def _ends(graph: Graph) -> set[UUID]:
    """Both ends of all links: a weak name that lies elsewhere, and the others who claim it."""
    return {node for name, links in graph.links.items() for node in (name, *links)}


def _given(nodes: Iterable[UUID]) -> Select[Any]:
    return select(func.unnest(bindparam(None, list(nodes), ARRAY(Uuid), unique=True)))


_COMPONENTS = select(_members).where(
    _members.c.until.is_(None),
    _members.c.component.in_(
        select(_members.c.component).where(_members.c.until.is_(None), _members.c.node == func.any(_NODES))
    ),
)
_OWN_LINKS = select(tables.links).where(
    tables.links.c.until.is_(None),
    or_(tables.links.c.identifier == func.any(_NODES), tables.links.c.owner == func.any(_NODES)),
)
_ALL_LINKS = select(tables.links).where(
    tables.links.c.until.is_(None), tables.links.c.identifier == func.any(_NODES)
)  # fmt: skip
_REGISTERED = select(tables.registrations.c.contact, tables.registrations.c.since).where(
    tables.registrations.c.contact == func.any(_NODES)
)


async def _load_components(connection: AsyncConnection, graph: Graph, nodes: Collection[UUID]) -> set[UUID]:
    """Everything of the components that these nodes lie in; their nodes. A weak name comes with all who claim it."""
    if not nodes:
        return set()
    found = [Member(**row) for row in await _rows(connection, _COMPONENTS, nodes)]
    if not found:
        return set()
    inside = {member.node for member in found}
    links = [Link(**row) for row in await _rows(connection, _OWN_LINKS, inside)]
    if beyond := {link.identifier for link in links} - inside:
        links += [Link(**row) for row in await _rows(connection, _ALL_LINKS, beyond)]
    registered = [(row["contact"], row["since"]) for row in await _rows(connection, _REGISTERED, inside)]
    graph.load(registered, links, found)
    merged = select(tables.merges.c.id).where(
        tables.merges.c.until.is_(None), tables.merges.c.member.in_(_given(inside))
    )
    await _load_merges(connection, graph, tables.merges.c.id.in_(merged))
    return inside


async def _rows(connection: AsyncConnection, statement: Select[Any], nodes: Collection[UUID]) -> Sequence[Row]:
    return cast(Sequence[Row], (await connection.execute(statement, {"nodes": list(nodes)})).mappings().all())


async def _load_merges(connection: AsyncConnection, graph: Graph, wanted: ColumnElement[bool]) -> set[UUID]:
    """Whole merges, also ended ones; their members."""
    merges = tables.merges.c
    rows = (await connection.execute(select(tables.merges).where(wanted).order_by(merges.id, merges.place))).all()
    together: dict[UUID, list[Any]] = {}
    for row in rows:
        together.setdefault(row.id, []).append(row)
    for id_, joined in together.items():
        members = tuple(row.member for row in joined)
        graph.load_merge(Merge(id_, members, joined[0].since, joined[0].until))
    return {row.member for row in rows}


async def _load_conflicts(connection: AsyncConnection, graph: Graph, wanted: ColumnElement[bool]) -> set[UUID]:
    """Conflicts with what they are about; every node that deciding them may move."""
    statement = (
        select(_conflicts, _claims.c.type, _claims.c.data, _disputes.c.identifier, _disputes.c.name,
               _disputes.c.holder.label("had"))
        .join(_claims, _claims.c.id == _conflicts.c.id)
        .join(_disputes, _disputes.c.conflict == _conflicts.c.id)
        .where(wanted)
        .order_by(_conflicts.c.id, _disputes.c.identifier)
    )  # fmt: skip
    nodes: set[UUID] = set()
    for row in (await connection.execute(statement)).all():
        conflict = graph.conflicts.get(row.id)
        if conflict is None:
            claim = claim_of(row.type, row.data)
            conflict = Conflict(row.id, row.since, row.claimant, claim, (), row.until, row.holder)
            graph.conflicts[row.id] = conflict
            nodes |= {row.claimant, *(name.node for name in names_of(claim))}
        disputed = Disputed(Name(row.name, row.identifier), row.had)
        if disputed not in conflict.disputed:
            conflict.disputed = (*conflict.disputed, disputed)
        nodes |= {row.identifier, row.had}
    return nodes


def claim_of(type_: str, data: str) -> ContactRegistered | IdentifierLinked:
    """A claim that was in conflict, as it was stored."""
    known = find(type_)
    assert known is not None  # noqa: S101  the judge has read it before
    return cast(ContactRegistered | IdentifierLinked, known.decoder.decode(data.encode()))


async def write(connection: AsyncConnection, graph: Graph, claims: Sequence[Row]) -> None:
    """Put down what rulings changed. What ends is written first, so that two never hold one name."""
    await put(connection, tables.claims, claims)
    registrations = [{"contact": id_, "since": since, "kind": kind} for id_, since, kind in graph.registrations]
    await put(connection, tables.registrations, registrations)
    await put(connection, tables.links, _changed(graph, Link))
    await put(connection, tables.merges, _merge_rows(graph))
    await put(connection, tables.members, _changed(graph, Member))
    await put(connection, tables.components, [{"id": id_, "last_claim": at} for id_, at in graph.touched.items()])
    conflicts = {each.id: each for each in graph.changed if isinstance(each, Conflict)}
    await put(connection, tables.conflicts, [_conflict_row(each) for each in conflicts.values()])
    await put(connection, tables.disputes, [row for each in conflicts.values() for row in _dispute_rows(each)])


def _changed(graph: Graph, kind: type[Link] | type[Member]) -> list[Row]:
    rows = {id(each): msgspec.structs.asdict(each) for each in graph.changed if isinstance(each, kind)}
    return sorted(rows.values(), key=lambda row: row["until"] is None)


def _merge_rows(graph: Graph) -> list[Row]:
    changed = {each.id: each for each in graph.changed if isinstance(each, Merge)}
    return [
        {"id": merge.id, "member": node, "place": place, "since": merge.since, "until": merge.until}
        for merge in changed.values()
        for place, node in enumerate(merge.members)
    ]


def _conflict_row(conflict: Conflict) -> Row:
    return {name: getattr(conflict, name) for name in ("id", "since", "claimant", "until", "holder")}


def _dispute_rows(conflict: Conflict) -> list[Row]:
    return [
        {"conflict": conflict.id, "identifier": each.name.node, "name": each.name.text, "holder": each.holder}
        for each in conflict.disputed
    ]
