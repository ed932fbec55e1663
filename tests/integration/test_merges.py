"""Contacts are merged and parted again: each then has its own, whatever came meanwhile."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.client import Api, created, foreign, ok, refused, someone
from tests.integration.conftest import System, on_each_log


@pytest.fixture(scope="module")
def api(system: System) -> Iterator[Api]:
    made = Api(system)
    yield made
    made.close()


@on_each_log
def test_two_become_one_under_the_earlier_id(api: Api) -> None:
    ada, bob = api.registered(a := someone()), api.registered(b := someone(), kind="organisation")
    response = api.merge(b, a, reason="same address")
    merge = created(response)
    assert merge == {
        "id": merge["id"], "contact": ada, "members": [bob, ada], "reason": "same address",
        "recorded_at": merge["recorded_at"], "active": True,
    }  # fmt: skip
    assert response.headers["location"] == f"/v1/merges/{merge['id']}"
    assert ok(api.contacts.get(response.headers["location"])) == merge
    one = api.contact(bob)
    assert (one["id"], one["kind"], one["identifiers"], one["members"]) == (
        ada,
        "person",
        sorted([a, b]),
        sorted([ada, bob]),
    )
    for ref in (a, b, ada, bob):
        assert api.contact(ref) == one
        assert api.graph(ref)["merges"] == [merge]
    assert ok(api.contacts.get(f"/v1/outcomes/contacts/{merge['id']}"))["contact"] == ada


@on_each_log
def test_parting_gives_each_its_own(api: Api) -> None:
    ada, bob = (api.registered(crm, traits={"name": crm, "n": n}) for n, crm in enumerate((someone(), someone())))
    before = api.contact(ada), api.contact(bob)
    merge = api.merged(ada, bob)
    response = api.unmerge(merge, reason="twins")
    assert (response.status_code, response.content) == (204, b"")
    assert (api.contact(ada), api.contact(bob)) == before
    assert ok(api.contacts.get(f"/v1/merges/{merge}"))["active"] is False
    assert api.graph(ada)["merges"] == []
    with api.stores(0):
        assert api.unmerge(merge).status_code == 204, "it is so already"


@on_each_log
def test_the_same_keys_are_the_same_merge_and_unmerge(api: Api) -> None:
    ada, bob = api.registered(someone()), api.registered(someone())
    headers = {"Idempotency-Key": someone()}
    with api.stores(1):
        first, second = (api.merge(ada, bob, headers=headers) for _ in range(2))
    assert created(second) == created(first)
    assert second.headers["rapport-position"] == first.headers["rapport-position"]
    refused(api.merge(bob, ada, headers=headers), 422, "idempotency_key_reused")
    url = f"/v1/merges/{first.json()['id']}"
    with api.stores(1):
        assert [api.contacts.delete(url, headers=headers).status_code for _ in range(2)] == [204, 204]
    refused(api.contacts.delete(url, headers=headers, params={"reason": "x"}), 422, "idempotency_key_reused")


@on_each_log
def test_every_merge_is_an_edge_of_its_own(api: Api) -> None:
    ada, bob = api.registered(someone()), api.registered(someone())
    first, second = api.merged(ada, bob), api.merged(ada, bob)
    assert [merge["id"] for merge in api.graph(ada)["merges"]] == [first, second]
    api.unmerged(first)
    assert api.contact(bob)["id"] == ada
    api.unmerged(second)
    assert api.contact(bob)["id"] == bob


@on_each_log
def test_many_at_once_and_names_that_nobody_registered(api: Api) -> None:
    names = [someone() for _ in range(5)]
    token = api.posted(*(foreign(name, name) for name in names))
    nodes = [api.contact(name, min_position=token)["id"] for name in names]
    merge = created(answer := api.merge(*names))
    one = api.contact(names[4])
    assert (one["id"], one["registered"], one["identifiers"]) == (nodes[0], False, sorted(names))
    assert sorted(one["members"]) == sorted(nodes) == sorted(merge["members"])
    merged = answer.headers["rapport-position"]
    assert sorted(api.ids(names[2], service="interactions", min_position=merged)) == sorted(names)
    api.unmerged(merge["id"])
    assert [api.contact(name)["id"] for name in names] == nodes


@on_each_log
def test_an_etag_changes_with_every_member_and_edge(api: Api) -> None:
    ada, bob = api.registered(a := someone()), api.registered(b := someone())
    tags = [api.etag(ada)]
    merge = api.merged(ada, bob)
    tags.append(api.etag(b))
    assert api.etag(a) == tags[-1]
    ok(api.change(b, tags[-1], n=1))
    tags.append(api.etag(ada))
    api.link(bob, someone())
    tags.append(api.etag(ada))
    api.unmerged(merge)
    tags.append(api.etag(ada))
    assert len(set(tags)) == len(tags)
    refused(api.change(ada, tags[0], n=2), 412, "precondition_failed")


class TestTraits:
    def test_per_field_the_most_trusted_then_the_latest_is_shown(self, api: Api) -> None:
        ada = api.registered(a := someone(), traits={"name": "Ada", "country": "GB", "n": 1})
        bob = api.registered(b := someone(), traits={"name": "Bob", "city": "Oslo", "n": None})
        ok(api.change(a, name="Ada L."))
        merge = api.merged(ada, bob)
        assert api.contact(b)["traits"] == {"city": "Oslo", "country": "GB", "n": 1, "name": "Ada L."}
        api.unmerged(merge)
        assert api.contact(a)["traits"] == {"country": "GB", "n": 1, "name": "Ada L."}
        assert api.contact(b)["traits"] == {"city": "Oslo", "name": "Bob"}

    def test_a_change_stays_with_the_name_that_it_was_said_of(self, api: Api) -> None:
        ada = api.registered(a := someone(), traits={"name": "Ada", "size": 1})
        bob = api.registered(b := someone(), traits={"name": "Bob"})
        merge = api.merged(ada, bob)
        assert ok(api.change(b, name="Bobby", size=2))["traits"] == {"name": "Bobby", "size": 2}
        assert ok(api.change(ada, city="Rome"))["traits"] == {"city": "Rome", "name": "Bobby", "size": 2}
        assert ok(api.change(b, city=None))["traits"] == {"name": "Bobby", "size": 2}
        api.unmerged(merge)
        assert api.contact(a)["traits"] == {"city": "Rome", "name": "Ada", "size": 1}
        assert api.contact(b)["traits"] == {"name": "Bobby", "size": 2}

    def test_changes_go_on_after_merges_and_partings(self, api: Api) -> None:
        ada, bob = api.registered(a := someone()), api.registered(b := someone())
        expected: dict[str, int] = {}
        for n in range(3):
            merge = api.merged(ada, bob)
            for ref in (a, b):
                change: dict[str, Any] = {f"{ref[-1]}{n}": n}
                expected |= change
                assert ok(api.change(ref, api.etag(ref), **change))["id"] == ada
            api.unmerged(merge)
            assert ok(api.change(b, api.etag(bob), own=n))["id"] == bob
        api.merged(ada, bob)
        assert api.contact(a)["traits"] == {**expected, "own": 2}


class TestRefusals:
    def test_with_itself(self, api: Api) -> None:
        id_ = api.registered(crm := someone(), other := someone())
        with api.stores(0):
            for members in ((crm, crm), (crm, other), (id_, other), (id_, f"contact:{id_}")):
                refused(api.merge(*members), 409, "merge_with_itself")

    def test_whoever_nobody_has_heard_of(self, api: Api) -> None:
        id_ = api.registered(someone())
        with api.stores(0):
            for ref in (someone(), "0198b1f2-5c1e-8c3a-9d6b-1f0a52c7e4d1"):
                problem = refused(api.merge(id_, ref), 404, "contact_unknown")
                assert problem.get("ref") in (None, ref)

    def test_of_contacts_that_dispute_a_name(self, api: Api) -> None:
        ada = api.registered(a := someone(), name := someone())
        problem = refused(api.register(b := someone(), name), 409, "identifier_claimed")
        bob = api.registered(b)
        refused(api.link(bob, name), 409, "identifier_claimed")
        with api.stores(0):
            again = refused(api.merge(a, b), 409, "names_in_conflict")
        assert again["conflict"] != problem["conflict"], "the conflict of the link, which these two have"
        assert created(api.merge(ada, someone_known(api)))["active"]

    @pytest.mark.parametrize("method", ["GET", "DELETE"])
    def test_a_merge_that_there_is_not(self, api: Api, method: str) -> None:
        with api.stores(0):
            url = "/v1/merges/0198b1f2-5c1e-8c3a-9d6b-1f0a52c7e4d1"
            refused(api.contacts.request(method, url), 404, "merge_unknown")
            refused(api.contacts.request(method, "/v1/merges/1"), 400, "bad_parameter")


def someone_known(api: Api) -> str:
    api.registered(crm := someone())
    return crm
