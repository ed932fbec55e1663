"""The names that claims name."""

from typing import assert_never
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
from libs.events.identity.graph import Name


def names_of(claim: Claim) -> list[Name]:
    """The names that a claim names, in order."""
    match claim:
        case ContactRegistered():
            return [Name(f"contact:{claim.contact}", UUID(claim.contact)), *map(name_of, claim.identifiers)]
        case IdentifierLinked() | IdentifierUnlinked():
            return [name_of(claim.contact), name_of(claim.identifier)]
        case ContactsMerged() | ContactsUnmerged():
            return [name_of(member) for member in claim.members]
        case ConflictResolved():
            return [name_of(claim.holder)]
        case _:
            assert_never(claim)


def name_of(named: Named) -> Name:
    return Name(named.name, UUID(named.node))
