"""What the judge rules, claim by claim (DESIGN.md section 7)."""

import pytest

from libs.events.identity.tests.said import (
    at,
    contact,
    link,
    merge,
    name,
    node,
    register,
    resolve,
    unlink,
    unmerge,
)
from libs.events.identity.tests.spec import given, when

ADA, JOE, EVE = "crm:1", "crm:2", "crm:3"
MAIL, OTHER_MAIL = "email:ada@example.org", "email:office@example.org"
PHONE, DEVICE = "tel:+4930123", "device:d1"


class TestRegistration:
    def test_joins_all_its_names_to_its_own_id(self) -> None:
        case = when(register(ADA, MAIL, PHONE)).effective(contact(1))
        case.together(contact(1), ADA, MAIL, PHONE)
        assert case.ruling.registration is not None
        assert case.ruling.about == (name(contact(1)), name(ADA), name(MAIL), name(PHONE))

    def test_of_names_that_all_lie_in_one_registered_contact_is_already_so(self) -> None:
        given(register(ADA, MAIL)).when(register(MAIL, ADA)).already_so(contact(1)).known_as(ADA, contact(1))

    def test_that_is_already_so_through_a_merge_names_the_canonical_contact(self) -> None:
        joined = given(register(ADA), register(JOE), merge(ADA, JOE))
        joined.when(register(ADA, JOE)).already_so(contact(1))

    def test_of_anothers_name_is_a_conflict_and_nothing_of_it_holds(self) -> None:
        case = given(register(ADA, MAIL)).when(register(JOE, MAIL, PHONE)).conflict(2)
        case.apart(contact(1), contact(2), JOE, PHONE).together(ADA, MAIL)
        [disputed] = case.graph.conflicts[at(2)].disputed
        assert (disputed.name, disputed.holder) == (name(MAIL), at(1))
        assert case.graph.conflicts[at(2)].kind == "registration"

    def test_of_names_of_two_contacts_is_a_conflict_about_both(self) -> None:
        case = given(register(ADA), register(JOE)).when(register(ADA, JOE, EVE)).conflict(3)
        assert {each.holder for each in case.graph.conflicts[at(3)].disputed} == {at(1), at(2)}

    def test_of_one_name_more_than_a_contact_has_is_a_conflict_too(self) -> None:
        given(register(ADA)).when(register(ADA, MAIL)).conflict(2)

    def test_joins_names_that_nobody_claimed_though_they_were_linked(self) -> None:
        """An unregistered name with links is registered together with what was linked to it."""
        case = given(link(ADA, MAIL), merge(ADA, JOE)).when(register(ADA)).effective(contact(3))
        case.together(contact(3), ADA, MAIL, JOE)

    def test_of_a_linked_name_together_with_its_unregistered_contact_takes_both(self) -> None:
        given(link(ADA, MAIL)).when(register(ADA, MAIL)).effective(contact(2)).together(contact(2), ADA, MAIL)

    def test_of_a_linked_name_without_its_unregistered_contact_is_a_conflict(self) -> None:
        case = given(link(ADA, MAIL)).when(register(MAIL)).conflict(2)
        assert case.graph.conflicts[at(2)].disputed[0].holder == node(ADA)

    def test_of_weak_names_of_others_is_effective(self) -> None:
        given(register(ADA, PHONE)).when(register(JOE, PHONE)).effective(contact(2)).apart(ADA, JOE, PHONE)

    def test_of_a_weak_name_alone_that_lies_in_a_registered_contact_is_already_so(self) -> None:
        given(register(ADA, PHONE)).when(register(PHONE)).already_so(contact(1))

    def test_of_a_weak_name_that_is_a_contact_itself_is_refused(self) -> None:
        given(link(PHONE, MAIL)).when(register(ADA, PHONE)).invalid("name_is_a_contact")

    def test_names_itself_and_no_other_contact(self) -> None:
        when(register(ADA, contact=str(at(9)))).invalid("contact_is_not_the_claim")
        given(register(ADA)).when(register(MAIL, contact(1))).invalid("identifier_is_a_contact")

    def test_that_says_a_name_twice_has_it_once(self) -> None:
        case = when(register(ADA, ADA, PHONE, PHONE)).effective(contact(1))
        assert [len(owners) for owners in case.graph.links.values()] == [1, 1]


