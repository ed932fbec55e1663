"""The event types of the contacts service, all `rapport.contacts.<name>.v1`: claims about identity, and decisions.

Nodes travel with names, since folds never recompute them: a name in the data stands as `{"name", "node"}`.
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from libs.events.catalog.fields import Data, Id, Moment, Words
from libs.events.terms import END

MAX_NAMES: Final = 100
NODE_PATTERN: Final = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}" + END

NodeText = Annotated[str, Meta(pattern=NODE_PATTERN)]
Evidence = Words | dict[str, Any]
TraitName = Annotated[str, Meta(min_length=1, max_length=100)]
Traits = Annotated[dict[TraitName, Any], Meta(max_length=100)]
Kind = Literal["person", "organisation"]


class Named(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A name in its normal form, and the node that it is."""

    name: Annotated[str, Meta(min_length=1, max_length=600)]
    node: NodeText


Names = Annotated[list[Named], Meta(min_length=1, max_length=MAX_NAMES)]
Members = Annotated[list[Named], Meta(min_length=2, max_length=MAX_NAMES)]


class ContactRegistered(Data, frozen=True, kw_only=True):
    """`contact` is the claim's own id."""

    contact: NodeText
    kind: Kind
    identifiers: Names
    traits: Traits | UnsetType = UNSET
    origin: Id | UnsetType = UNSET


class IdentifierLinked(Data, frozen=True, kw_only=True):
    contact: Named
    identifier: Named
    evidence: Evidence | UnsetType = UNSET


class IdentifierUnlinked(Data, frozen=True, kw_only=True):
    contact: Named
    identifier: Named
    reason: Words | UnsetType = UNSET


class ContactsMerged(Data, frozen=True, kw_only=True):
    """`merge` is the claim's own id."""

    merge: NodeText
    members: Members
    reason: Words


class ContactsUnmerged(Data, frozen=True, kw_only=True):
    """`members` are those of the merge, so that the event says whom it is about."""

    merge: NodeText
    members: Members
    reason: Words | UnsetType = UNSET


class ConflictResolved(Data, frozen=True, kw_only=True):
    """`holder` is who keeps the identifiers that the conflict is about."""

    conflict: NodeText
    holder: Named
    reason: Words


Claim = ContactRegistered | IdentifierLinked | IdentifierUnlinked | ContactsMerged | ContactsUnmerged | ConflictResolved


class Change(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A field's value before and after; null where it has none."""

    before: Any = msgspec.field(name="from")
    to: Any


class TraitsChanged(Data, frozen=True, kw_only=True):
    """`observed_at` decides between changes of one origin; `origin` says where the values come from."""

    changes: Annotated[dict[TraitName, Change], Meta(min_length=1, max_length=100)]
    origin: Id
    observed_at: Moment
