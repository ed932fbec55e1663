"""Names that several claim, and how a person decides whose they are."""

from libs.events.identity.judge import Verdict
from libs.events.identity.tests.said import Said, at, contact, link, merge, node, register, resolve, unlink, unmerge
from libs.events.identity.tests.spec import given

ADA, JOE, EVE = "crm:1", "crm:2", "crm:3"
MAIL, OTHER_MAIL = "email:ada@example.org", "email:office@example.org"
PHONE, DEVICE = "tel:+4930123", "device:d1"


def refused_link() -> list[Said]:
    """JOE wants MAIL, which is ADA's: the conflict of claim 3."""
    return [register(ADA, MAIL), register(JOE), link(JOE, MAIL)]


class TestResolution:
    def test_for_the_holder_leaves_all_as_it_is(self) -> None:
        case = given(*refused_link()).when(resolve(3, ADA)).effective(contact(1))
        case.together(ADA, MAIL).apart(ADA, JOE)
        assert case.ruling.conflict == at(3)
        conflict = case.graph.conflicts[at(3)]
        assert (conflict.holder, conflict.until) == (at(1), 4)

    def test_for_the_claimant_of_a_link_moves_the_name(self) -> None:
        case = given(*refused_link()).when(resolve(3, JOE)).effective(contact(2)).together(JOE, MAIL).apart(ADA, MAIL)
        assert case.graph.conflicts[at(3)].holder == at(2)

    def test_for_a_refused_registration_makes_it_effective_with_all_its_names(self) -> None:
        refused = given(register(ADA, MAIL), register(JOE, MAIL, PHONE))
        case = refused.when(resolve(2, contact(2))).effective(contact(2))
        case.together(contact(2), JOE, MAIL, PHONE).together(contact(1), ADA).apart(ADA, JOE)
        assert case.ruling.registration is not None
        assert case.ruling.registration.contact == str(at(2))

    def test_may_call_a_refused_registration_by_a_name_that_nobody_disputes(self) -> None:
        given(register(ADA, MAIL), register(JOE, MAIL)).when(resolve(2, JOE)).effective(contact(2)).together(JOE, MAIL)

    def test_takes_disputed_names_from_several_holders(self) -> None:
        refused = given(register(ADA, MAIL), register(JOE, OTHER_MAIL), register(EVE, MAIL, OTHER_MAIL))
        case = refused.when(resolve(3, EVE)).effective(contact(3)).together(EVE, MAIL, OTHER_MAIL)
        case.apart(ADA, JOE, EVE).known_as(ADA, contact(1)).known_as(JOE, contact(2))

    def test_for_a_third_party_is_refused(self) -> None:
        given(*refused_link(), register(EVE)).when(resolve(3, EVE)).invalid("holder_not_a_side")

    def test_twice_is_already_so_and_otherwise_refused(self) -> None:
        decided = given(*refused_link(), resolve(3, JOE))
        decided.when(resolve(3, contact(2))).then(Verdict.ALREADY_SO, conflict=at(3))
        decided.when(resolve(3, ADA)).invalid("conflict_resolved")

    def test_of_an_unknown_conflict_is_refused(self) -> None:
        given(register(ADA)).when(resolve(1, ADA)).invalid("conflict_unknown")

    def test_for_the_claimant_of_a_name_that_was_merged_asks_to_unmerge_first(self) -> None:
        case = given(register(ADA), merge(ADA, MAIL), register(JOE), link(JOE, MAIL))
        case.when(resolve(4, JOE)).invalid("name_merged").when(unmerge(2)).effective(contact(1))
        case.when(resolve(4, JOE)).effective(contact(3)).together(JOE, MAIL)

    def test_for_a_registration_whose_other_name_is_anothers_by_now_is_refused(self) -> None:
        case = given(register(ADA, MAIL), register(JOE, MAIL), register(JOE))
        case.when(resolve(2, contact(2))).invalid("identifier_claimed").together(ADA, MAIL)

    def test_for_a_claimant_that_was_linked_to_the_name_meanwhile_leaves_them_together(self) -> None:
        case = given(register(ADA), merge(ADA, MAIL), link(JOE, MAIL), unmerge(2), link(MAIL, JOE))
        case.when(resolve(3, JOE)).effective(MAIL).together(JOE, MAIL).apart(ADA, JOE)
        assert case.graph.contact(node(JOE)) == node(MAIL)

    def test_gives_the_name_to_the_claimant_though_the_holder_has_let_it_go(self) -> None:
        given(*refused_link(), unlink(ADA, MAIL)).when(resolve(3, JOE)).effective(contact(2)).together(JOE, MAIL)


class TestSharedNames:
    """Hard case 17: a family's telephone joins nobody; a shared mailbox is a conflict, not a merge."""

    def test_a_telephone_of_two_is_nobodys_and_one_of_one_person_is_theirs(self) -> None:
        case = given(register(ADA, PHONE)).known_as(PHONE, contact(1))
        case.when(register(JOE, PHONE)).apart(ADA, JOE, PHONE).known_as(PHONE, PHONE)
        case.when(merge(ADA, JOE)).together(ADA, JOE, PHONE)
        case.when(unmerge(3)).apart(ADA, JOE, PHONE)

    def test_a_device_that_many_claim_comes_back_to_the_last_who_does(self) -> None:
        case = given(*(register(each, DEVICE) for each in (ADA, JOE, EVE))).apart(ADA, JOE, EVE, DEVICE)
        case.given(unlink(ADA, DEVICE), unlink(EVE, DEVICE)).together(JOE, DEVICE)

    def test_a_shared_mailbox_is_a_conflict(self) -> None:
        given(register(ADA, OTHER_MAIL)).when(register(JOE, OTHER_MAIL)).conflict(2).apart(ADA, JOE)
