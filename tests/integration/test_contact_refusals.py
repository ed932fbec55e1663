"""Bad paths, queries and bodies of every route of contacts: refused by name and place, nothing stored."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.integration.bad_bodies import BODIES
from tests.integration.client import Api, ahead, refused, someone
from tests.integration.conftest import System

NOBODYS = "0198b1f2-5c1e-8c3a-9d6b-1f0a52c7e4d1"
KNOWN = "crm:refusals-known"
BODY_ROUTES: dict[str, dict[str, Any]] = {
    "POST /v1/contacts": {"identifiers": ["crm:refusals-new"]},
    f"PATCH /v1/contacts/{KNOWN}": {"traits": {"name": "Ada"}},
    f"POST /v1/contacts/{KNOWN}/identifiers": {"identifier": "crm:refusals-new"},
    "POST /v1/merges": {"members": [KNOWN, "crm:refusals-other"], "reason": "same"},
    f"POST /v1/conflicts/{NOBODYS}/resolution": {"holder": KNOWN, "reason": "asked"},
    "POST /v1/lookup": {"identifier": KNOWN},
}
WRITES = {
    **BODY_ROUTES,
    f"DELETE /v1/contacts/{KNOWN}/identifiers/{KNOWN}": None,
    f"DELETE /v1/merges/{NOBODYS}": None,
}
READS = (
    "/v1/contacts", f"/v1/contacts/{KNOWN}", f"/v1/contacts/{KNOWN}/graph", f"/v1/merges/{NOBODYS}", "/v1/conflicts",
    f"/v1/conflicts/{NOBODYS}", f"/v1/outcomes/contacts/{NOBODYS}",
)  # fmt: skip


@pytest.fixture(scope="module")
def api(system: System) -> Iterator[Api]:
    """Nothing that is sent through it may be stored, once two contacts are there."""
    made = Api(system)
    for name in (KNOWN, "crm:refusals-other"):
        assert made.register(name).status_code in {200, 201}
    with made.stores(0):
        yield made
    made.close()


def sent(api: Api, route: str, body: object, **more: Any) -> httpx.Response:
    method, _, path = route.partition(" ")
    content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json", "if-match": "*", **more.pop("headers", {})}
    return api.contacts.request(method, path, content=content, headers=headers, **more)


PATHS = {
    "/": (404, "not_found"),
    "/v1/contact": (404, "not_found"),
    "/v1/contacts/": (400, "bad_ref"),
    "/v1/contacts/%ff": (400, "bad_path"),
    "/v1/contacts/crm:%00": (400, "bad_path"),
    "/v1/contacts/crm:%ed%a0%80": (400, "bad_path"),
    "/v1/contacts/crm:%EF%BF%BD": (400, "bad_ref"),
    "/v1/contacts/crm:a%0Ab": (400, "bad_ref"),
    f"/v1/contacts/crm:{'x' * 513}": (400, "bad_ref"),
    f"/v1/contacts/{KNOWN}?colour=red": (400, "bad_parameter"),
    f"/v1/contacts/{KNOWN}?min_position=x": (400, "bad_position"),
    f"/v1/contacts/{KNOWN}/nothing": (404, "contact_unknown"),
    f"/v1/contacts/{NOBODYS}/graph": (404, "contact_unknown"),
    "/v1/merges": (405, "method_not_allowed"),
    "/v1/merges/1": (400, "bad_parameter"),
    f"/v1/merges/{NOBODYS}": (404, "merge_unknown"),
    f"/v1/merges/{NOBODYS}/x": (404, "not_found"),
    f"/v1/conflicts/{NOBODYS}": (404, "conflict_unknown"),
    f"/v1/conflicts/{NOBODYS}/resolution": (405, "method_not_allowed"),
    "/v1/lookup": (405, "method_not_allowed"),
    "/v1/outcomes/contacts/1": (400, "bad_parameter"),
    f"/v1/outcomes/interactions/{NOBODYS}": (404, "not_found"),
}


@pytest.mark.parametrize("path", PATHS)
def test_a_bad_path_or_query_is_refused(api: Api, path: str) -> None:
    refused(api.contacts.get(path), *PATHS[path])


FIELDS: dict[str, tuple[str, dict[str, Any], int, str, str]] = {
    "no identifiers": ("POST /v1/contacts", {"identifiers": None}, 422, "invalid_body", "/identifiers"),
    "an empty list of them": ("POST /v1/contacts", {"identifiers": []}, 422, "invalid_body", "/identifiers"),
    "one that is none": ("POST /v1/contacts", {"identifiers": [KNOWN, "ada"]}, 422, "invalid_body", "/identifiers/1"),
    "one that is a number": ("POST /v1/contacts", {"identifiers": [7]}, 422, "invalid_body", "/identifiers/0"),
    "a bad e-mail": ("POST /v1/contacts", {"identifiers": ["email:a@b@c"]}, 422, "invalid_body", "/identifiers/0"),
    "101 of them": ("POST /v1/contacts", {"identifiers": ["crm:1"] * 101}, 422, "invalid_body", "/identifiers"),
    "another kind": ("POST /v1/contacts", {"kind": "dog"}, 422, "invalid_body", "/kind"),
    "an unknown field": ("POST /v1/contacts", {"colour": "red"}, 422, "invalid_body", "/colour"),
    "traits in a list": ("POST /v1/contacts", {"traits": ["x"]}, 422, "invalid_body", "/traits"),
    "NUL in a trait": ("POST /v1/contacts", {"traits": {"a": "\0"}}, 422, "invalid_body", "/traits/a"),
    "a huge number": ("POST /v1/contacts", {"traits": {"a": 2**64}}, 422, "invalid_body", "/traits/a"),
    "half a surrogate pair": ("POST /v1/contacts", {"traits": {"a": "\ud800"}}, 422, "invalid_body", "/traits/a"),
    "101 traits": (
        "POST /v1/contacts", {"traits": {f"{n}": n for n in range(101)}}, 422, "invalid_body", "/traits",
    ),
    "larger than an event": ("POST /v1/contacts", {"traits": {"a": "x" * 300_000}}, 413, "event_too_large", ""),
    "no traits": (f"PATCH /v1/contacts/{KNOWN}", {"traits": None}, 422, "invalid_body", "/traits"),
    "no change": (f"PATCH /v1/contacts/{KNOWN}", {"traits": {}}, 422, "invalid_body", "/traits"),
    "a change beside traits": (f"PATCH /v1/contacts/{KNOWN}", {"kind": "person"}, 422, "invalid_body", "/kind"),
    "a change too large": (f"PATCH /v1/contacts/{KNOWN}", {"traits": {"a": "x" * 300_000}}, 413, "event_too_large", ""),
    "no identifier": (
        f"POST /v1/contacts/{KNOWN}/identifiers", {"identifier": None}, 422, "invalid_body", "/identifier",
    ),
    "a link of no name": (
        f"POST /v1/contacts/{KNOWN}/identifiers", {"identifier": "ada"}, 422, "invalid_body", "/identifier",
    ),
    "no members": ("POST /v1/merges", {"members": None}, 422, "invalid_body", "/members"),
    "one member": ("POST /v1/merges", {"members": [KNOWN]}, 422, "invalid_body", "/members"),
    "a member that is no ref": ("POST /v1/merges", {"members": [KNOWN, "ada"]}, 400, "bad_ref", "/members/1"),
    "a member that nobody knows": (
        "POST /v1/merges", {"members": [KNOWN, NOBODYS]}, 404, "contact_unknown", "/members/1",
    ),
    "a merge without reason": ("POST /v1/merges", {"reason": None}, 422, "invalid_body", "/reason"),
    "a merge with an empty reason": ("POST /v1/merges", {"reason": ""}, 422, "invalid_body", "/reason"),
    "no holder": (f"POST /v1/conflicts/{NOBODYS}/resolution", {"holder": None}, 422, "invalid_body", "/holder"),
    "a holder that is no ref": (
        f"POST /v1/conflicts/{NOBODYS}/resolution", {"holder": "ada"}, 400, "bad_ref", "/holder",
    ),
    "no reason": (f"POST /v1/conflicts/{NOBODYS}/resolution", {"reason": None}, 422, "invalid_body", "/reason"),
    "nothing to look up": ("POST /v1/lookup", {"identifier": None}, 422, "invalid_body", "/identifier"),
    "no name to look up": ("POST /v1/lookup", {"identifier": "email:ada"}, 422, "invalid_body", "/identifier"),
    "nobody's name": ("POST /v1/lookup", {"identifier": "crm:refusals-nobody"}, 404, "contact_unknown", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", FIELDS)
def test_a_bad_field_is_refused(api: Api, name: str) -> None:
    route, changes, status, code, pointer = FIELDS[name]
    body = {field: value for field, value in (BODY_ROUTES[route] | changes).items() if value is not None}
    refused(sent(api, route, body), status, code, *([pointer] if pointer else []))


@pytest.mark.parametrize("route", BODY_ROUTES)
@pytest.mark.parametrize("name", BODIES)
def test_a_bad_body_is_refused(api: Api, route: str, name: str) -> None:
    body, status, code = BODIES[name]
    refused(sent(api, route, body), status, "invalid_body" if status == 422 else code)


@pytest.mark.parametrize("route", BODY_ROUTES)
def test_another_media_type_and_too_large_a_body_are_refused(api: Api, route: str) -> None:
    for media_type in ("text/plain", ""):
        response = sent(api, route, BODY_ROUTES[route], headers={"content-type": media_type})
        refused(response, 415, "unsupported_media_type")
    refused(sent(api, route, b" " * ((8 << 20) + 1)), 413, "body_too_large")


@pytest.mark.parametrize("route", [route for route in WRITES if "lookup" not in route])
def test_a_bad_idempotency_key_is_refused(api: Api, route: str) -> None:
    for key in (b"", b"x" * 256, b"a\tb", "é".encode()):
        response = sent(api, route, WRITES[route], headers={"idempotency-key": key})
        refused(response, 400, "bad_idempotency_key")


@pytest.mark.parametrize("route", [*WRITES, *(f"GET {path}" for path in READS)])
def test_every_route_waits_for_a_position(api: Api, system: System, route: str) -> None:
    token, body = system.position(), WRITES.get(route)
    waits = {"params": {"min_position": ahead(token, "identity")}, "headers": {"prefer": "wait=0"}}
    refused(sent(api, route, body, **waits), 503, "position_not_reached")
    refused(sent(api, route, body, params={"min_position": "x"}), 400, "bad_position")
    refused(sent(api, route, body, params={"min_position": token, "colour": "red"}), 400, "bad_parameter")


def test_a_link_is_not_made_to_what_has_changed_since(api: Api) -> None:
    response = sent(
        api, f"POST /v1/contacts/{KNOWN}/identifiers", {"identifier": someone()}, headers={"if-match": '"x"'}
    )
    refused(response, 412, "precondition_failed")
