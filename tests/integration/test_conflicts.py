"""Two contacts claim one name: it is recorded with both sides' evidence, listed, and decided by a person."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest

from tests.integration.client import Api, created, ok, refused, someone
from tests.integration.conftest import System, on_each_log


@pytest.fixture(scope="module")
def api(system: System) -> Iterator[Api]:
    made = Api(system)
    yield made
    made.close()


class Dispute(NamedTuple):
    """`ada` has `name`, which `bob`, registered as `crm`, wants by a link."""

    ada: str
    bob: str
    crm: str
    name: str
    conflict: str


@pytest.fixture
def dispute(api: Api) -> Dispute:
    ada = api.registered(someone())
    created(api.link(ada, name := someone(), evidence="her form"))
    bob = api.registered(crm := someone())
    with api.stores(1):
        problem = refused(api.link(bob, name, evidence={"form": 7}), 409, "identifier_claimed")
    return Dispute(ada, bob, crm, name, problem["conflict"])


def conflict(api: Api, id_: str) -> Any:
    return ok(api.contacts.get(f"/v1/conflicts/{id_}"))


@on_each_log
def test_a_link_of_anothers_name_is_listed_with_both_sides(api: Api, dispute: Dispute) -> None:
    found = conflict(api, dispute.conflict)
    held = api.graph(dispute.ada)["links"][1]
    assert found == {
        "id": dispute.conflict,
        "status": "open",
        "kind": "link",
        "claimant": dispute.bob,
        "identifiers": [
            {
                "identifier": dispute.name,
                "holder": dispute.ada,
                "holder_evidence": "her form",
                "holder_since": held["recorded_at"],
            }
        ],
        "evidence": {"form": 7},
        "recorded_at": found["recorded_at"],
        "resolution": None,
    }
    for ref in (dispute.ada, dispute.bob, dispute.name, dispute.crm):
        assert api.graph(ref)["conflicts"] == [found]
    assert api.contact(dispute.name)["id"] == dispute.ada
    outcome = ok(api.contacts.get(f"/v1/outcomes/contacts/{dispute.conflict}"))
    assert (outcome["outcome"], outcome["reason"]) == ("conflict", "identifier_claimed")
    assert outcome["conflict"] == dispute.conflict


@on_each_log
def test_a_registration_with_anothers_name_takes_no_effect_at_all(api: Api) -> None:
    ada = api.registered(name := someone(), mail := f"email:{someone()[4:]}@x.org")
    problem = refused(api.register(crm := someone(), name, mail), 409, "identifier_claimed")
    found = conflict(api, problem["conflict"])
    assert (found["kind"], found["claimant"], found["evidence"]) == ("registration", problem["conflict"], None)
    assert [(each["identifier"], each["holder"]) for each in found["identifiers"]] == [(name, ada), (mail, ada)]
    refused(api.contacts.get(f"/v1/contacts/{crm}"), 404, "contact_unknown")
    refused(api.contacts.get(f"/v1/contacts/{problem['conflict']}"), 404, "contact_unknown")


@on_each_log
def test_the_same_key_is_the_same_conflict(api: Api, dispute: Dispute) -> None:
    headers = {"Idempotency-Key": someone()}
    with api.stores(1):
        problems = [
            refused(api.link(dispute.crm, dispute.name, headers=headers), 409, "identifier_claimed") for _ in range(2)
        ]
    assert problems[0] == problems[1]
    with api.stores(1):
        problems = [
            refused(api.register(someone_new, dispute.name, headers=headers), 409, "identifier_claimed")
            for someone_new in [someone()] * 2
        ]
    assert problems[0] == problems[1]


@on_each_log
def test_who_has_it_keeps_it(api: Api, dispute: Dispute) -> None:
    with api.stores(1):
        found = ok(api.resolve(dispute.conflict, dispute.ada, "her passport"))
    assert found["status"] == "resolved"
    assert found["resolution"] == {
        "holder": dispute.ada, "reason": "her passport", "recorded_at": found["resolution"]["recorded_at"],
    }  # fmt: skip
    assert conflict(api, dispute.conflict) == found
    assert api.contact(dispute.name)["id"] == dispute.ada
    assert api.graph(dispute.bob)["conflicts"] == []
    with api.stores(0):
        assert ok(api.resolve(dispute.conflict, dispute.ada)) == found, "it is so already"
        refused(api.resolve(dispute.conflict, dispute.bob), 409, "conflict_resolved")


@pytest.mark.parametrize("side", ["bob", "crm"])
def test_who_wants_it_gets_it(api: Api, dispute: Dispute, side: str) -> None:
    before = api.etag(dispute.ada), api.etag(dispute.bob)
    found = ok(api.resolve(dispute.conflict, getattr(dispute, side)))
    assert found["resolution"]["holder"] == dispute.bob
    assert api.contact(dispute.name)["id"] == dispute.bob
    assert dispute.name not in api.contact(dispute.ada)["identifiers"]
    assert before[0] != api.etag(dispute.ada)
    assert before[1] != api.etag(dispute.bob)


@pytest.mark.parametrize("by_name", [True, False])
def test_a_registration_that_wins_is_registered(api: Api, by_name: bool) -> None:
    ada = api.registered(a := someone(), name := someone())
    problem = refused(api.register(crm := someone(), name, traits={"name": "Bob"}), 409, "identifier_claimed")
    id_ = problem["conflict"]
    ok(api.resolve(id_, crm if by_name else id_))
    assert api.contact(crm) | {"first_seen": None} == {
        "id": id_, "registered": True, "kind": "person", "identifiers": sorted([crm, name]), "members": [id_],
        "traits": {"name": "Bob"}, "first_seen": None, "last_seen": None,
    }  # fmt: skip
    assert api.contact(ada)["identifiers"] == [a]


def test_the_same_key_is_the_same_resolution(api: Api, dispute: Dispute) -> None:
    url, headers = f"/v1/conflicts/{dispute.conflict}/resolution", {"Idempotency-Key": someone()}
    body = {"holder": dispute.bob, "reason": "asked"}
    with api.stores(1):
        answers = [api.contacts.post(url, json=body, headers=headers) for _ in range(2)]
    assert ok(answers[0]) == ok(answers[1])
    assert answers[0].headers["rapport-position"] == answers[1].headers["rapport-position"]
    refused(
        api.contacts.post(url, json=body | {"reason": "x"}, headers=headers), 422, "idempotency_key_reused"
    )  # fmt: skip


def test_a_name_that_was_released_stays_with_nobody_until_decided(api: Api, dispute: Dispute) -> None:
    assert api.unlink(dispute.ada, dispute.name).status_code == 204
    assert api.contact(dispute.bob)["identifiers"] == [dispute.crm]
    assert conflict(api, dispute.conflict)["status"] == "open"
    ok(api.resolve(dispute.conflict, dispute.bob))
    assert api.contact(dispute.name)["id"] == dispute.bob


def test_those_in_conflict_are_not_merged_until_it_is_decided(api: Api, dispute: Dispute) -> None:
    with api.stores(0):
        problem = refused(api.merge(dispute.ada, dispute.bob), 409, "names_in_conflict")
    assert problem["conflict"] == dispute.conflict
    ok(api.resolve(dispute.conflict, dispute.ada))
    api.merged(dispute.ada, dispute.bob)
    assert api.contact(dispute.crm)["id"] == dispute.ada


@on_each_log
def test_of_fifty_registrations_with_one_name_one_wins_and_the_others_are_listed(api: Api) -> None:
    name = f"email:{someone()[4:]}@x.org"
    with ThreadPoolExecutor(25) as pool:
        answers = list(pool.map(lambda _: api.register(someone(), name), range(50)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 49
    (winner,) = (answer.json()["id"] for answer in answers if answer.status_code == 201)
    lost = [refused(answer, 409, "identifier_claimed")["conflict"] for answer in answers if answer.status_code == 409]
    assert len(set(lost)) == 49
    assert {each["identifiers"][0]["holder"] for each in (conflict(api, id_) for id_ in lost)} == {winner}
    assert sorted(each["id"] for each in api.graph(name)["conflicts"]) == sorted(lost)


class TestLists:
    def walk(self, api: Api, **params: Any) -> list[str]:
        found = []
        response = api.contacts.get("/v1/conflicts", params=params)
        while True:
            page = ok(response)
            found += [each["id"] for each in page["items"]]
            assert all(each == conflict(api, each["id"]) for each in page["items"][:2])
            if page["next_cursor"] is None:
                return found
            response = api.contacts.get(response.links["next"]["url"])

    def test_newest_first_page_by_page(self, api: Api) -> None:
        api.registered(name := someone())
        made = [refused(api.register(someone(), name), 409, "identifier_claimed")["conflict"] for _ in range(7)]
        ok(api.resolve(made[2], name))
        everything = self.walk(api, limit=500)
        assert everything[:7] == made[::-1]
        assert len(set(everything)) == len(everything)
        for limit in (3, 7, 50):
            assert self.walk(api, limit=limit) == everything
            assert self.walk(api, limit=limit, status="open")[:6] == [id_ for id_ in made[::-1] if id_ != made[2]]
        assert self.walk(api, status="resolved", limit=4)[0] == made[2]
        both = self.walk(api, status="resolved") + self.walk(api, status="open")
        assert sorted(both) == sorted(everything)

    @pytest.mark.parametrize(
        ("query", "code"),
        [
            ("status=lost", "bad_parameter"),
            ("limit=0", "bad_parameter"),
            ("limit=501", "bad_parameter"),
            ("colour=red", "bad_parameter"),
            ("cursor=x", "bad_cursor"),
            ("cursor=_____w", "bad_cursor"),
        ],
    )
    def test_a_bad_parameter_is_refused(self, api: Api, query: str, code: str) -> None:
        refused(api.contacts.get(f"/v1/conflicts?{query}"), 400, code)


class TestRefusals:
    def test_a_holder_that_is_no_side(self, api: Api, dispute: Dispute) -> None:
        other = api.registered(someone())
        with api.stores(0):
            for holder in (other, someone(), "0198b1f2-5c1e-8c3a-9d6b-1f0a52c7e4d1"):
                refused(api.resolve(dispute.conflict, holder), 409, "holder_not_a_side")

    def test_a_conflict_that_there_is_not(self, api: Api) -> None:
        ada = api.registered(someone())
        id_ = "0198b1f2-5c1e-8c3a-9d6b-1f0a52c7e4d1"
        with api.stores(0):
            refused(api.resolve(id_, ada), 404, "conflict_unknown")
            refused(api.contacts.get(f"/v1/conflicts/{id_}"), 404, "conflict_unknown")
            refused(api.contacts.get("/v1/conflicts/1"), 400, "bad_parameter")
            refused(api.resolve("1", ada), 400, "bad_parameter")
