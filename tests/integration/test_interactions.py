"""Conversations are recorded and listed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.integration.client import Api, foreign, purchase, refused, someone
from tests.integration.conftest import System, on_each_log


@pytest.fixture(scope="module")
def api(system: System) -> Iterator[Api]:
    made = Api(system)
    yield made
    made.close()


def recorded(response: httpx.Response) -> Any:
    assert response.status_code == 201, response.text
    return response.json()


@pytest.fixture(scope="module")
def ada(api: Api) -> str:
    """A person with nine interactions, an hour apart, recorded in no order."""
    ada = someone()
    for hour in (4, 1, 8, 0, 7, 2, 6, 3, 5):
        recorded(
            api.record(
                ada,
                time=f"2026-03-02T0{hour}:00:00Z",
                channel=("telephone", "chat", "email")[hour % 3],
                direction=("inbound", "outbound")[hour % 2],
                touchpoint=("billing", "website")[hour // 5],
                status=("opened", "in_progress", "completed")[hour // 3],
                reason=f"{hour}",
            )
        )
    return ada


@on_each_log
class TestRecording:
    def test_it_is_there_when_it_is_answered(self, api: Api) -> None:
        response = api.record(ada := someone(), time="2026-03-02T11:15:00+01:00", summary="Called", topic="billing")
        item = recorded(response)
        assert item == {
            "id": item["id"],
            "version": 1,
            "contact": item["contact"],
            "occurred_at": "2026-03-02T10:15:00Z",
            "recorded_at": item["recorded_at"],
            "event_id": item["event_id"],
            "source": "/interactions",
            "position": item["position"],
            "status": "completed",
            "amendments": [],
            "channel": "telephone",
            "direction": "inbound",
            "summary": "Called",
            "topic": "billing",
        }
        assert response.headers["location"] == f"/v1/interactions/{item['id']}"
        read = api.interactions.get(response.headers["location"])
        assert (read.status_code, read.json()) == (200, item)
        assert read.headers["etag"] == response.headers["etag"] == '"1"'
        [entry] = api.page(ada, min_position=response.headers["rapport-position"])["items"]
        assert (entry["title"], entry["event_id"]) == ("Inbound telephone: Called", item["event_id"])

    def test_without_a_time_it_happened_now(self, api: Api) -> None:
        item = recorded(api.record(someone()))
        assert item["occurred_at"] == item["recorded_at"]

    def test_every_field_is_kept(self, api: Api) -> None:
        fields: dict[str, Any] = {
            "touchpoint": "billing",
            "reason": "Too high",
            "summary": "Explained",
            "status": "in_progress",
            "started_at": "2026-03-02T10:00:00Z",
            "ended_at": "2026-03-02T10:15:00Z",
            "purpose": "service",
            "topic": "invoice",
            "handed_over_to": "team-2",
            "items": [{"reason": "late", "item": "1", "resolution": "traced"}],
            "actor": {"kind": "staff", "id": "agent-7"},
            "interaction": "call-1",
            "text": "word for word",
        }
        item = recorded(api.record(someone(), **fields))
        assert {name: item[name] for name in fields} == fields

    def test_the_event_can_be_found_by_the_commands_id(self, api: Api) -> None:
        item = recorded(api.record(someone()))
        [found] = api.found(item["event_id"])
        assert (found["outcome"], found["position"]) == ("recorded", item["position"])
        outcome = api.interactions.get(f"/v1/outcomes/interactions/{item['event_id']}").json()
        assert outcome == {"outcome": "applied", "position": item["position"]}

    def test_a_known_person_is_named_by_node_too(self, api: Api) -> None:
        node = recorded(api.record(someone()))["contact"]
        for ref in (node, node.upper(), f"contact:{node}"):
            assert recorded(api.record(ref))["contact"] == node

    def test_an_interaction_that_another_system_sent_is_one_too(self, api: Api) -> None:
        call = purchase(ada := someone()) | {
            "type": "rapport.interactions.interaction.recorded.v1",
            "data": {"channel": "chat", "direction": "outbound", "status": "opened"},
        }
        token = api.posted(call)
        response = api.interactions.get("/v1/interactions", params={"contact": ada, "min_position": token})
        [item] = response.json()["items"]
        assert (item["event_id"], item["channel"], item["status"]) == (call["id"], "chat", "opened")


@on_each_log
class TestIdempotency:
    def test_the_same_key_and_body_is_answered_alike(self, api: Api) -> None:
        ada = someone()
        with api.stores(1):
            first, second = (api.record(ada, headers={"Idempotency-Key": f"{ada} 1"}) for _ in range(2))
        assert recorded(second) == recorded(first)
        for name in ("etag", "location", "rapport-position"):
            assert second.headers[name] == first.headers[name]

    def test_another_body_is_refused(self, api: Api) -> None:
        ada, headers = someone(), {"Idempotency-Key": someone()}
        recorded(api.record(ada, headers=headers))
        with api.stores(0):
            refused(api.record(ada, headers=headers, text="other"), 422, "idempotency_key_reused")

    def test_the_same_key_for_another_person_is_another_body(self, api: Api) -> None:
        headers = {"Idempotency-Key": someone()}
        recorded(api.record(someone(), headers=headers))
        refused(api.record(someone(), headers=headers), 422, "idempotency_key_reused")

    def test_twenty_at_once_are_one(self, api: Api) -> None:
        ada, headers = someone(), {"Idempotency-Key": someone()}
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda _: recorded(api.record(ada, headers=headers)), range(20)))
        assert all(answer == answers[0] for answer in answers)
        assert len(api.interactions.get("/v1/interactions", params={"contact": ada}).json()["items"]) == 1
        assert api.ids(ada, min_position=api.posted(foreign(ada, "last")))[1:] == [answers[0]["event_id"]]

    def test_without_a_key_each_is_its_own(self, api: Api) -> None:
        ada = someone()
        assert recorded(api.record(ada))["id"] != recorded(api.record(ada))["id"]


class TestLists:
    def hours(self, api: Api, ada: str, **params: str) -> str:
        response = api.interactions.get("/v1/interactions", params={"contact": ada, **params})
        assert response.status_code == 200, response.text
        return "".join(item["reason"] for item in response.json()["items"])

    @pytest.mark.parametrize(
        ("params", "hours"),
        [
            ({}, "876543210"),
            ({"channel": "chat"}, "741"),
            ({"direction": "outbound"}, "7531"),
            ({"touchpoint": "billing"}, "43210"),
            ({"status": "opened"}, "210"),
            ({"from": "2026-03-02T06:00:00Z"}, "876"),
            ({"to": "2026-03-02T02:00:00Z"}, "10"),
            ({"from": "2026-03-02T03:00:00+01:00", "to": "2026-03-02T04:00:00Z"}, "32"),
            ({"channel": "chat", "direction": "inbound"}, "4"),
            ({"limit": "2"}, "87"),
            ({"channel": "acme:fax"}, ""),
            ({"channel": "", "limit": "", "from": ""}, "876543210"),
        ],
    )
    def test_filters(self, api: Api, ada: str, params: dict[str, str], hours: str) -> None:
        assert self.hours(api, ada, **params) == hours

    @pytest.mark.parametrize("limit", [1, 2, 4, 9, 500])
    def test_pages_follow_each_other_without_gap_or_repeat(self, api: Api, ada: str, limit: int) -> None:
        url, hours, pages = f"/v1/interactions?contact={ada}&limit={limit}", "", 0
        while True:
            response = api.interactions.get(url)
            hours += "".join(item["reason"] for item in response.json()["items"])
            pages += 1
            if response.json()["next_cursor"] is None:
                break
            assert response.links["next"]["url"].startswith("/v1/interactions?")
            url = response.links["next"]["url"]
        assert "link" not in response.headers
        assert (hours, pages) == ("876543210", -(-9 // limit))

    def test_all_interactions_are_listed_without_a_contact(self, api: Api, ada: str) -> None:
        response = api.interactions.get("/v1/interactions", params={"limit": 500, "to": "2026-03-02T09:00:00Z"})
        assert len([item for item in response.json()["items"] if item["reason"] in set("012345678")]) >= 9

    def test_a_person_without_interactions_has_an_empty_list(self, api: Api) -> None:
        token = api.posted(purchase(ada := someone()))
        response = api.interactions.get("/v1/interactions", params={"contact": ada, "min_position": token})
        assert response.json() == {"items": [], "next_cursor": None}


class TestSchemas:
    def test_every_type_that_may_be_sent_has_a_schema(self, api: Api) -> None:
        lines = api.interactions.get("/v1/schemas").json()["items"]
        assert len(lines) == 19
        for line in lines:
            response = api.interactions.get(line["schema"])
            assert response.headers["content-type"] == "application/schema+json"
            assert line["type"] in response.text
