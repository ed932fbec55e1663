"""Bad paths, queries and bodies of every other route of interactions: refused by name, nothing stored."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.bad_bodies import BODIES
from tests.integration.client import Api, refused
from tests.integration.conftest import System

AMENDED = "rapport.interactions.interaction.amended.v1"


@pytest.fixture(scope="module")
def api(system: System) -> Iterator[Api]:
    """Nothing that is sent through it may be stored."""
    made = Api(system)
    with made.stores(0):
        yield made
    made.close()


PATHS = {
    "/": (404, "not_found"),
    "/v1": (404, "not_found"),
    "/v2/events": (404, "not_found"),
    "/v1/events/": (404, "event_unknown"),
    "/v1/events/%ff": (400, "bad_path"),
    "/v1/events/%00": (400, "bad_path"),
    "/v1/events/%ed%a0%80": (400, "bad_path"),
    "/v1/events/x?source=%ff": (400, "bad_parameter"),
    "/v1/events/x?source=%00": (400, "bad_parameter"),
    "/v1/events/x?colour=red": (400, "bad_parameter"),
    "/v1/schemas/nothing": (404, "type_unknown"),
    f"/v1/schemas/{AMENDED}": (404, "type_unknown"),
    "/v1/schemas?colour=red": (400, "bad_parameter"),
    "/v1/interactions?limit=0": (400, "bad_parameter"),
    "/v1/interactions?limit=501": (400, "bad_parameter"),
    "/v1/interactions?limit=many": (400, "bad_parameter"),
    "/v1/interactions?cursor=made-up": (400, "bad_cursor"),
    "/v1/interactions?contact=ada": (400, "bad_ref"),
    "/v1/interactions?contact=crm:%ff": (400, "bad_parameter"),
    "/v1/interactions?contact=crm:nobody-at-all": (404, "contact_unknown"),
    "/v1/interactions?channel=telefone": (400, "bad_parameter"),
    "/v1/interactions?status=lost": (400, "bad_parameter"),
    "/v1/interactions?direction=up": (400, "bad_parameter"),
    "/v1/interactions?from=yesterday": (400, "bad_parameter"),
    "/v1/interactions?from=2026": (400, "bad_parameter"),
    "/v1/interactions?to=9999-12-31T23:59:59-23:59": (400, "bad_parameter"),
    "/v1/interactions?from_=2026-03-02T00:00:00Z": (400, "bad_parameter"),
    "/v1/interactions?colour=red": (400, "bad_parameter"),
    "/v1/interactions/1": (400, "bad_parameter"),
    "/v1/interactions/%00": (400, "bad_path"),
    "/v1/interactions/0198b1f2-5c1e-8c3a-9d6b-1f0a52c7e4d1": (404, "interaction_unknown"),
    "/v1/outcomes/interactions/1": (400, "bad_parameter"),
    "/v1/timeline/crm:1": (404, "not_found"),
    "/docs/nothing": (404, "not_found"),
}


@pytest.mark.parametrize("path", PATHS)
def test_a_bad_path_or_query_of_interactions_is_refused(api: Api, path: str) -> None:
    refused(api.interactions.get(path), *PATHS[path])


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "GET"])
def test_another_method_is_refused(api: Api, method: str) -> None:
    response = api.interactions.request(method, "/v1/events")
    refused(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "POST"


CALL = {"contact": "crm:bad-call", "channel": "telephone", "direction": "inbound"}
CALLS: dict[str, tuple[dict[str, Any], int, str, str]] = {
    "no contact": ({"contact": None}, 422, "invalid_body", "/contact"),
    "no such name": ({"contact": "ada"}, 400, "bad_ref", "/contact"),
    "a name that ends in NUL": ({"contact": "crm:a\0"}, 422, "invalid_body", "/contact"),
    "half a surrogate pair": ({"text": "\ud800"}, 422, "invalid_body", "/text"),
    "nobody's uuid": ({"contact": "0198b1f2-5c1e-8c3a-9d6b-1f0a52c7e4d1"}, 404, "contact_unknown", ""),
    "nobody's node": ({"contact": "contact:0198b1f2-5c1e-8c3a-9d6b-1f0a52c7e4d1"}, 404, "contact_unknown", ""),
    "a misspelt channel": ({"channel": "telefone"}, 422, "invalid_body", "/channel"),
    "no direction": ({"direction": None}, 422, "invalid_body", "/direction"),
    "an unknown field": ({"colour": "red"}, 422, "invalid_body", "/colour"),
    "an unknown field inside": ({"items": [{"reason": "x", "y": 1}]}, 422, "invalid_body", "/items/0/y"),
    "time without offset": ({"time": "2026-03-02T10:15:00"}, 422, "invalid_body", "/time"),
    "time is a number": ({"time": 1_700_000_000}, 422, "invalid_body", "/time"),
    "time ahead": ({"time": "2999-01-01T00:00:00Z"}, 422, "invalid_body", "/time"),
    "time before the calendar": ({"time": "0001-01-01T00:00:00+23:00"}, 422, "invalid_body", "/time"),
    "ends before it starts": (
        {"started_at": "2026-03-02T10:00:00Z", "ended_at": "2026-03-02T09:00:00Z"},
        422,
        "invalid_body",
        "/ended_at",
    ),
    "empty reason": ({"reason": ""}, 422, "invalid_body", "/reason"),
    "larger than an event": ({"items": [{"reason": "x" * 60_000}] * 5}, 413, "event_too_large", ""),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_bad_interaction_is_refused(api: Api, name: str) -> None:
    change, status, code, pointer = CALLS[name]
    body = {name: value for name, value in (CALL | change).items() if value is not None}
    response = api.interactions.post(
        "/v1/interactions", content=json.dumps(body), headers={"content-type": "application/json"}
    )
    refused(response, status, code, *([pointer] if pointer else []))


@pytest.mark.parametrize("name", BODIES)
def test_a_bad_body_of_an_interaction_is_refused(api: Api, name: str) -> None:
    body, status, code = BODIES[name]
    response = api.interactions.post("/v1/interactions", content=body, headers={"content-type": "application/json"})
    refused(response, status, "invalid_body" if status == 422 else code)


def test_an_interaction_of_another_media_type_is_refused(api: Api) -> None:
    for headers in ({"content-type": "text/plain"}, {}):
        response = api.interactions.post("/v1/interactions", content=json.dumps(CALL), headers=headers)
        refused(response, 415, "unsupported_media_type")


def test_an_interaction_over_8_mib_is_refused(api: Api) -> None:
    headers = {"content-type": "application/json"}
    body = b" " * ((8 << 20) + 1)
    refused(api.interactions.post("/v1/interactions", content=body, headers=headers), 413, "body_too_large")
    chunks = (b" " * (1 << 20) for _ in range(9))
    refused(api.interactions.post("/v1/interactions", content=chunks, headers=headers), 413, "body_too_large")


@pytest.mark.parametrize("key", [b"", b"x" * 256, b"a\tb", "é".encode()])
def test_a_bad_idempotency_key_is_refused(api: Api, key: bytes) -> None:
    headers = {b"idempotency-key": key}
    refused(api.interactions.post("/v1/interactions", json=CALL, headers=headers), 400, "bad_idempotency_key")
