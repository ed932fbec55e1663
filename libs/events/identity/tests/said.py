"""Claims in short words for tests. The nth claim stands at offset n and has the id `at(n)`."""

import hashlib
from collections.abc import Callable
from typing import Any
from uuid import UUID

from libs.events.catalog.contacts import (
    Claim,
    ConflictResolved,
    ContactRegistered,
    ContactsMerged,
    ContactsUnmerged,
    IdentifierLinked,
    IdentifierUnlinked,
    Named,
)
from libs.events.identifiers import as_uuid8
from libs.events.identity.graph import Name

Said = Callable[[UUID], Claim]


def at(offset: int) -> UUID:
    return UUID(int=offset)


def contact(offset: int) -> str:
    """How the contact that was registered by the claim at this offset is called."""
    return f"contact:{at(offset)}"


def node(name: str) -> UUID:
    namespace, _, value = name.partition(":")
    return UUID(value) if namespace == "contact" else as_uuid8(hashlib.sha256(name.encode()).digest())


def named(name: str) -> Named:
    """A name with its node; `crm:1=tel:2` is a name with the node of another, which no honest writer makes."""
    text, _, other = name.partition("=")
    return Named(name=text, node=str(node(other or text)))


def name(text: str) -> Name:
    return Name(text, node(text))


def register(*names: str, **more: Any) -> Said:
    return lambda id_: ContactRegistered(
        **{"contact": str(id_), "kind": "person", "identifiers": [named(each) for each in names]} | more
    )


def link(ref: str, identifier: str) -> Said:
    return lambda _: IdentifierLinked(contact=named(ref), identifier=named(identifier))


def unlink(ref: str, identifier: str) -> Said:
    return lambda _: IdentifierUnlinked(contact=named(ref), identifier=named(identifier))


def merge(*members: str, **more: Any) -> Said:
    return lambda id_: ContactsMerged(
        **{"merge": str(id_), "members": [named(each) for each in members], "reason": "seen together"} | more
    )


def unmerge(offset: int, *members: str) -> Said:
    """Take back the merge at this offset."""
    return lambda _: ContactsUnmerged(
        merge=str(at(offset)), members=[named(each) for each in members or ("crm:1", "crm:2")]
    )


def resolve(offset: int, holder: str) -> Said:
    """Decide the conflict that the claim at this offset opened."""
    return lambda _: ConflictResolved(conflict=str(at(offset)), holder=named(holder), reason="asked")
