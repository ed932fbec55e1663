"""What follows from a command, given what is known. Pure; one arm, one rule.

On claims the judge has the last word, in the order of the log. Asking him first, with the graph as it stands, keeps out
of the log what would come to nothing; a claim that would meet another's name goes in, so that the conflict is listed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, assert_never
from uuid import UUID

import msgspec
from msgspec import UNSET

from libs.events.catalog import contacts as events
from libs.events.catalog.contacts import Change, Claim, Named
from libs.events.identity.graph import Graph
from libs.events.identity.judge import Verdict, judge
from services.contacts.commands import (
    ChangeTraits,
    Claiming,
    LinkIdentifier,
    MergeContacts,
    RegisterContact,
    ResolveConflict,
    UnlinkIdentifier,
    UnmergeContacts,
)
from services.contacts.refusals import ContactUnknown, MergeUnknown, NamesInConflict, refuse, refused

REGISTRATION, CORRECTION = "registration", "correction"
TRUST: Mapping[str, int] = {REGISTRATION: 10, CORRECTION: 20}
"""Of two values of a field the more trusted one is shown. A person who corrects knows better than who registers."""

_MOMENT = timedelta(microseconds=1)
_json = msgspec.json.Encoder(order="deterministic").encode  # in which true is not 1


@dataclass(frozen=True, slots=True)
class Identity:
    """The graph around the names of a command, and which of its nodes anybody has heard of. Judging uses it up."""

    graph: Graph
    heard_of: frozenset[UUID]
    ahead: int


@dataclass(frozen=True, slots=True)
class Traits:
    """What is known of a person: fields without null values; when the last of them was observed."""

    values: Mapping[str, Any]
    observed_at: datetime | None = None


def decide_claim(command: Claiming, state: Identity) -> Claim | None:
    """The claim to record; None where it is already so."""
    _require_heard_of(command, state)
    claim = _claim(command, state)
    ruling = judge(state.graph, claim, command.id, state.ahead)
    match ruling.verdict:
        case Verdict.ALREADY_SO:
            return None
        case Verdict.INVALID:
            raise refused(ruling)
        case Verdict.CONFLICT if isinstance(command, MergeContacts):
            raise refuse(NamesInConflict, conflict=str(ruling.conflict))
        case Verdict.EFFECTIVE | Verdict.CONFLICT:
            return claim
        case _:
            assert_never(ruling.verdict)


def decide_traits(command: ChangeTraits, state: Traits) -> events.TraitsChanged | None:
    """The change to record; None where everything is as the patch wants it."""
    changes = {}
    for name, patch in command.patch.items():
        before = state.values.get(name)
        if _json(after := merge_patch(before, patch)) != _json(before):
            changes[name] = Change(before=before, to=after)
    if not changes:
        return None
    return events.TraitsChanged(changes=changes, origin=CORRECTION, observed_at=_observed(command, state))


def evolve_traits(state: Traits, event: events.TraitsChanged) -> Traits:
    values = {**state.values, **{name: change.to for name, change in event.changes.items()}}
    return Traits({name: value for name, value in values.items() if value is not None}, event.observed_at)


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396: objects are merged member by member, null takes a member away, everything else replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def _observed(command: ChangeTraits, state: Traits) -> datetime:
    """Later than all that it saw, whatever clocks say."""
    return command.at if state.observed_at is None else max(command.at, state.observed_at + _MOMENT)


def _claim(command: Claiming, state: Identity) -> Claim:
    match command:
        case RegisterContact():
            traits = command.traits or UNSET
            return events.ContactRegistered(contact=str(command.id), kind=command.kind, origin=REGISTRATION,
                                            identifiers=list(command.identifiers), traits=traits)  # fmt: skip
        case LinkIdentifier():
            evidence = UNSET if command.evidence is None else command.evidence
            return events.IdentifierLinked(contact=command.contact, identifier=command.identifier, evidence=evidence)
        case UnlinkIdentifier():
            reason = UNSET if command.reason is None else command.reason
            return events.IdentifierUnlinked(contact=command.contact, identifier=command.identifier, reason=reason)
        case MergeContacts():
            return events.ContactsMerged(merge=str(command.id), members=list(command.members), reason=command.reason)
        case UnmergeContacts():
            reason = UNSET if command.reason is None else command.reason
            members = _members(state.graph, command.merge)
            return events.ContactsUnmerged(merge=str(command.merge), members=members, reason=reason)
        case ResolveConflict():
            return events.ConflictResolved(conflict=str(command.conflict), holder=command.holder, reason=command.reason)
        case _:
            assert_never(command)


def _members(graph: Graph, merge: UUID) -> list[Named]:
    if merge not in graph.merges:
        raise refuse(MergeUnknown)
    nodes = graph.merges[merge].members
    return [Named(name=graph.names.get(node, f"contact:{node}"), node=str(node)) for node in nodes]


def _require_heard_of(command: Claiming, state: Identity) -> None:
    match command:
        case LinkIdentifier() | UnlinkIdentifier():
            named: dict[str | None, Named] = {None: command.contact}
        case MergeContacts():
            named = {f"/members/{n}": member for n, member in enumerate(command.members)}
        case _:
            return
    for pointer, name in named.items():
        if UUID(name.node) not in state.heard_of:
            raise refuse(ContactUnknown, pointer)
