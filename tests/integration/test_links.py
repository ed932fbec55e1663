"""Names are linked to contacts and taken from them; weak names join only those who lie together."""

from collections.abc import Iterator

import pytest

from tests.integration.client import Api, created, ok, purchase, refused, someone
from tests.integration.conftest import System


@pytest.fixture(scope="module")
def api(system: System) -> Iterator[Api]:
    made = Api(system)
    yield made
    made.close()


def telephone() -> str:
    return f"tel:+4930{int(someone().rpartition('-')[2]):08}"


def test_a_name_is_linked_and_the_graph_says_why(api: Api) -> None:
    id_ = api.registered(crm := someone(), other := someone())
    with api.stores(1):
        response = api.link(crm, mail := f"email:{someone()[4:]}@x.org", evidence={"form": 7})
    contact = created(response)
    assert contact == api.contact(id_)
    assert contact["identifiers"] == sorted([crm, other, mail])
    assert (contact["id"], contact["members"], response.headers["etag"]) == (id_, [id_], api.etag(id_))
    graph = api.graph(mail)
    assert {name: graph[name] for name in ("contact", "members", "identifiers", "merges", "conflicts")} == {
        "contact": id_, "members": [id_], "identifiers": contact["identifiers"], "merges": [], "conflicts": [],
    }  # fmt: skip
    *_, linked = links = graph["links"]
    assert [link["identifier"] for link in links] == [*sorted([crm, other]), mail]
    assert linked == {
        "identifier": mail, "contact": id_, "unique": True, "claim": linked["claim"], "evidence": {"form": 7},
        "recorded_at": linked["recorded_at"],
    }  # fmt: skip
    assert (links[0]["claim"], links[0]["evidence"]) == (id_, None)
    assert ok(api.contacts.get(f"/v1/outcomes/contacts/{linked['claim']}"))["outcome"] == "applied"


def test_a_link_that_is_so_already(api: Api) -> None:
    api.registered(crm := someone(), other := someone())
    with api.stores(0):
        assert ok(api.link(crm, other)) == ok(api.link(other, crm)) == api.contact(crm)


def test_a_name_that_events_brought_brings_its_story(api: Api) -> None:
    api.registered(crm := someone())
    token = api.posted(purchase(other := someone(), "bought"))
    api.contact(other, min_position=token)
    assert created(api.link(crm, other))["first_seen"] is not None
    assert "bought" in api.ids(crm, min_position=api.posted(purchase(crm)))


def test_a_name_can_be_linked_to_one_that_nobody_registered(api: Api) -> None:
    token = api.posted(purchase(crm := someone()))
    node = api.contact(crm, min_position=token)["id"]
    contact = created(api.link(crm, other := someone(), evidence="said so"))
    assert (contact["id"], contact["registered"], contact["identifiers"]) == (node, False, sorted([crm, other]))
    assert api.contact(other) == contact
    id_ = api.registered(crm, other)
    assert api.contact(other)["id"] == id_


def test_the_same_key_is_the_same_link(api: Api) -> None:
    api.registered(crm := someone())
    name, headers = someone(), {"Idempotency-Key": someone()}
    with api.stores(1):
        first, second = (api.link(crm, name, headers=headers) for _ in range(2))
    assert created(second) == created(first)
    assert second.headers["rapport-position"] == first.headers["rapport-position"]
    refused(api.link(crm, name, headers=headers, evidence="x"), 422, "idempotency_key_reused")


def test_a_name_is_taken_away(api: Api) -> None:
    id_ = api.registered(crm := someone(), other := someone())
    before = api.etag(id_)
    with api.stores(1):
        response = api.unlink(crm, other, reason="typed wrongly")
    assert (response.status_code, response.content) == (204, b"")
    assert "rapport-position" in response.headers
    assert api.contact(id_)["identifiers"] == [crm]
    assert api.etag(id_) != before
    refused(api.unlink(crm, other), 404, "identifier_not_linked")
    alone = api.contact(other)
    assert (alone["registered"], alone["identifiers"], alone["members"]) == (False, [other], [alone["id"]])
    assert created(api.register(other))["identifiers"] == [other], "it is free again"


def test_the_same_key_is_the_same_unlink(api: Api) -> None:
    api.registered(crm := someone(), other := someone())
    url, headers = f"/v1/contacts/{crm}/identifiers/{other}", {"Idempotency-Key": someone()}
    with api.stores(1):
        assert [api.contacts.delete(url, headers=headers).status_code for _ in range(2)] == [204, 204]
    response = api.contacts.delete(url, headers=headers, params={"reason": "other"})
    refused(response, 422, "idempotency_key_reused")


def test_by_any_name_of_the_contact_also_itself(api: Api) -> None:
    id_ = api.registered(crm := someone(), other := someone())
    assert api.unlink(other, other).status_code == 204
    assert api.unlink(id_, crm).status_code == 204
    assert api.contact(id_)["identifiers"] == []
    assert api.contact(id_)["registered"]
    assert created(api.link(id_, crm))["identifiers"] == [crm]


class TestWeakNames:
    def test_one_contacts_telephone_is_a_name_of_it(self, api: Api) -> None:
        id_ = api.registered(someone(), tel := telephone())
        assert api.contact(tel)["id"] == id_
        assert [link["unique"] for link in api.graph(tel)["links"]] == [True, False]

    def test_a_shared_one_joins_nobody_until_those_who_share_it_are_one(self, api: Api) -> None:
        tel = telephone()
        ada, bob = (api.registered(crm, tel) for crm in (someone(), someone()))
        assert len({api.contact(ref)["id"] for ref in (ada, bob, tel)}) == 3
        merge = api.merged(ada, bob)
        assert api.contact(tel)["id"] == api.contact(bob)["id"] == ada
        api.unmerged(merge)
        assert len({api.contact(ref)["id"] for ref in (ada, bob, tel)}) == 3
        assert api.unlink(bob, tel).status_code == 204
        assert api.contact(tel)["id"] == ada

    def test_a_shared_one_names_nobody(self, api: Api) -> None:
        tel = telephone()
        ada, _ = (api.registered(crm, tel) for crm in (someone(), someone()))
        with api.stores(0):
            refused(api.merge(tel, ada), 409, "name_shared")
            refused(api.link(tel, someone()), 409, "name_shared")
            assert ok(api.link(ada, tel))["id"] == ada


class TestRefusals:
    def test_whoever_nobody_has_heard_of(self, api: Api) -> None:
        with api.stores(0):
            for ref in (someone(), "0198b1f2-5c1e-8c3a-9d6b-1f0a52c7e4d1"):
                refused(api.link(ref, someone()), 404, "contact_unknown")
                refused(api.unlink(ref, someone()), 404, "contact_unknown")

    def test_a_name_that_is_not_the_contacts(self, api: Api) -> None:
        api.registered(crm := someone())
        api.registered(other := someone())
        with api.stores(0):
            for name in (other, someone(), f"{crm}x"):
                refused(api.unlink(crm, name), 404, "identifier_not_linked")

    def test_a_contacts_id_is_no_name(self, api: Api) -> None:
        one, other = api.registered(someone()), api.registered(someone())
        with api.stores(0):
            refused(api.link(one, f"contact:{other}"), 409, "identifier_is_a_contact")
            refused(api.register(someone(), f"contact:{other}"), 409, "identifier_is_a_contact")
