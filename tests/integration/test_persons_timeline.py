"""A timeline, and a list of interactions, cover a person under whichever of its names, as it was known when."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.integration.client import Api, created, foreign, ok, refused, someone
from tests.integration.conftest import System, on_each_log


@pytest.fixture(scope="module")
def api(system: System) -> Iterator[Api]:
    made = Api(system)
    yield made
    made.close()


def at(subject: str, hour: int) -> Any:
    return foreign(subject, f"{hour}", time=f"2026-03-02T{hour:02}:00:00Z")


def happened(api: Api, ref: str, **params: Any) -> list[str]:
    return api.ids(ref, service="interactions", **params)


def walked(api: Api, ref: str, **params: Any) -> list[str]:
    """The ids of all pages."""
    found, response = [], api.timeline.get(f"/v1/timeline/{ref}", params=params)
    while True:
        found += [item["event_id"] for item in ok(response)["items"]]
        if "next" not in response.links:
            return found
        response = api.timeline.get(response.links["next"]["url"])


class TestWho:
    def test_any_name_or_id_covers_the_whole_person(self, api: Api) -> None:
        names = [someone() for _ in range(5)]
        token = api.posted(*(at(names[hour % 5], hour) for hour in range(15)))
        ada = api.registered(*names[:2])
        bob = api.registered(names[2])
        api.link(bob, names[3])
        merge = created(response := api.merge(ada, bob, names[4]))
        page = api.page(names[0], min_position=[token, response.headers["rapport-position"]], limit=500)
        nodes = {item["contact"] for item in page["items"] if item["service"] == "interactions"}
        assert (page["contact"], page["identifiers"]) == (ada, sorted(names))
        assert page["members"] == sorted(merge["members"]) == sorted(api.contact(ada)["members"])
        assert happened(api, ada) == [f"{hour}" for hour in reversed(range(15))]
        for ref in (*names, *nodes, ada, bob, f"contact:{bob}"):
            assert api.page(ref, limit=500) == page

    @pytest.mark.parametrize("limit", [1, 2, 7])
    def test_pages_of_a_person_of_many_names_have_every_entry_once(self, api: Api, limit: int) -> None:
        names = [someone() for _ in range(4)]
        token = api.posted(*(at(names[hour % 4], hour) for hour in range(12)))
        api.registered(*names[:3])
        position = created_at(api.merge(names[0], names[3]))
        everything = walked(api, names[1], limit=500, min_position=[token, position])
        assert len(set(everything)) == len(everything) == 12 + 2
        assert walked(api, names[2], limit=limit) == everything

    def test_whoever_was_only_registered(self, api: Api) -> None:
        response = api.register(crm := someone())
        page, id_ = api.page(crm, min_position=response.headers["rapport-position"]), created(response)["id"]
        assert [item["title"] for item in page["items"]] == [f"Registered as person: {crm}"]
        assert (page["contact"], page["members"], page["identifiers"]) == (id_, [id_], [crm])

    def test_every_service_refuses_whom_nobody_has_heard_of(self, api: Api) -> None:
        for ref in (someone(), "0198b1f2-5c1e-8c3a-9d6b-1f0a52c7e4d1", "contact:0198b1f2-5c1e-8c3a-9d6b-1f0a52c7e4d1"):
            for response in everywhere(api, ref):
                refused(response, 404, "contact_unknown")

    @pytest.mark.parametrize("ref", ["ada", "crm:", "Crm:1", "0198b1f2", "tel:12", "email:ada", "contact:ada"])
    def test_every_service_refuses_what_is_no_name(self, api: Api, ref: str) -> None:
        for response in everywhere(api, ref):
            refused(response, 400, "bad_ref")


def created_at(response: httpx.Response) -> str:
    created(response)
    return response.headers["rapport-position"]


def everywhere(api: Api, ref: str) -> list[httpx.Response]:
    match = {"If-Match": "*"}
    return [
        api.timeline.get(f"/v1/timeline/{ref}"),
        api.interactions.get("/v1/interactions", params={"contact": ref}),
        api.contacts.get(f"/v1/contacts/{ref}"),
        api.contacts.get(f"/v1/contacts/{ref}/graph"),
        api.contacts.patch(f"/v1/contacts/{ref}", json={"traits": {"a": 1}}, headers=match),
        api.contacts.post(f"/v1/contacts/{ref}/identifiers", json={"identifier": "crm:1"}),
        api.contacts.delete(f"/v1/contacts/{ref}/identifiers/crm:1"),
        api.contacts.post("/v1/merges", json={"members": [ref, "crm:1"], "reason": "x"}),
    ]


@on_each_log
class TestWhatIsTold:
    def test_what_was_claimed_and_decided_are_entries(self, api: Api) -> None:
        ada, bob = api.registered(a := someone(), d := someone()), api.registered(b := someone())
        api.link(ada, c := someone(), evidence="form")
        refused(api.link(bob, c), 409, "identifier_claimed")
        api.resolve(api.graph(ada)["conflicts"][0]["id"], ada, "her form")
        merge = api.merged(ada, bob)
        ok(api.change(a, name="Ada"))
        api.unlink(ada, d, reason="typed wrongly")
        token = api.unmerge(merge, reason="twins").headers["rapport-position"]
        items = api.page(ada, min_position=token)["items"]
        short = f"contact …{ada[-12:]}", f"contact …{bob[-12:]}"
        assert [item["title"] for item in items] == [
            f"Unmerged from {short[0]}, {short[1]}: twins",
            f"Unlinked {d} from {short[0]}: typed wrongly",
            "Changed name: none -> Ada",
            f"Merged with {short[0]}, {short[1]}: the same",
            f"Conflict resolved for {short[0]}: her form",
            f"Link refused, identifier claimed by another contact: {c} to {short[1]}",
            f"Linked {c} to {short[0]}: form",
            f"Registered as person: {a}, {d}",
        ]
        assert [item["service"] for item in items] == ["identity"] * 2 + ["contacts"] + ["identity"] * 5
        assert [item["title"] for item in api.page(bob)["items"]][-1] == f"Registered as person: {b}"
        assert api.ids(ada, service="contacts") == [items[2]["event_id"]]
        assert len(api.ids(ada, service="identity")) == 7
        assert api.ids(ada, type=items[3]["type"]) == [merge]

    def test_an_entry_stands_once_however_many_of_the_names_it_is_about(self, api: Api) -> None:
        names = [someone() for _ in range(20)]
        token = created_at(api.register(*names))
        page = api.page(names[7], min_position=token)
        assert len(page["items"]) == 1


@on_each_log
class TestKnownAt:
    def test_before_a_merge_the_graph_of_that_time_is_shown(self, api: Api) -> None:
        ada, bob = api.registered(a := someone()), api.registered(b := someone())
        token = api.posted(at(a, 1), at(b, 2))
        merge = created(response := api.merge(ada, bob))
        positions = [token, response.headers["rapport-position"]]
        together = api.page(ada, min_position=positions)
        entry = next(item for item in together["items"] if item["event_id"] == merge["id"])
        alone = max(item["recorded_at"] for item in together["items"] if item["service"] == "interactions")
        assert alone < entry["recorded_at"], "the merge was recorded later"
        then = api.page(bob, known_at=alone)
        assert (then["contact"], then["members"], then["identifiers"]) == (bob, [bob], [b])
        assert happened(api, bob, known_at=alone) == ["2"]
        assert happened(api, a, known_at=alone) == ["1"]
        token = api.unmerge(merge["id"]).headers["rapport-position"]
        assert happened(api, ada, min_position=token) == ["1"]
        assert happened(api, bob, known_at=entry["recorded_at"]) == ["2", "1"]
        assert api.page(b, known_at=entry["recorded_at"])["contact"] == ada
        assert api.page(b)["contact"] == bob

    def test_before_anything_was_claimed(self, api: Api) -> None:
        token = api.posted(at(a := someone(), 1))
        first = api.page(a, min_position=token)
        ada = api.registered(a, b := someone())
        api.page(b, min_position=api.posted(at(b, 2)))
        moment = first["items"][0]["recorded_at"]
        assert api.page(a, known_at=moment) == first
        assert api.page(ada, known_at=moment)["items"] == []
        assert happened(api, a) == ["2", "1"]

    def test_as_of_filters_what_happened_and_leaves_identity_alone(self, api: Api) -> None:
        token = api.posted(at(a := someone(), 1), at(b := someone(), 5))
        position = created_at(api.register(a, b))
        moment = "2026-03-02T03:00:00Z"
        page = api.page(b, as_of=moment, min_position=[token, position])
        assert [item["event_id"] for item in page["items"]] == ["1"]
        assert page["identifiers"] == sorted([a, b])


class TestInteractions:
    def test_a_list_covers_the_person(self, api: Api) -> None:
        names = [someone() for _ in range(3)]
        calls = [created(api.record(name, time=f"2026-03-02T0{n}:00:00Z")) for n, name in enumerate(names)]
        ada = api.registered(names[0], names[1])
        merge = created(response := api.merge(names[2], ada))
        position = response.headers["rapport-position"]
        for ref in (*names, ada, *(call["contact"] for call in calls)):
            listed = api.interactions.get("/v1/interactions", params={"contact": ref, "min_position": position})
            assert [item["id"] for item in ok(listed)["items"]] == [call["id"] for call in reversed(calls)]
        token = api.unmerge(merge["id"]).headers["rapport-position"]
        listed = api.interactions.get("/v1/interactions", params={"contact": names[2], "min_position": token})
        assert [item["id"] for item in ok(listed)["items"]] == [calls[2]["id"]]

    def test_whoever_was_only_registered_has_an_empty_list_and_can_be_called(self, api: Api) -> None:
        response = api.register(crm := someone())
        params = {"contact": crm, "min_position": response.headers["rapport-position"]}
        assert ok(api.interactions.get("/v1/interactions", params=params))["items"] == []
        id_ = created(response)["id"]
        call = created(api.record(id_))
        assert call["contact"] == id_
        listed = api.interactions.get("/v1/interactions", params={"contact": crm})
        assert [item["id"] for item in ok(listed)["items"]] == [call["id"]]
        token = api.posted(foreign(f"contact:{id_}", "seen"))
        contact = api.contact(crm, min_position=token)
        assert (contact["id"], contact["identifiers"]) == (id_, [crm])
        assert contact["first_seen"] is not None
        assert "seen" in api.ids(crm, min_position=token)
