"""The rules about claims, as sentences. The nth claim that is given stands at offset n and has the id `at(n)`."""

from dataclasses import dataclass
from uuid import UUID

import pytest
from msgspec import UNSET

from libs.events.catalog import contacts as events
from libs.events.catalog.contacts import Claim
from libs.events.decider import Refusal, Unheard
from libs.events.identity.graph import Graph
from libs.events.identity.judge import judge
from libs.events.identity.tests.said import Said, at, contact, link, merge, named, node, register, resolve, unmerge
from libs.events.identity.tests.said import unlink as unlinked
from libs.events.tests.decider_spec import Spec
from services.contacts import refusals
from services.contacts.commands import (
    Claiming,
    LinkIdentifier,
    MergeContacts,
    RegisterContact,
    ResolveConflict,
    UnlinkIdentifier,
    UnmergeContacts,
)
from services.contacts.decider import Identity, decide_claim
from services.contacts.refusals import (
    ConflictUnknown,
    ContactUnknown,
    HolderNotASide,
    IdentifierClaimed,
    IdentifierIsAContact,
    IdentifierNotLinked,
    MergeUnknown,
    MergeWithItself,
    NameIsAContact,
    NameMerged,
    NameShared,
    NamesInConflict,
)

COMMAND = UUID("0198b1f3-77aa-7f10-a4c2-90b3d21e8f55")
AHEAD = 2**62


@dataclass(frozen=True)
class Heard:
    """Events have brought this name, and nobody has claimed it."""

    name: str


def identity(*told: Said | Heard) -> Identity:
    graph, heard_of = Graph(), {node(each.name) for each in told if isinstance(each, Heard)}
    for offset, claim in enumerate([each for each in told if not isinstance(each, Heard)], start=1):
        judge(graph, claim(at(offset)), at(offset), offset)
    return Identity(graph, frozenset(heard_of | graph.members.keys()), AHEAD)


spec = Spec[Claiming, Identity, Claim](decide_claim, identity)


def registering(*names: str, **traits: object) -> RegisterContact:
    return RegisterContact(COMMAND, "person", tuple(named(name) for name in names), traits)


def linking(ref: str, identifier: str, evidence: events.Evidence | None = None) -> LinkIdentifier:
    return LinkIdentifier(COMMAND, named(ref), named(identifier), evidence)


def unlinking(ref: str, identifier: str, reason: str | None = None) -> UnlinkIdentifier:
    return UnlinkIdentifier(COMMAND, named(ref), named(identifier), reason)


def merging(*members: str) -> MergeContacts:
    return MergeContacts(COMMAND, tuple(named(name) for name in members), "met them both")


def unmerging(offset: int, reason: str | None = None) -> UnmergeContacts:
    return UnmergeContacts(COMMAND, at(offset), reason)


def resolving(offset: int, holder: str) -> ResolveConflict:
    return ResolveConflict(COMMAND, at(offset), named(holder), "asked them")


ADA, BOB = register("crm:1", "email:ada@example.org"), register("crm:2")
BOB_WANTS_ADAS_NAME = link(contact(2), "crm:1")


class TestRegistering:
    def test_a_contact_gets_the_id_of_its_command(self) -> None:
        spec.when(registering("crm:1", "tel:+4930123", name="Ada")).then(
            events.ContactRegistered(
                contact=str(COMMAND),
                kind="person",
                identifiers=[named("crm:1"), named("tel:+4930123")],
                traits={"name": "Ada"},
                origin="registration",
            )
        )

    def test_nothing_need_be_known_of_it(self) -> None:
        claim = events.ContactRegistered(
            contact=str(COMMAND), kind="organisation", identifiers=[named("crm:1")], traits=UNSET, origin="registration"
        )
        spec.when(RegisterContact(COMMAND, "organisation", (named("crm:1"),), {})).then(claim)

    def test_a_name_of_another_is_claimed_all_the_same_so_that_the_conflict_is_listed(self) -> None:
        claim = events.ContactRegistered(
            contact=str(COMMAND), kind="person", identifiers=[named("crm:1"), named("crm:9")], origin="registration"
        )
        spec.given(ADA).when(registering("crm:1", "crm:9")).then(claim)

    def test_the_same_names_again_are_quiet(self) -> None:
        spec.given(ADA).when(registering("email:ada@example.org", "crm:1", name="Countess")).is_quiet()


