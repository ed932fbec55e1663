"""The graph between memory and tables: the piece that a batch of claims is about, and what their rulings changed."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple
from typing import cast as typed
from uuid import UUID

import msgspec
from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    CompoundSelect,
    Select,
    Table,
    Text,
    Uuid,
    bindparam,
    cast,
    func,
    or_,
    select,
    union,
)
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
from libs.events.precompiled import Precompiled

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


async def claimed(connection: AsyncConnection, nodes: Collection[UUID]) -> set[UUID]:
    """Those of the nodes that anybody has claimed, registered or merged; around the others the graph is empty."""
    return set((await connection.scalars(_CLAIMED, {"nodes": list(nodes)})).all())


_CLAIMED = select(_members.c.node).where(_members.c.until.is_(None), _members.c.node == func.any(_NODES))


async def load(connection: AsyncConnection, wanted: Wanted) -> Graph:
    """The piece of the graph that can be asked about, or change."""
    graph, nodes = Graph(), set(wanted.nodes)
    if wanted.merges:
        nodes |= await _load_merges(connection, graph, wanted.merges)
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


def _piece() -> Select[Any]:
    """Whole components around nodes, in one statement: a column of JSON for each of their tables.

    What was found is handed on as arrays, so that each table is read by its index, however it has grown.
    """
    links, merges, registrations = tables.links, tables.merges, tables.registrations
    near = select(_members.c.component).where(_members.c.until.is_(None), _members.c.node == func.any(_NODES))
    inside = select(_members).where(_members.c.until.is_(None), _members.c.component == _among(near)).cte("inside")
    nodes = select(inside.c.node)
    owned = select(links.c.identifier).where(links.c.until.is_(None), links.c.owner == _among(nodes))
    names = union(nodes, owned)
    joined = select(merges.c.id).where(merges.c.until.is_(None), merges.c.member == _among(nodes))
    return select(
        _json(inside, "members"),
        _json(select(links).where(links.c.until.is_(None), links.c.identifier == _among(names)).cte("linked"), "links"),
        _json(select(merges).where(merges.c.id == _among(joined)).cte("joined"), "merges"),
        _json(select(registrations).where(registrations.c.contact == _among(nodes)).cte("known"), "registered"),
    )


def _among(ids: Select[Any] | CompoundSelect[Any]) -> Any:
    (id_,) = ids.subquery().columns
    return func.any(cast(select(func.array_agg(id_)).scalar_subquery(), ARRAY(Uuid)))


def _json(rows: CTE, label: str) -> Any:
    return select(cast(func.json_agg(rows.table_valued()), Text)).scalar_subquery().label(label)


_PIECE = Precompiled(_piece())
_read_members = msgspec.json.Decoder(list[Member]).decode
_read_links = msgspec.json.Decoder(list[Link]).decode


class _Joined(msgspec.Struct, gc=False):
    """A contact that a merge joined."""

    id: UUID
    member: UUID
    place: int
    since: int
    until: int | None


class _Known(msgspec.Struct, gc=False):
    """A registered contact."""

    contact: UUID
    since: int


_read_merges = msgspec.json.Decoder(list[_Joined]).decode
_read_registered = msgspec.json.Decoder(list[_Known]).decode


async def _load_components(connection: AsyncConnection, graph: Graph, nodes: Collection[UUID]) -> set[UUID]:
    """Everything of the components that these nodes lie in; their nodes. A weak name comes with all who claim it."""
    if not nodes:
        return set()
    found = (await _PIECE.execute(connection, {"nodes": list(nodes)})).one()
    if found.members is None:
        return set()
    members = _read_members(found.members)
    registered = [] if found.registered is None else _read_registered(found.registered)
    links = [] if found.links is None else _read_links(found.links)
    graph.load(((each.contact, each.since) for each in registered), links, members)
    _load_joined(graph, [] if found.merges is None else _read_merges(found.merges))
    return {member.node for member in members}


async def _load_merges(connection: AsyncConnection, graph: Graph, ids: Collection[UUID]) -> set[UUID]:
    """Whole merges by their ids, also ended ones; their members."""
    rows = (await connection.execute(_MERGES, {"ids": list(ids)})).mappings().all()
    return _load_joined(graph, [_Joined(**row) for row in rows])


_MERGES = select(tables.merges).where(tables.merges.c.id == func.any(bindparam("ids", type_=ARRAY(Uuid))))


def _load_joined(graph: Graph, rows: Sequence[_Joined]) -> set[UUID]:
    together: dict[UUID, list[_Joined]] = {}
    for row in sorted(rows, key=lambda row: row.place):
        together.setdefault(row.id, []).append(row)
    for id_, joined in together.items():
        graph.load_merge(Merge(id_, tuple(row.member for row in joined), joined[0].since, joined[0].until))
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
    return typed(ContactRegistered | IdentifierLinked, known.decoder.decode(data.encode()))


def changes(graph: Graph, claims: Sequence[Row]) -> dict[Table, list[Row]]:
    """The rows that rulings changed. What ends comes before what begins, so that two never hold one name."""
    conflicts = {each.id: each for each in graph.changed if isinstance(each, Conflict)}
    registrations = [{"contact": id_, "since": since, "kind": kind} for id_, since, kind in graph.registrations]
    return {
        tables.claims: list(claims),
        tables.registrations: registrations,
        tables.links: _changed(graph, Link),
        tables.merges: _merge_rows(graph),
        tables.members: _changed(graph, Member),
        tables.components: [{"id": id_, "last_claim": at} for id_, at in graph.touched.items()],
        tables.conflicts: [_conflict_row(each) for each in conflicts.values()],
        tables.disputes: [row for each in conflicts.values() for row in _dispute_rows(each)],
    }


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
