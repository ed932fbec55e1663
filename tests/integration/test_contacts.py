"""Contacts are registered, read under all of their names, and corrected."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from tests.integration.client import Api, created, foreign, log_of, ok, purchase, refused, someone
from tests.integration.conftest import System, on_each_log


@pytest.fixture(scope="module")
def api(system: System) -> Iterator[Api]:
    made = Api(system)
    yield made
    made.close()


def email() -> str:
    return f"email:{someone()[4:]}@x.org"


class TestRegistering:
    @on_each_log
    def test_it_is_there_when_it_is_answered(self, api: Api) -> None:
        crm, mail = someone(), email()
        response = api.register(crm, mail.upper().replace("EMAIL", "email"), traits={"name": "Ada", "country": "GB"})
        contact = created(response)
        assert contact == {
            "id": contact["id"],
            "registered": True,
            "kind": "person",
            "identifiers": [crm, mail],
            "members": [contact["id"]],
            "traits": {"country": "GB", "name": "Ada"},
            "first_seen": None,
            "last_seen": None,
        }
        assert response.headers["location"] == f"/v1/contacts/{contact['id']}"
        assert log_of(response.headers["rapport-position"]) == log_of(
            api.interactions.get("/v1/x").headers["rapport-position"]
        )
        read = api.contacts.get(response.headers["location"])
        assert (ok(read), read.headers["etag"]) == (contact, response.headers["etag"])

    def test_every_name_leads_to_it(self, api: Api) -> None:
        contact = created(api.register(crm := someone(), mail := email()))
        id_ = contact["id"]
        for ref in (crm, mail, id_, id_.upper(), f"contact:{id_}", mail.replace("email:", "email: ")):
            assert api.contact(ref) == contact
            assert ok(api.contacts.post("/v1/lookup", json={"identifier": crm})) == {"id": id_}
        node = api.page(crm, min_position=api.posted(purchase(crm)))["items"][0]["contact"]
        assert api.contact(node)["id"] == id_

    def test_an_organisation_without_traits(self, api: Api) -> None:
        contact = created(api.register(someone(), kind="organisation"))
        assert (contact["kind"], contact["traits"]) == ("organisation", {})

    def test_the_same_names_again_are_the_same_contact(self, api: Api) -> None:
        contact = created(api.register(crm := someone(), mail := email()))
        with api.stores(0):
            for names in ([crm, mail], [mail, crm], [mail], [crm, crm]):
                again = api.register(*names)
                assert ok(again) == contact
                assert "location" not in again.headers

    def test_a_name_that_events_brought_is_no_conflict(self, api: Api) -> None:
        crm = someone()
        token = api.posted(
            foreign(crm, time="2026-03-02T12:00:00Z"),
            foreign(crm, time="2026-03-01T12:00:00Z"),
            foreign(crm, time="2026-03-03T12:00:00+01:00"),
        )
        before = api.contact(crm, min_position=token)
        assert (before["registered"], before["kind"], before["members"]) == (False, None, [before["id"]])
        contact = created(api.register(crm, email()))
        assert contact["id"] != before["id"]
        assert (contact["first_seen"], contact["last_seen"]) == ("2026-03-01T12:00:00Z", "2026-03-03T11:00:00Z")
        assert api.contact(before["id"])["id"] == contact["id"]
        assert len(api.page(crm)["items"]) == 4

    def test_the_same_key_is_the_same_registration(self, api: Api) -> None:
        crm, headers = someone(), {"Idempotency-Key": someone()}
        with api.stores(1):
            first, second = (api.register(crm, headers=headers, traits={"a": 1}) for _ in range(2))
        assert created(second) == created(first)
        for name in ("etag", "location", "rapport-position"):
            assert second.headers[name] == first.headers[name]
        refused(api.register(crm, headers=headers), 422, "idempotency_key_reused")
        refused(api.register(someone(), headers=headers), 422, "idempotency_key_reused")

    @on_each_log
    def test_thirty_with_one_key_are_one(self, api: Api) -> None:
        crm, headers = someone(), {"Idempotency-Key": someone()}
        with ThreadPoolExecutor(30) as pool:
            answers = list(pool.map(lambda _: created(api.register(crm, headers=headers)), range(30)))
        assert all(answer == answers[0] for answer in answers)

    @on_each_log
    def test_thirty_of_one_name_without_a_key_are_one_contact(self, api: Api) -> None:
        crm = someone()
        with ThreadPoolExecutor(30) as pool:
            answers = list(pool.map(lambda _: api.register(crm), range(30)))
        assert sorted(answer.status_code for answer in answers) == [200] * 29 + [201]
        assert len({answer.json()["id"] for answer in answers}) == 1

    def test_the_outcome_can_be_asked_for(self, api: Api) -> None:
        response = api.register(someone())
        id_ = created(response)["id"]
        outcome = ok(api.contacts.get(f"/v1/outcomes/contacts/{id_}"))
        assert outcome == {"outcome": "applied", "position": outcome["position"], "contact": id_}
        assert outcome["position"].startswith("identity/0/")
        unheard = api.contacts.get(f"/v1/outcomes/contacts/{UUID(int=7)}")
        assert (ok(unheard), unheard.headers["retry-after"]) == ({"outcome": "pending"}, "1")

    @pytest.mark.parametrize("value", ["a/b", "a b", "50%", "é", "a?b", "a#b", "../../x", "a:b", "😀", "a%2Fb", "a+b"])
    def test_a_name_with_any_character(self, api: Api, value: str) -> None:
        contact = created(api.register(name := f"{someone()}{value}"))
        assert contact["identifiers"] == [name]
        assert api.contact(name) == contact
        assert api.graph(name)["contact"] == contact["id"]
        assert ok(api.change(name, note=value))["traits"] == {"note": value}
        other = f"{someone()}{value}"
        assert created(api.link(name, other))["identifiers"] == sorted([name, other])
        assert api.unlink(name, other).status_code == 204
        assert api.contact(name)["identifiers"] == [name]

    @on_each_log
    def test_a_contact_can_wait_for_what_was_written_elsewhere(self, api: Api) -> None:
        for _ in range(10):
            token = api.posted(purchase(crm := someone()))
            assert api.contact(crm, min_position=token)["identifiers"] == [crm]
            token = api.posted(purchase(other := someone()))
            body = {"members": [crm, other], "reason": "same"}
            assert created(api.contacts.post("/v1/merges", json=body, params={"min_position": token}))["active"]


class TestTraits:
    def test_a_merge_patch_of_what_is_known(self, api: Api) -> None:
        crm = someone()
        known = {"name": "Ada", "address": {"city": "London", "street": {"name": "Dean St", "no": 1}}, "tags": ["a"]}
        api.registered(crm, traits=known)
        patch: dict[str, Any] = {
            "name": None,
            "address": {"city": None, "street": {"no": 2}, "zip": "W1"},
            "tags": ["b"],
            "x": None,
        }
        changed = ok(api.change(crm, **patch))
        assert changed["traits"] == {"address": {"street": {"name": "Dean St", "no": 2}, "zip": "W1"}, "tags": ["b"]}
        assert api.contact(crm) == changed

    def test_the_answer_has_the_etag_of_what_follows(self, api: Api) -> None:
        crm = someone()
        api.registered(crm)
        for n in range(3):
            before = api.etag(crm)
            response = api.change(crm, before, n=n)
            assert ok(response)["traits"] == {"n": n}
            assert response.headers["etag"] == api.etag(crm) != before

    def test_without_a_change_nothing_is_recorded(self, api: Api) -> None:
        crm = someone()
        api.registered(crm, traits={"name": "Ada"})
        etag = api.etag(crm)
        with api.stores(0):
            response = api.change(crm, name="Ada", other=None)
        assert (response.status_code, response.headers["etag"]) == (200, etag)

    def test_a_name_that_nobody_registered_has_traits_too(self, api: Api) -> None:
        crm = someone()
        node = api.contact(crm, min_position=api.posted(purchase(crm)))["id"]
        changed = ok(api.change(crm, name="Ada"))
        assert (changed["id"], changed["registered"], changed["traits"]) == (node, False, {"name": "Ada"})
        id_ = api.registered(crm, traits={"name": "Bob", "country": "GB"})
        assert api.contact(crm)["traits"] == {"country": "GB", "name": "Ada"}, "who corrects is trusted more"
        assert ok(api.change(id_, name="Cy"))["traits"] == {"country": "GB", "name": "Cy"}

    def test_if_match(self, api: Api) -> None:
        crm = someone()
        api.registered(crm)
        stale = api.etag(crm)
        with api.stores(0):
            refused(api.change(crm, None, n=1), 428, "precondition_required")
            refused(api.change(crm, '"other"', n=1), 412, "precondition_failed")
        current = ok(api.change(crm, f'"x", {stale}', n=1))
        assert current["traits"] == {"n": 1}
        with api.stores(0):
            response = api.change(crm, stale, n=2)
            refused(response, 412, "precondition_failed")
            assert response.headers["etag"] == api.etag(crm)
            refused(api.change(crm, f"W/{api.etag(crm)}", n=2), 412, "precondition_failed")
        assert ok(api.change(crm, "*", n=2))["traits"] == {"n": 2}

    def test_the_same_key_is_the_same_change(self, api: Api) -> None:
        crm = someone()
        api.registered(crm)
        headers, etag = {"Idempotency-Key": someone()}, api.etag(crm)
        with api.stores(1):
            first, second = (api.change(crm, etag, headers=headers, n=1) for _ in range(2))
        assert ok(second) == ok(first)
        assert second.headers["etag"] == first.headers["etag"]
        assert second.headers["rapport-position"] == first.headers["rapport-position"]
        refused(api.change(crm, "*", headers=headers, n=2), 422, "idempotency_key_reused")

    @on_each_log
    def test_twenty_changes_at_once_are_all_there(self, api: Api) -> None:
        crm = someone()
        api.registered(crm)
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda n: api.change(crm, **{f"n{n}": n}), range(20)))
        assert [answer.status_code for answer in answers] == [200] * 20
        assert api.contact(crm)["traits"] == {f"n{n}": n for n in range(20)}

    @on_each_log
    def test_of_twenty_who_saw_the_same_one_wins(self, api: Api) -> None:
        crm = someone()
        api.registered(crm)
        etag = api.etag(crm)
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda n: api.change(crm, etag, n=n), range(20)))
        assert sorted(answer.status_code for answer in answers) == [200] + [412] * 19
        (won,) = (answer.json()["traits"] for answer in answers if answer.status_code == 200)
        assert api.contact(crm)["traits"] == won

    def test_the_outcome_of_a_change_can_be_asked_for(self, api: Api) -> None:
        crm = someone()
        api.registered(crm)
        token = api.change(crm, n=1).headers["rapport-position"]
        (entry,) = (item for item in api.page(crm, min_position=token)["items"] if item["service"] == "contacts")
        outcome = ok(api.contacts.get(f"/v1/outcomes/contacts/{entry['event_id']}"))
        assert outcome == {"outcome": "applied", "position": entry["position"]}