class TestLinking:
    def test_a_name_is_linked_with_its_evidence(self) -> None:
        evidence = {"checked": "passport"}
        claim = events.IdentifierLinked(contact=named("crm:1"), identifier=named("crm:9"), evidence=evidence)
        spec.given(ADA).when(linking("crm:1", "crm:9", evidence)).then(claim)

    def test_a_name_that_only_events_have_brought_can_have_another(self) -> None:
        claim = events.IdentifierLinked(contact=named("crm:8"), identifier=named("crm:9"), evidence=UNSET)
        spec.given(Heard("crm:8")).when(linking("crm:8", "crm:9")).then(claim)

    def test_a_name_of_another_is_claimed_all_the_same_so_that_the_conflict_is_listed(self) -> None:
        claim = events.IdentifierLinked(contact=named("crm:2"), identifier=named("crm:1"), evidence=UNSET)
        spec.given(ADA, BOB).when(linking("crm:2", "crm:1")).then(claim)

    def test_a_name_that_it_has_is_quiet(self) -> None:
        spec.given(ADA).when(linking("crm:1", "email:ada@example.org")).is_quiet()


class TestUnlinking:
    @pytest.mark.parametrize("reason", [None, "a typing error"])
    def test_a_name_is_taken_away(self, reason: str | None) -> None:
        claim = events.IdentifierUnlinked(
            contact=named("crm:1"),
            identifier=named("email:ada@example.org"),
            reason=UNSET if reason is None else reason,
        )
        spec.given(ADA).when(unlinking("crm:1", "email:ada@example.org", reason)).then(claim)


class TestMerging:
    def test_contacts_are_merged_as_they_were_named(self) -> None:
        members = [named("crm:2"), named(contact(1)), named("crm:9")]
        claim = events.ContactsMerged(merge=str(COMMAND), members=members, reason="met them both")
        spec.given(ADA, BOB, Heard("crm:9")).when(merging("crm:2", contact(1), "crm:9")).then(claim)

    def test_a_merge_adds_its_own_edge_also_to_contacts_that_are_one(self) -> None:
        claim = events.ContactsMerged(
            merge=str(COMMAND), members=[named("crm:2"), named("crm:1")], reason="met them both"
        )
        spec.given(ADA, BOB, merge("crm:1", "crm:2")).when(merging("crm:2", "crm:1")).then(claim)

    def test_who_disputes_a_name_with_a_third_can_be_merged(self) -> None:
        claim = events.ContactsMerged(
            merge=str(COMMAND), members=[named("crm:2"), named("crm:3")], reason="met them both"
        )
        spec.given(ADA, BOB, BOB_WANTS_ADAS_NAME, register("crm:3")).when(merging("crm:2", "crm:3")).then(claim)


class TestUnmerging:
    @pytest.mark.parametrize("reason", [None, "father and son"])
    def test_a_merge_is_undone_and_says_whom_it_was_about(self, reason: str | None) -> None:
        claim = events.ContactsUnmerged(
            merge=str(at(3)), members=[named(contact(1)), named("crm:9")], reason=UNSET if reason is None else reason
        )
        spec.given(ADA, BOB, merge("crm:1", "crm:9")).when(unmerging(3, reason)).then(claim)

    def test_one_that_was_undone_is_quiet(self) -> None:
        spec.given(ADA, BOB, merge("crm:1", "crm:2"), unmerge(3)).when(unmerging(3)).is_quiet()


