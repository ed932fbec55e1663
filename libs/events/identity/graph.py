"""The graph of names: which node belongs to which contact, and why.

Three kinds of edge hold nodes together. A **link** says that a contact claims a name; a contact is a registered id, or
a name that nobody claims. A name of a unique class has one link at most. A **merge** joins contacts as they were named.
A **component** is what links of unique names and merges connect; its canonical id is its earliest registered contact,
else the node named first in its earliest edge, else its one node. Then a weak name (a telephone, a device) joins the
component in which all contacts that claim it lie; a weak name that itself was linked to or merged is a contact.

A `Graph` is a piece of the whole: for each node in it, everything of its component is there.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from uuid import UUID

import msgspec

from libs.events.catalog.contacts import ContactRegistered, IdentifierLinked
from libs.events.identifiers import WEAK_NAMESPACES


class Name(msgspec.Struct, frozen=True, gc=False):
    """A name and its node."""

    text: str
    node: UUID

    @property
    def is_unique(self) -> bool:
        return self.text.partition(":")[0] not in WEAK_NAMESPACES


class Link(msgspec.Struct, gc=False):
    """`owner` claims `identifier`, from one offset of the identity topic until another."""

    identifier: UUID
    owner: UUID
    since: int
    name: str
    is_unique: bool
    until: int | None = None


class Merge(msgspec.Struct, gc=False):
    """These contacts are one; the first was named first."""

    id: UUID
    members: tuple[UUID, ...]
    since: int
    until: int | None = None


class Member(msgspec.Struct, gc=False):
    """A node lies in a component, from one offset until another; some are contacts, the others names of theirs."""

    node: UUID
    component: UUID
    since: int
    name: str
    is_contact: bool
    until: int | None = None


class Disputed(msgspec.Struct, frozen=True, gc=False):
    """A name that a claim wanted, and the contact that had it."""

    name: Name
    holder: UUID


class Conflict(msgspec.Struct, gc=False):
    """A claim that waits for a person, by its id; `claim` is what was claimed, by `claimant`."""

    id: UUID
    since: int
    claimant: UUID
    claim: ContactRegistered | IdentifierLinked
    disputed: tuple[Disputed, ...]
    until: int | None = None
    holder: UUID | None = None

    @property
    def kind(self) -> str:
        return "registration" if isinstance(self.claim, ContactRegistered) else "link"


@dataclass(slots=True)
class Graph:
    """What holds now. The sets named `changed` and `touched` collect what a transaction must write."""

    registered: dict[UUID, int] = field(default_factory=dict)
    links: dict[UUID, dict[UUID, Link]] = field(default_factory=dict)
    merges: dict[UUID, Merge] = field(default_factory=dict)
    members: dict[UUID, Member] = field(default_factory=dict)
    conflicts: dict[UUID, Conflict] = field(default_factory=dict)
    names: dict[UUID, str] = field(default_factory=dict)
    changed: list[Link | Merge | Member | Conflict] = field(default_factory=list)
    registrations: list[tuple[UUID, int, str]] = field(default_factory=list)
    touched: dict[UUID, int] = field(default_factory=dict)
    _owned: dict[UUID, set[UUID]] = field(default_factory=dict)
    _merged: dict[UUID, set[UUID]] = field(default_factory=dict)
    _inside: dict[UUID, set[UUID]] = field(default_factory=dict)

    # What it knows

    def component(self, node: UUID) -> UUID:
        """The canonical id of the component that a node lies in; a node that nobody claimed is one of its own."""
        member = self.members.get(node)
        return node if member is None else member.component

    def is_registered(self, component: UUID) -> bool:
        return component in self.registered

    def owners(self, identifier: UUID) -> Collection[UUID]:
        """The contacts that claim a name; of a unique one there is at most one."""
        return self.links.get(identifier, {}).keys()

    def is_contact(self, node: UUID) -> bool:
        """Whether it was registered, linked to, or merged: then a weak name is no longer only a name."""
        return node in self.registered or bool(self._owned.get(node)) or bool(self._merged.get(node))

    def is_shared(self, node: UUID) -> bool:
        """A weak name that several contacts claim and that is none itself: it tells nobody apart."""
        return self._floats(node) and len({self.contact(owner) for owner in self.owners(node)}) > 1

    def contact(self, node: UUID) -> UUID:
        """The contact that a name belongs to, merges left aside; of names that claim each other the least."""
        passed = {node}
        while owners := self.owners(node):
            if not self._floats(node) and not self._is_unique(node):
                return node
            found = {self.contact(owner) for owner in owners} if self._floats(node) else set(owners)
            if len(found) > 1:
                return node
            (node,) = found
            if node in passed:
                return min(passed)
            passed.add(node)
        return node

    def _is_unique(self, node: UUID) -> bool:
        return any(link.is_unique for link in self.links.get(node, {}).values())

    def _floats(self, node: UUID) -> bool:
        """A weak name that goes where those who claim it are."""
        return bool(self.links.get(node)) and not self._is_unique(node) and not self.is_contact(node)

    # What is put in, by the store and by rulings

    def load(self, registered: Iterable[tuple[UUID, int]], links: Iterable[Link], members: Iterable[Member]) -> None:
        """Put in what the tables hold; what is there already stays."""
        self.registered.update(registered)
        for link in links:
            if link.owner not in self.links.get(link.identifier, ()):
                self._add(link)
        for member in members:
            if member.node not in self.members:
                self._place(member)

    def load_merge(self, merge: Merge) -> None:
        if merge.id not in self.merges:
            self._join(merge)

    def register(self, contact: UUID, kind: str, offset: int) -> None:
        self.registered[contact] = offset
        self.registrations.append((contact, offset, kind))
        self.names[contact] = f"contact:{contact}"

    def link(self, name: Name, owner: UUID, offset: int) -> None:
        link = Link(name.node, owner, offset, name.text, name.is_unique)
        self._add(link)
        self.changed.append(link)

    def unlink(self, identifier: UUID, owner: UUID, offset: int) -> None:
        link = self.links[identifier].pop(owner)
        self._owned[owner].discard(identifier)
        link.until = offset
        self.changed.append(link)

    def merge(self, id_: UUID, members: tuple[UUID, ...], offset: int) -> None:
        merge = Merge(id_, members, offset)
        self._join(merge)
        self.changed.append(merge)

    def unmerge(self, merge: Merge, offset: int) -> None:
        for node in merge.members:
            self._merged[node].discard(merge.id)
        merge.until = offset
        self.changed.append(merge)

    def dispute(self, conflict: Conflict) -> None:
        self.conflicts[conflict.id] = conflict
        self.changed.append(conflict)

    def name(self, name: Name) -> None:
        """Remember how a node is called; a name is better than the bare node."""
        if self.names.get(name.node, "contact:").startswith("contact:"):
            self.names[name.node] = name.text

    def _add(self, link: Link) -> None:
        self.links.setdefault(link.identifier, {})[link.owner] = link
        self._owned.setdefault(link.owner, set()).add(link.identifier)
        self.names.setdefault(link.identifier, link.name)

    def _join(self, merge: Merge) -> None:
        self.merges[merge.id] = merge
        if merge.until is None:
            for node in merge.members:
                self._merged.setdefault(node, set()).add(merge.id)

    def _place(self, member: Member) -> None:
        self.members[member.node] = member
        self.names[member.node] = member.name
        self._inside.setdefault(member.component, set()).add(member.node)

    # What follows from it

    def settle(self, nodes: Collection[UUID], offset: int) -> None:
        """Work the components out again around nodes whose edges changed."""
        around = set(nodes)
        for node in nodes:
            around |= self._inside.get(self.component(node), set())
        around |= {name for node in list(around) for name in self._owned.get(node, ()) if self._floats(name)}
        placed: dict[UUID, UUID] = {}
        for node in around:
            if node not in placed and self._is_held(node) and not self._floats(node):
                together = self._connected(node)
                canonical = self._canonical(together)
                placed.update(dict.fromkeys(together, canonical))
        for name in around:
            if self._floats(name):
                homes = {placed.get(owner) or self.component(owner) for owner in self.owners(name)}
                placed[name] = homes.pop() if len(homes) == 1 else name
        for node in around:
            left = self.component(node)
            if self._move(node, placed.get(node), offset):
                self.touched[left] = self.touched[self.component(node)] = offset
        self.touched.update((self.component(node), offset) for node in nodes)

    def _is_held(self, node: UUID) -> bool:
        return self.is_contact(node) or bool(self.links.get(node))

    def _connected(self, start: UUID) -> set[UUID]:
        found, waiting = {start}, [start]
        while waiting:
            node = waiting.pop()
            for other in self._neighbours(node):
                if other not in found:
                    found.add(other)
                    waiting.append(other)
        return found

    def _neighbours(self, node: UUID) -> Iterable[UUID]:
        yield from (link.owner for link in self.links.get(node, {}).values() if link.is_unique)
        yield from (name for name in self._owned.get(node, ()) if self.links[name][node].is_unique)
        for merge in self._merged.get(node, ()):
            yield from self.merges[merge].members

    def _canonical(self, together: set[UUID]) -> UUID:
        if registered := [(self.registered[node], node) for node in together if node in self.registered]:
            return min(registered)[1]
        edges = [(link.since, link.owner) for node in together for link in self._unique_links(node)]
        edges += [(self.merges[id_].since, self.merges[id_].members[0])
                  for node in together for id_ in self._merged.get(node, ())]  # fmt: skip
        return min(edges)[1] if edges else min(together)

    def _unique_links(self, node: UUID) -> Iterable[Link]:
        return (link for link in self.links.get(node, {}).values() if link.is_unique)

    def _move(self, node: UUID, component: UUID | None, offset: int) -> bool:
        """Close the row of where a node was and open one where it is; False when nothing changed."""
        before = self.members.get(node)
        name = self.names.get(node, f"contact:{node}")
        is_contact = self.contact(node) == node and not self._floats(node)
        if before is not None and (before.component, before.name, before.is_contact) == (component, name, is_contact):
            return False
        if before is None and component is None:
            return False
        if before is not None:
            before.until = offset
            self.changed.append(before)
            del self.members[node]
            self._inside[before.component].discard(node)
        if component is None:
            self.names.pop(node, None)  # a row holds a name, and nothing else does
        else:
            member = Member(node, component, offset, name, is_contact)
            self._place(member)
            self.changed.append(member)
        return True