class TestLink:
    @pytest.mark.parametrize("ref", [ADA, contact(1)])
    def test_joins_a_name_to_the_contact_that_is_meant(self, ref: str) -> None:
        case = given(register(ADA)).when(link(ref, MAIL)).effective(contact(1)).together(ADA, MAIL)
        assert list(case.graph.links[node(MAIL)]) == [at(1)]

    def test_joins_the_contact_as_it_was_before_merges(self) -> None:
        """So that unmerging gives everyone back what was linked to them."""
        case = given(register(ADA), register(JOE), merge(ADA, JOE), link(JOE, MAIL))
        case.together(ADA, MAIL).when(unmerge(3)).effective(contact(1)).together(JOE, MAIL).apart(ADA, JOE)

    def test_of_a_name_that_the_contact_has_is_already_so(self) -> None:
        linked = given(register(ADA), link(ADA, MAIL))
        linked.when(link(contact(1), MAIL)).already_so(contact(1)).when(link(MAIL, ADA)).already_so(contact(1))

    def test_of_a_name_within_a_merged_person_is_already_so(self) -> None:
        given(register(ADA), register(JOE, MAIL), merge(ADA, JOE)).when(link(ADA, MAIL)).already_so(contact(1))

    def test_of_anothers_name_is_a_conflict(self) -> None:
        case = given(register(ADA, MAIL), register(JOE)).when(link(JOE, MAIL)).conflict(3).apart(ADA, JOE)
        conflict = case.graph.conflicts[at(3)]
        assert (conflict.kind, conflict.claimant, conflict.disputed[0].holder) == ("link", at(2), at(1))

    def test_of_a_name_that_was_merged_into_a_registered_contact_is_a_conflict(self) -> None:
        given(register(ADA), merge(ADA, MAIL), register(JOE)).when(link(JOE, MAIL)).conflict(4)

    def test_joins_names_that_nobody_registered(self) -> None:
        given(link(ADA, MAIL)).when(link(JOE, ADA)).effective(ADA).together(JOE, ADA, MAIL)

    def test_of_a_weak_name_adds_a_claim_to_it(self) -> None:
        given(register(ADA), register(JOE), link(ADA, PHONE)).when(link(JOE, PHONE)).effective(contact(2))

    def test_of_a_weak_name_that_the_contact_claims_with_others_is_already_so(self) -> None:
        shared = given(register(ADA, PHONE), register(JOE, PHONE))
        shared.when(link(ADA, PHONE)).already_so(contact(1))

    def test_to_a_name_that_several_share_is_refused(self) -> None:
        given(register(ADA, PHONE), register(JOE, PHONE)).when(link(PHONE, MAIL)).invalid("name_shared")

    def test_to_a_weak_name_of_one_contact_means_that_contact(self) -> None:
        given(register(ADA, PHONE)).when(link(PHONE, MAIL)).effective(contact(1)).together(ADA, MAIL)

    def test_of_a_weak_name_that_is_a_contact_itself_is_refused(self) -> None:
        given(link(PHONE, MAIL), register(ADA)).when(link(ADA, PHONE)).invalid("name_is_a_contact")

    def test_of_a_contact_is_refused_since_contacts_are_merged(self) -> None:
        given(register(ADA), register(JOE)).when(link(ADA, contact(2))).invalid("identifier_is_a_contact")


class TestUnlink:
    def test_takes_a_name_from_its_contact(self) -> None:
        given(register(ADA, MAIL)).when(unlink(ADA, MAIL)).effective(contact(1)).apart(ADA, MAIL)

    def test_leaves_the_name_to_whoever_claims_it_next(self) -> None:
        given(register(ADA, MAIL), register(JOE), unlink(ADA, MAIL)).when(link(JOE, MAIL)).effective(contact(2))

    def test_does_not_give_it_to_whoever_lost_a_claim_before(self) -> None:
        lost = given(register(ADA, MAIL), register(JOE), link(JOE, MAIL))
        lost.when(unlink(ADA, MAIL)).effective(contact(1)).apart(ADA, JOE, MAIL)

    def test_by_any_name_of_a_merged_person_takes_the_link_of_the_member(self) -> None:
        given(register(ADA), register(JOE, MAIL), merge(ADA, JOE)).when(unlink(ADA, MAIL)).effective(contact(1)).apart(
            ADA, MAIL
        )

    @pytest.mark.parametrize("identifier", [EVE, ADA, contact(1)])
    def test_of_what_is_not_linked_is_refused(self, identifier: str) -> None:
        given(register(ADA), register(JOE)).when(unlink(JOE, identifier)).invalid("identifier_not_linked")

    def test_takes_one_claim_of_a_shared_weak_name(self) -> None:
        shared = given(register(ADA, PHONE), register(JOE, PHONE))
        shared.when(unlink(JOE, PHONE)).effective(contact(2)).together(ADA, PHONE).apart(ADA, JOE)

    def test_under_the_name_itself_works_for_one_that_lies_in_the_contact(self) -> None:
        given(register(ADA, MAIL)).when(unlink(MAIL, MAIL)).effective(MAIL).apart(ADA, MAIL)