class TestResolving:
    @pytest.mark.parametrize("holder", ["crm:1", "crm:2", contact(1), contact(2)])
    def test_either_side_can_be_given_the_name(self, holder: str) -> None:
        claim = events.ConflictResolved(conflict=str(at(3)), holder=named(holder), reason="asked them")
        spec.given(ADA, BOB, BOB_WANTS_ADAS_NAME).when(resolving(3, holder)).then(claim)

    def test_deciding_it_again_for_the_same_side_is_quiet(self) -> None:
        spec.given(ADA, BOB, BOB_WANTS_ADAS_NAME, resolve(3, "crm:1")).when(resolving(3, contact(1))).is_quiet()


A_WEAK_NAME_IS_A_CONTACT = merge("tel:+4930123", "crm:9")
BOB_WANTS_A_NAME_THAT_WAS_MERGED = (
    ADA,
    BOB,
    BOB_WANTS_ADAS_NAME,
    unlinked(contact(1), "crm:1"),
    merge("crm:1", contact(1)),
)
ANOTHER_TOOK_A_NAME_OF_THE_REFUSED = (ADA, register("crm:1", "crm:9"), register("crm:9"))

REFUSED: list[tuple[type[Refusal], tuple[Said | Heard, ...], Claiming, dict[str, object]]] = [
    (ContactUnknown, (), linking("crm:9", "crm:8"), {}),
    (MergeUnknown, (ADA,), unmerging(7), {}),
    (ConflictUnknown, (ADA,), resolving(7, "crm:1"), {}),
    (IdentifierNotLinked, (ADA, BOB), unlinking("crm:1", "crm:2"), {}),
    (IdentifierClaimed, ANOTHER_TOOK_A_NAME_OF_THE_REFUSED, resolving(2, contact(2)), {}),
    (NamesInConflict, (ADA, BOB, BOB_WANTS_ADAS_NAME), merging("crm:1", "crm:2"), {"conflict": str(at(3))}),
    (MergeWithItself, (ADA,), merging("crm:1", "email:ada@example.org"), {}),
    (NameShared, (register("crm:1", "tel:+4930123"), register("crm:2", "tel:+4930123")),
     linking("tel:+4930123", "crm:9"), {}),
    (NameIsAContact, (ADA, A_WEAK_NAME_IS_A_CONTACT), linking("crm:1", "tel:+4930123"), {}),
    (NameMerged, BOB_WANTS_A_NAME_THAT_WAS_MERGED, resolving(3, contact(2)), {}),
    (IdentifierIsAContact, (ADA, BOB), linking("crm:1", contact(2)), {}),
    (refusals.ConflictResolved, (ADA, BOB, BOB_WANTS_ADAS_NAME, resolve(3, "crm:1")), resolving(3, "crm:2"), {}),
    (HolderNotASide, (ADA, BOB, BOB_WANTS_ADAS_NAME, register("crm:3")), resolving(3, "crm:3"), {}),
]  # fmt: skip


class TestRefusals:
    @pytest.mark.parametrize(("kind", "told", "command", "more"), REFUSED, ids=[each[0].__name__ for each in REFUSED])
    def test_a_claim_that_would_come_to_nothing_is_refused(
        self, kind: type[Refusal], told: tuple[Said | Heard, ...], command: Claiming, more: dict[str, object]
    ) -> None:
        spec.given(*told).when(command).is_refused(kind, **more)

    @pytest.mark.parametrize("command", [unlinking("crm:9", "crm:8"), merging("crm:1", "crm:9")])
    def test_whom_nobody_has_heard_of_is_refused(self, command: Claiming) -> None:
        spec.given(ADA).when(command).is_refused(ContactUnknown)

    def test_a_contact_is_no_identifier_of_another_that_registers(self) -> None:
        spec.given(ADA).when(registering("crm:9", contact(1))).is_refused(IdentifierIsAContact)

    def test_every_refusal_stands_here(self) -> None:
        known = {each for each in vars(refusals).values() if isinstance(each, type) and issubclass(each, Refusal)}
        assert {each[0] for each in REFUSED} == known - {Refusal, Unheard}
