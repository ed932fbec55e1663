"""Carrying commands out: load the state, decide, record, and wait for the own fold's verdict."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from libs.events.catalog.contacts import Claim, Named
from libs.events.identity import store
from libs.events.identity.graph import Graph
from libs.events.identity.names import names_of
from libs.events.identity.store import Wanted
from libs.events.topics import CONTACTS, IDENTITY
from libs.service.batching import Batcher
from libs.service.commands import Asked, Commands, Done, Draft, drafted
from libs.service.preconditions import require_match
from libs.service.refs import Ref
from libs.service.runtime import Service
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
from services.contacts.decider import Identity, Traits, decide_claim, decide_traits, evolve_traits
from services.contacts.queries import people
from services.contacts.queries.people import Contact
from services.contacts.refusals import ContactUnknown, refuse, refused

IDENTITY_KEY = "identity"
IDENTITY_SOURCE = "/identity"
_NO_OFFSET_YET = 2**62  # a claim that is only thought of comes after all that was recorded


class Handling:
    """Carries out the commands of contacts."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.commands = Commands(service)
        self._contacts = Batcher(self._load)
        self._claimed = Batcher(self._among_claimed)

    async def contact(self, node: UUID, pointer: str | None = None) -> Contact:
        """The contact behind a node, as it stands. Raises ContactUnknown, with the field that named it."""
        if (found := await self._contacts.ask(None, node)) is None:
            raise refuse(ContactUnknown, pointer)
        return found

    async def _load(self, _shape: None, nodes: Sequence[UUID]) -> Sequence[Contact | None]:
        async with self.service.reads.connect() as connection:
            return await people.contacts(connection, nodes)

    async def named(self, ref: Ref, pointer: str | None = None) -> Named:
        """A ref as claims name it: by its identifier also where it was called by its id, if it has no other name."""
        if not ref.is_node:
            return Named(name=ref.identifier, node=str(ref.node))
        found = await self.contact(ref.node, pointer)
        is_only_a_name = found.kind is None and found.nodes == [ref.node] and len(found.identifiers) == 1
        return Named(name=found.identifiers[0] if is_only_a_name else ref.identifier, node=str(ref.node))

    async def _among_claimed(self, _shape: None, asked: Sequence[tuple[UUID, ...]]) -> Sequence[bool]:
        """For each set of names, whether any of them is claimed."""
        async with self.service.reads.connect() as connection:
            claimed = await store.claimed(connection, {node for nodes in asked for node in nodes})
        return [not claimed.isdisjoint(nodes) for nodes in asked]

    async def side(self, ref: Ref) -> Named:
        """A side of a conflict: perhaps a contact that only a refused registration has named."""
        try:
            return await self.named(ref)
        except ContactUnknown:
            return Named(name=ref.identifier, node=str(ref.node))

    async def claim(self, command: Claiming, asked: Asked) -> Done | None:
        """Record a claim and wait for the judge; None where it is already so. Raises refusals, the judge's included."""

        async def decide() -> Draft | None:
            claim = decide_claim(command, await self._identity(command, asked.if_match))
            return None if claim is None else _drafted(command, claim)

        done = await self.commands.carry_out(asked, decide)
        if done is not None and done.outcome in {"conflict", "invalid"} and done.ruling is not None:
            raise refused(done.ruling)
        return done

    async def change_traits(
        self, ref: Ref, patch: dict[str, Any], asked: Asked, at: Any
    ) -> tuple[Contact, Done | None]:
        """The contact after the change. Raises 412 and 428, ContactUnknown, and 409 where others keep changing it."""
        seen: list[Contact] = []

        async def decide() -> Draft | None:
            contact = await self.contact(ref.node)
            require_match(asked.if_match, contact.etag)
            await self.commands.require_unparked(CONTACTS, str(contact.id))
            command = ChangeTraits(asked.command, Named(name=ref.identifier, node=str(ref.node)), patch, at)
            state = Traits(contact.traits, contact.observed_at)
            event = decide_traits(command, state)
            seen.append(contact if event is None else contact.after(evolve_traits(state, event)))
            return None if event is None else drafted(
                command.id, event, topic=CONTACTS, key=str(contact.id), source=f"/contacts/{contact.id}",
                subject=ref.identifier, node=ref.node, sequence=contact.head + 1,
            )  # fmt: skip

        async with self.commands.turn(ref.node):
            done = await self.commands.carry_out(asked, decide)
        return (await self.contact(ref.node) if done is not None and done.is_repeated else seen[-1]), done

    async def _identity(self, command: Claiming, if_match: str | None) -> Identity:
        if isinstance(command, RegisterContact):
            nodes = tuple(UUID(name.node) for name in command.identifiers)
            if not await self._claimed.ask(None, nodes):
                return Identity(Graph(), frozenset(), _NO_OFFSET_YET)
        named = [Ref(UUID(name.node), name.name) for name in _subjects(command)]
        async with self.service.reads.connect() as connection:
            graph = await store.load(connection, _wanted(command))
            known = await people.contacts(connection, [ref.node for ref in named]) if named else []
        if if_match is not None and known and known[0] is not None:
            require_match(if_match, known[0].etag)
        heard_of = frozenset(ref.node for ref, contact in zip(named, known, strict=True) if contact is not None)
        return Identity(graph, heard_of, _NO_OFFSET_YET)


def _subjects(command: Claiming) -> list[Named]:
    """The contacts that a command is about, which somebody must have heard of."""
    match command:
        case LinkIdentifier() | UnlinkIdentifier():
            return [command.contact]
        case MergeContacts():
            return list(command.members)
        case _:
            return []


def _wanted(command: Claiming) -> Wanted:
    match command:
        case RegisterContact():
            return Wanted({UUID(name.node) for name in command.identifiers})
        case LinkIdentifier() | UnlinkIdentifier():
            return Wanted({UUID(command.contact.node), UUID(command.identifier.node)})
        case MergeContacts():
            return Wanted({UUID(name.node) for name in command.members}, disputes=True)
        case UnmergeContacts():
            return Wanted(set(), merges=[command.merge])
        case ResolveConflict():
            return Wanted({UUID(command.holder.node)}, conflicts=[command.conflict], disputes=True)


def _drafted(command: Claiming, claim: Claim) -> Draft:
    subject = names_of(claim)[0]
    return drafted(
        command.id, claim, topic=IDENTITY, key=IDENTITY_KEY, source=IDENTITY_SOURCE, subject=subject.text,
        node=subject.node,
    )  # fmt: skip