class TestMerge:
    def test_makes_one_of_two(self) -> None:
        given(register(ADA), register(JOE)).when(merge(JOE, ADA)).effective(contact(1)).together(ADA, JOE)

    def test_makes_one_of_many(self) -> None:
        given(register(ADA), register(JOE)).when(merge(EVE, ADA, JOE)).effective(contact(1)).together(ADA, JOE, EVE)

    @pytest.mark.parametrize("members", [(ADA, ADA), (ADA, contact(1)), (ADA, MAIL, PHONE)])
    def test_of_a_contact_with_itself_is_refused(self, members: tuple[str, ...]) -> None:
        given(register(ADA, MAIL, PHONE)).when(merge(*members)).invalid("merge_with_itself")

    def test_in_a_cycle_adds_its_own_edge_each_time(self) -> None:
        case = given(register(ADA), register(JOE), register(EVE), merge(ADA, JOE), merge(JOE, EVE))
        case.when(merge(EVE, ADA)).effective(contact(1)).when(merge(JOE, ADA)).effective(contact(1))
        case.when(unmerge(4)).together(ADA, JOE, EVE).when(unmerge(7)).together(ADA, JOE, EVE)
        case.when(unmerge(6)).together(JOE, EVE).apart(ADA, JOE).when(unmerge(5)).apart(ADA, JOE, EVE)

    def test_of_contacts_between_whom_a_conflict_is_open_is_refused(self) -> None:
        given(register(ADA, MAIL), register(JOE), link(JOE, MAIL)).when(merge(ADA, JOE)).conflict(
            3, "names_in_conflict"
        ).apart(ADA, JOE)

    def test_is_refused_too_where_the_conflict_is_between_others_of_their_persons(self) -> None:
        case = given(register(ADA, MAIL), register(JOE), link(JOE, MAIL), register(EVE), merge(EVE, JOE))
        case.when(merge(EVE, ADA)).conflict(3, "names_in_conflict")

    def test_is_effective_once_the_conflict_is_resolved(self) -> None:
        decided = given(register(ADA, MAIL), register(JOE), link(JOE, MAIL), resolve(3, ADA))
        decided.when(merge(ADA, JOE)).effective(contact(1))

    def test_of_a_name_that_several_share_is_refused(self) -> None:
        shared = given(register(ADA, PHONE), register(JOE, PHONE), register(EVE))
        shared.when(merge(EVE, PHONE)).invalid("name_shared")

    def test_names_itself(self) -> None:
        when(merge(ADA, JOE, merge=str(at(9)))).invalid("merge_is_not_the_claim")


class TestUnmerge:
    def test_takes_back_the_edge_of_its_merge_alone(self) -> None:
        case = given(register(ADA), register(JOE), merge(ADA, JOE), link(ADA, MAIL), link(JOE, OTHER_MAIL))
        case.when(unmerge(3)).effective(contact(1)).together(ADA, MAIL).together(JOE, OTHER_MAIL).apart(ADA, JOE)

    def test_of_an_unknown_merge_is_refused(self) -> None:
        given(register(ADA)).when(unmerge(1)).invalid("merge_unknown")

    def test_again_is_already_so(self) -> None:
        given(register(ADA), merge(ADA, JOE), unmerge(2)).when(unmerge(2)).already_so(contact(1))

    def test_leaves_names_that_nobody_claimed_alone(self) -> None:
        case = given(merge(ADA, JOE)).when(unmerge(1)).effective(ADA).apart(ADA, JOE)
        assert case.graph.members == {}


class TestCanonicalIds:
    def test_the_earliest_registered_contact_stands_for_the_person(self) -> None:
        case = given(link(MAIL, OTHER_MAIL), register(ADA), register(JOE)).when(merge(JOE, ADA, MAIL))
        case.effective(contact(2)).known_as(OTHER_MAIL, contact(2))

    def test_without_one_it_is_the_node_named_first(self) -> None:
        case = given(link(JOE, MAIL)).known_as(MAIL, JOE)
        case.when(merge(ADA, JOE)).effective(JOE).when(link(EVE, ADA)).effective(JOE)

    def test_after_an_unmerge_each_side_has_its_own_again(self) -> None:
        case = given(register(ADA), register(JOE), merge(JOE, ADA), unmerge(3))
        case.known_as(ADA, contact(1)).known_as(JOE, contact(2))

    def test_a_name_that_nobody_claims_is_its_own(self) -> None:
        given(register(ADA)).known_as(EVE, EVE)

    def test_later_registration_of_a_name_gives_its_person_the_registered_id(self) -> None:
        given(merge(ADA, JOE)).known_as(JOE, ADA).when(register(JOE)).effective(contact(2)).known_as(ADA, contact(2))


def test_a_claim_that_is_not_effective_is_about_the_names_that_are_known() -> None:
    case = given(register(ADA)).when(link(EVE, ADA)).conflict(2)
    assert case.ruling.about == (name(ADA),)
