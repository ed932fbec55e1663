"""Interactions are amended and completed, each change with its reason and its version."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.integration.client import Api, created, ok, refused, someone
from tests.integration.conftest import System, on_each_log

NOBODYS = "0198b1f2-5c1e-8c3a-9d6b-1f0a52c7e4d1"


@pytest.fixture(scope="module")
def api(system: System) -> Iterator[Api]:
    made = Api(system)
    yield made
    made.close()


@pytest.fixture
def call(api: Api) -> Any:
    return created(api.record(someone(), status="opened", reason="late", summary="Will call back"))


def amend(
    api: Api, id_: str, changes: object, if_match: str | None = "*", *, reason: object = "misheard",
    headers: Mapping[str, str] | None = None, **params: str,
) -> httpx.Response:  # fmt: skip
    match = {} if if_match is None else {"If-Match": if_match}
    body = {"changes": changes, "reason": reason}
    url = f"/v1/interactions/{id_}"
    return api.interactions.patch(url, json=body, headers={**match, **(headers or {})}, params=params)


def complete(
    api: Api, id_: str, if_match: str | None = "*", *, headers: Mapping[str, str] | None = None, **body: object
) -> httpx.Response:
    match = {} if if_match is None else {"If-Match": if_match}
    url = f"/v1/interactions/{id_}/completion"
    return api.interactions.post(url, json=body, headers={**match, **(headers or {})})


class TestAmending:
    @on_each_log
    def test_fields_are_changed_and_taken_away_and_it_is_told(self, api: Api, call: Any) -> None:
        with api.stores(1):
            response = amend(api, call["id"], {"reason": "lost", "summary": None, "channel": "chat"}, '"1"')
        item = ok(response)
        (amendment,) = item["amendments"]
        expected = call | {"version": 2, "reason": "lost", "channel": "chat", "amendments": [amendment]}
        expected.pop("summary")
        assert item == expected
        assert amendment == {
            "version": 2,
            "changes": {"reason": "lost", "summary": None, "channel": "chat"},
            "reason": "misheard",
            "event_id": amendment["event_id"],
            "recorded_at": amendment["recorded_at"],
            "position": amendment["position"],
        }
        assert response.headers["etag"] == '"2"'
        read = api.interactions.get(f"/v1/interactions/{call['id']}")
        assert (ok(read), read.headers["etag"]) == (item, '"2"')
        outcome = ok(api.interactions.get(f"/v1/outcomes/interactions/{amendment['event_id']}"))
        assert outcome == {"outcome": "applied", "position": amendment["position"]}

    def test_it_is_listed_by_what_it_is_now(self, api: Api, call: Any) -> None:
        ok(amend(api, call["id"], {"channel": "chat", "status": "in_progress", "touchpoint": "store"}))
        for params in ({"channel": "chat"}, {"status": "in_progress"}, {"touchpoint": "store"}):
            listed = api.interactions.get("/v1/interactions", params={"contact": call["contact"], **params})
            assert [item["id"] for item in ok(listed)["items"]] == [call["id"]]
        for params in ({"channel": "telephone"}, {"status": "opened"}):
            listed = api.interactions.get("/v1/interactions", params={"contact": call["contact"], **params})
            assert ok(listed)["items"] == []

    def test_what_is_so_already_records_nothing(self, api: Api, call: Any) -> None:
        with api.stores(0):
            response = amend(api, call["id"], {"reason": "late", "topic": None})
        assert (ok(response), response.headers["etag"]) == (call, '"1"')

    def test_if_match(self, api: Api, call: Any) -> None:
        with api.stores(0):
            refused(amend(api, call["id"], {"reason": "x"}, None), 428, "precondition_required")
            response = amend(api, call["id"], {"reason": "x"}, '"2"')
            refused(response, 412, "precondition_failed")
            assert response.headers["etag"] == '"1"'
        assert ok(amend(api, call["id"], {"reason": "x"}, '"7", "1"'))["version"] == 2
        refused(amend(api, call["id"], {"reason": "y"}, '"1"'), 412, "precondition_failed")

    @on_each_log
    def test_the_same_key_is_the_same_amendment(self, api: Api, call: Any) -> None:
        headers = {"Idempotency-Key": someone()}
        with api.stores(1):
            first, second = (amend(api, call["id"], {"reason": "x"}, '"1"', headers=headers) for _ in range(2))
        assert ok(first) == ok(second)
        assert first.headers["rapport-position"] == second.headers["rapport-position"]
        refused(amend(api, call["id"], {"reason": "y"}, headers=headers), 422, "idempotency_key_reused")

    @on_each_log
    def test_twenty_at_once_are_all_told(self, api: Api, call: Any) -> None:
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda n: amend(api, call["id"], {"reason": f"{n}"}), range(20)))
        assert [answer.status_code for answer in answers] == [200] * 20
        item = ok(api.interactions.get(f"/v1/interactions/{call['id']}"))
        assert [each["version"] for each in item["amendments"]] == list(range(2, 22))
        assert {each["changes"]["reason"] for each in item["amendments"]} == {f"{n}" for n in range(20)}
        assert (item["version"], item["reason"]) == (21, item["amendments"][-1]["changes"]["reason"])

    @on_each_log
    def test_of_twenty_who_saw_the_same_one_wins(self, api: Api, call: Any) -> None:
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda n: amend(api, call["id"], {"reason": f"{n}"}, '"1"'), range(20)))
        assert sorted(answer.status_code for answer in answers) == [200] + [412] * 19

    def test_one_that_another_system_sent(self, api: Api) -> None:
        event = {
            "specversion": "1.0", "id": "call-1", "source": "urn:example:pbx", "subject": (ada := someone()),
            "type": "rapport.interactions.interaction.recorded.v1",
            "data": {"channel": "telephone", "direction": "inbound"},
        }  # fmt: skip
        token = api.posted(event)
        (item,) = ok(api.interactions.get("/v1/interactions", params={"contact": ada, "min_position": token}))["items"]
        assert ok(amend(api, item["id"], {"summary": "Asked"}, min_position=token))["summary"] == "Asked"
        assert [found["outcome"] for found in api.found("call-1", source="urn:example:pbx")] == ["recorded"]

    @pytest.mark.parametrize(
        ("changes", "pointers"),
        [
            ({"colour": "red"}, ["/changes/colour"]),
            ({"contact": "crm:1"}, ["/changes/contact"]),
            ({"resolution": "x"}, ["/changes/resolution"]),
            ({"version": 7}, ["/changes/version"]),
            ({"channel": "telefone"}, ["/changes/channel"]),
            ({"channel": None}, ["/changes/channel"]),
            ({"direction": None}, ["/changes/direction"]),
            ({"status": "lost"}, ["/changes/status"]),
            ({"reason": 7}, ["/changes/reason"]),
            ({"reason": ""}, ["/changes/reason"]),
            ({"items": [{"reason": "x", "y": 1}]}, ["/changes/items/0/y"]),
            ({"started_at": "2026-03-02T10:00:00Z", "ended_at": "2026-03-02T09:00:00Z"}, ["/changes/ended_at"]),
            ({}, ["/changes"]),
            ([], ["/changes"]),
            ({"reason": "a\0"}, ["/changes/reason"]),
        ],
    )
    def test_a_change_that_cannot_be_is_refused(
        self, api: Api, call: Any, changes: object, pointers: list[str]
    ) -> None:
        with api.stores(0):
            refused(amend(api, call["id"], changes), 422, "invalid_body", *pointers)

    def test_without_a_status_it_is_completed(self, api: Api, call: Any) -> None:
        assert ok(amend(api, call["id"], {"status": None}))["status"] == "completed"

    def test_without_a_reason_or_too_large_it_is_refused(self, api: Api, call: Any) -> None:
        with api.stores(0):
            refused(amend(api, call["id"], {"reason": "x"}, reason=None), 422, "invalid_body", "/reason")
            refused(amend(api, call["id"], {"reason": "x"}, reason=""), 422, "invalid_body", "/reason")
            large = {"items": [{"reason": "x" * 60_000}] * 5}
            refused(amend(api, call["id"], large), 413, "event_too_large")

    def test_one_that_there_is_not_is_refused(self, api: Api) -> None:
        with api.stores(0):
            refused(amend(api, NOBODYS, {"reason": "x"}), 404, "interaction_unknown")
            refused(complete(api, NOBODYS), 404, "interaction_unknown")
            refused(amend(api, "1", {"reason": "x"}), 400, "bad_parameter")


class TestCompleting:
    def test_with_a_resolution(self, api: Api, call: Any) -> None:
        with api.stores(1):
            response = complete(api, call["id"], '"1"', resolution="sent again")
        item = ok(response)
        assert (item["status"], item["resolution"], item["version"]) == ("completed", "sent again", 2)
        assert response.headers["etag"] == '"2"'
        (amendment,) = item["amendments"]
        assert (amendment["status"], amendment["resolution"]) == ("completed", "sent again")
        with api.stores(0):
            assert ok(complete(api, call["id"], resolution="sent again")) == item
            assert ok(complete(api, call["id"])) == item
            refused(complete(api, call["id"], resolution="other"), 409, "already_completed")

    def test_without_one(self, api: Api, call: Any) -> None:
        item = ok(complete(api, call["id"]))
        assert (item["status"], item["version"], "resolution" in item) == ("completed", 2, False)

    def test_if_match_and_keys(self, api: Api, call: Any) -> None:
        headers = {"Idempotency-Key": someone()}
        with api.stores(1):
            refused(complete(api, call["id"], None), 428, "precondition_required")
            refused(complete(api, call["id"], '"9"'), 412, "precondition_failed")
            first, second = (complete(api, call["id"], '"1"', headers=headers, resolution="x") for _ in range(2))
            assert ok(first) == ok(second)
            refused(complete(api, call["id"], headers=headers, resolution="y"), 422, "idempotency_key_reused")

    @pytest.mark.parametrize("body", [{"resolution": ""}, {"resolution": 7}, {"colour": "red"}])
    def test_a_bad_body_is_refused(self, api: Api, call: Any, body: dict[str, Any]) -> None:
        with api.stores(0):
            refused(complete(api, call["id"], **body), 422, "invalid_body", f"/{next(iter(body))}")

    def test_what_was_completed_can_be_corrected(self, api: Api, call: Any) -> None:
        ok(complete(api, call["id"], resolution="sent"))
        item = ok(amend(api, call["id"], {"status": "in_progress"}))
        assert (item["status"], item["version"]) == ("in_progress", 3)
        assert ok(complete(api, call["id"], resolution="sent twice"))["resolution"] == "sent twice"


@on_each_log
def test_amendments_stand_on_the_timeline(api: Api, call: Any) -> None:
    ok(amend(api, call["id"], {"reason": "lost"}))
    token = complete(api, call["id"], resolution="found").headers["rapport-position"]
    items = api.page(call["contact"], min_position=token)["items"]
    assert [item["title"] for item in items] == [
        "Interaction completed: found", "Interaction amended: misheard", "Inbound telephone (opened): Will call back",
    ]  # fmt: skip
    assert items[1]["data"]["changes"] == {"reason": "lost"}
    assert {item["contact"] for item in items} == {call["contact"]}


@on_each_log
def test_an_interaction_can_be_amended_while_its_person_is_merged_and_after(api: Api, call: Any) -> None:
    bob = api.registered(someone())
    merge = api.merged(bob, call["contact"])
    ok(amend(api, call["id"], {"reason": "1"}, '"1"'))
    api.unmerged(merge)
    item = ok(amend(api, call["id"], {"reason": "2"}, '"2"'))
    assert (item["contact"], item["version"]) == (call["contact"], 3)
