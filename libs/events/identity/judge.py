"""The judge: rules on every claim about identity, in the order of the log (DESIGN.md section 7).

A claim is judged whole: it is effective, already so, a conflict, or invalid. The judge is total: whatever stands in the
log gets a ruling, and only an effective one changes which names belong together. Reasons are stable codes.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import assert_never
from uuid import UUID

import msgspec

from libs.events.catalog.contacts import (
    Claim,
    ConflictResolved,
    ContactRegistered,
    ContactsMerged,
    ContactsUnmerged,
    IdentifierLinked,
    IdentifierUnlinked,
)
from libs.events.identity.graph import Conflict, Disputed, Graph, Name
from libs.events.identity.names import name_of, names_of


class Verdict(StrEnum):
    """What becomes of a claim."""

    EFFECTIVE = "effective"
    ALREADY_SO = "already_so"
    CONFLICT = "conflict"
    INVALID = "invalid"


class Ruling(msgspec.Struct, frozen=True, gc=False):
    """`contact` is the component that the claim is about now; `conflict` the one that it opened, met or closed.

    `registration` is what took effect as a registration: at once, or when a conflict was resolved in its favour.
    `about` are the names whose story the claim belongs to: all that it names or, where it changed nothing, those among
    them that the graph knew.
    """

    verdict: Verdict
    reason: str | None = None
    contact: UUID | None = None
    conflict: UUID | None = None
    registration: ContactRegistered | None = None
    about: tuple[Name, ...] = ()


def judge(graph: Graph, claim: Claim, id_: UUID, offset: int) -> Ruling:
    """Rule on a claim and let the graph follow. Its id was not used before. Never raises."""
    names = names_of(claim)
    ruling = _judge(graph, claim, id_, offset)
    if ruling.verdict is not Verdict.EFFECTIVE:
        names = [name for name in names if name.node in graph.members]
    about = {name.node: name for name in reversed(names)}
    return msgspec.structs.replace(ruling, about=tuple(reversed(about.values())))


def _judge(graph: Graph, claim: Claim, id_: UUID, offset: int) -> Ruling:
    match claim:
        case ContactRegistered():
            return _register(graph, claim, id_, offset)
        case IdentifierLinked():
            return _link(graph, claim, id_, offset)
        case IdentifierUnlinked():
            return _unlink(graph, claim, offset)
        case ContactsMerged():
            return _merge(graph, claim, id_, offset)
        case ContactsUnmerged():
            return _unmerge(graph, claim, offset)
        case ConflictResolved():
            return _resolve(graph, claim, offset)
        case _:
            assert_never(claim)


def invalid(reason: str) -> Ruling:
    return Ruling(Verdict.INVALID, reason)


def _register(graph: Graph, claim: ContactRegistered, id_: UUID, offset: int) -> Ruling:
    names = _distinct(claim)
    homes = {graph.component(name.node) for name in names}
    if claim.contact != str(id_):
        return invalid("contact_is_not_the_claim")
    if any(_is_bare(name) for name in names):
        return invalid("identifier_is_a_contact")
    if any(_is_contact(graph, name) for name in names):
        return invalid("name_is_a_contact")
    if len(homes) == 1 and graph.is_registered(home := homes.pop()):
        return Ruling(Verdict.ALREADY_SO, contact=home)
    if disputed := _disputed(graph, names):
        return _conflict(graph, Conflict(id_, offset, id_, claim, disputed))
    return _registered(graph, claim, names, offset)


def _distinct(claim: ContactRegistered) -> list[Name]:
    return list({name.node: name for name in map(name_of, claim.identifiers)}.values())


def _is_bare(name: Name) -> bool:
    return name.text.startswith("contact:")


def _is_contact(graph: Graph, name: Name) -> bool:
    """A weak name that was linked to or merged while nobody claimed it: it is merged, not linked."""
    return not name.is_unique and graph.is_contact(name.node)


def _disputed(graph: Graph, names: list[Name]) -> tuple[Disputed, ...]:
    """The unique names that others have. A name that is claimed is free all the same if its contact is registered too.

    That contact is then an unregistered name, which is named here and claimed by nobody.
    """
    unique = [name for name in names if name.is_unique]
    free = {name.node for name in unique if _is_free(graph, name.node)}
    joined = {graph.contact(node) for node in free}
    others = [name for name in unique if name.node not in free and graph.contact(name.node) not in joined]
    return tuple(Disputed(name, _holder(graph, name.node)) for name in others)


def _is_free(graph: Graph, node: UUID) -> bool:
    return not graph.owners(node) and not graph.is_registered(graph.component(node))


def _holder(graph: Graph, node: UUID) -> UUID:
    return graph.contact(node) if graph.owners(node) else graph.component(node)


def _conflict(graph: Graph, conflict: Conflict) -> Ruling:
    graph.dispute(conflict)
    return Ruling(Verdict.CONFLICT, "identifier_claimed", conflict=conflict.id)


def _registered(
    graph: Graph, claim: ContactRegistered, names: list[Name], offset: int, losers: Sequence[UUID] = ()
) -> Ruling:
    contact = UUID(claim.contact)
    graph.register(contact, claim.kind, offset)
    for name in names:
        graph.name(name)
        if not (name.is_unique and graph.owners(name.node)):
            graph.link(name, contact, offset)
    graph.settle([contact, *(name.node for name in names), *losers], offset)
    return Ruling(Verdict.EFFECTIVE, contact=graph.component(contact), registration=claim)


def _link(graph: Graph, claim: IdentifierLinked, id_: UUID, offset: int) -> Ruling:
    ref, name = name_of(claim.contact), name_of(claim.identifier)
    owner = graph.contact(ref.node)
    if _is_bare(name):
        return invalid("identifier_is_a_contact")
    if graph.is_shared(owner):
        return invalid("name_shared")
    if graph.component(name.node) == graph.component(owner):
        return Ruling(Verdict.ALREADY_SO, contact=graph.component(owner))
    if _is_contact(graph, name):
        return invalid("name_is_a_contact")
    if name.is_unique and not _is_free(graph, name.node):
        disputed = Disputed(name, _holder(graph, name.node))
        return _conflict(graph, Conflict(id_, offset, owner, claim, (disputed,)))
    if not name.is_unique and owner in graph.owners(name.node):
        return Ruling(Verdict.ALREADY_SO, contact=graph.component(owner))
    graph.name(ref)
    return _linked(graph, name, owner, offset)


def _linked(graph: Graph, name: Name, owner: UUID, offset: int, losers: Sequence[UUID] = ()) -> Ruling:
    graph.name(name)
    if owner != name.node:  # a claimant in a conflict may have been linked to the very name meanwhile
        graph.link(name, owner, offset)
    graph.settle([owner, name.node, *losers], offset)
    return Ruling(Verdict.EFFECTIVE, contact=graph.component(owner))


def _unlink(graph: Graph, claim: IdentifierUnlinked, offset: int) -> Ruling:
    ref, name = UUID(claim.contact.node), UUID(claim.identifier.node)
    home = graph.component(ref)
    owners = [owner for owner in graph.owners(name) if graph.component(owner) == home]
    if not owners:
        return invalid("identifier_not_linked")
    for owner in owners:
        graph.unlink(name, owner, offset)
    graph.settle([*owners, name, ref], offset)
    return Ruling(Verdict.EFFECTIVE, contact=graph.component(ref))


def _merge(graph: Graph, claim: ContactsMerged, id_: UUID, offset: int) -> Ruling:
    named = [name_of(member) for member in claim.members]
    members = tuple(dict.fromkeys(graph.contact(name.node) for name in named))
    if claim.merge != str(id_):
        return invalid("merge_is_not_the_claim")
    if len(members) < 2:
        return invalid("merge_with_itself")
    if any(graph.is_shared(node) for node in members):
        return invalid("name_shared")
    if conflict := _between(graph, {graph.component(node) for node in members}):
        return Ruling(Verdict.CONFLICT, "names_in_conflict", conflict=conflict.id)
    for name in named:
        graph.name(name)
    graph.merge(id_, members, offset)
    graph.settle(members, offset)
    return Ruling(Verdict.EFFECTIVE, contact=graph.component(members[0]))


def _between(graph: Graph, homes: set[UUID]) -> Conflict | None:
    """An unresolved conflict between two of these components; a person has to decide it before they can be one."""
    for conflict in sorted(graph.conflicts.values(), key=lambda conflict: conflict.since):
        claimant = graph.component(conflict.claimant)
        holders = {graph.component(_holder(graph, each.name.node)) for each in conflict.disputed}
        if conflict.until is None and claimant in homes and (holders & homes) - {claimant}:
            return conflict
    return None


def _unmerge(graph: Graph, claim: ContactsUnmerged, offset: int) -> Ruling:
    merge = graph.merges.get(UUID(claim.merge))
    if merge is None:
        return invalid("merge_unknown")
    if merge.until is not None:
        return Ruling(Verdict.ALREADY_SO, contact=graph.component(merge.members[0]))
    graph.unmerge(merge, offset)
    graph.settle(merge.members, offset)
    return Ruling(Verdict.EFFECTIVE, contact=graph.component(merge.members[0]))


def _resolve(graph: Graph, claim: ConflictResolved, offset: int) -> Ruling:
    conflict, holder = graph.conflicts.get(UUID(claim.conflict)), UUID(claim.holder.node)
    if conflict is None:
        return invalid("conflict_unknown")
    if conflict.until is not None:
        is_same = conflict.holder is not None and _is_side(graph, conflict.holder, holder)
        return Ruling(Verdict.ALREADY_SO, conflict=conflict.id) if is_same else invalid("conflict_resolved")
    if _is_claimant(graph, conflict, holder):
        return _awarded(graph, conflict, offset)
    holders = {graph.component(_holder(graph, each.name.node)) for each in conflict.disputed}
    if graph.component(holder) not in holders | {graph.component(each.holder) for each in conflict.disputed}:
        return invalid("holder_not_a_side")
    _close(graph, conflict, graph.contact(holder), offset)
    return Ruling(Verdict.EFFECTIVE, contact=graph.component(holder), conflict=conflict.id)


def _is_side(graph: Graph, side: UUID, node: UUID) -> bool:
    return node == side or graph.component(node) == graph.component(side)


def _is_claimant(graph: Graph, conflict: Conflict, node: UUID) -> bool:
    """Whether a node means whoever claimed: a refused registration also goes by the names that nobody disputes."""
    if _is_side(graph, conflict.claimant, node):
        return True
    if not isinstance(conflict.claim, ContactRegistered):
        return False
    disputed = {each.name.node for each in conflict.disputed}
    return any(name.node == node and name.is_unique and node not in disputed for name in _distinct(conflict.claim))


def _close(graph: Graph, conflict: Conflict, holder: UUID, offset: int) -> None:
    conflict.until, conflict.holder = offset, holder
    graph.dispute(conflict)


def _awarded(graph: Graph, conflict: Conflict, offset: int) -> Ruling:
    """The claimant gets what it claimed; whoever has the disputed names loses them."""
    disputed = [each.name for each in conflict.disputed]
    nodes = {name.node for name in disputed}
    if any(not graph.owners(node) and graph.is_registered(graph.component(node)) for node in nodes):
        return invalid("name_merged")
    match conflict.claim:
        case ContactRegistered() as claim:
            names = _distinct(claim)
            if any(each.name.node not in nodes for each in _disputed(graph, names)):
                return invalid("identifier_claimed")
            losers = _take_away(graph, disputed, offset)
            ruling = _registered(graph, claim, names, offset, losers)
        case IdentifierLinked():
            losers = _take_away(graph, disputed, offset)
            ruling = _linked(graph, disputed[0], graph.contact(conflict.claimant), offset, losers)
        case _:
            assert_never(conflict.claim)
    _close(graph, conflict, conflict.claimant, offset)
    return msgspec.structs.replace(ruling, conflict=conflict.id)


def _take_away(graph: Graph, names: list[Name], offset: int) -> list[UUID]:
    """Whoever loses a name. Nothing is settled yet: a claim moves a node once."""
    losers = []
    for name in names:
        for owner in list(graph.owners(name.node)):
            graph.unlink(name.node, owner, offset)
            losers.append(owner)
    return losers
