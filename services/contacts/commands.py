"""What callers ask of contacts, with the time and the ids that it takes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from libs.events.catalog.contacts import Evidence, Named


@dataclass(frozen=True, slots=True)
class RegisterContact:
    """From now on these names are those of one contact, whose id is the command's."""

    id: UUID
    kind: Literal["person", "organisation"]
    identifiers: tuple[Named, ...]
    traits: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LinkIdentifier:
    id: UUID
    contact: Named
    identifier: Named
    evidence: Evidence | None


@dataclass(frozen=True, slots=True)
class UnlinkIdentifier:
    id: UUID
    contact: Named
    identifier: Named
    reason: str | None


@dataclass(frozen=True, slots=True)
class MergeContacts:
    """The merge's id is the command's."""

    id: UUID
    members: tuple[Named, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class UnmergeContacts:
    id: UUID
    merge: UUID
    reason: str | None


@dataclass(frozen=True, slots=True)
class ResolveConflict:
    id: UUID
    conflict: UUID
    holder: Named
    reason: str


@dataclass(frozen=True, slots=True)
class ChangeTraits:
    """`patch` is a JSON merge patch (RFC 7396) of what is known; `at` is when it was asked for."""

    id: UUID
    contact: Named
    patch: dict[str, Any]
    at: datetime


Claiming = RegisterContact | LinkIdentifier | UnlinkIdentifier | MergeContacts | UnmergeContacts | ResolveConflict
Command = Claiming | ChangeTraits
