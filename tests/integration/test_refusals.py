"""Bad input, on every route: refused by its name and place, nothing stored, the service stays ready."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.integration.bad_bodies import BODIES
from tests.integration.client import (
    BATCH,
    STRUCTURED,
    Api,
    foreign,
    purchase,
    refused,
    someone,
)
from tests.integration.conftest import System

AMENDED = "rapport.interactions.interaction.amended.v1"


@pytest.fixture(scope="module")
def api(system: System) -> Iterator[Api]:
    """Nothing that is sent through it may be stored."""
    made = Api(system)
    with made.stores(0):
        yield made
    made.close()


def event(**changes: object) -> dict[str, Any]:
    """A good one but for the changes; None takes an attribute away."""
    changed = purchase(someone()) | changes
    return {name: value for name, value in changed.items() if value is not None}


def data(**changes: object) -> dict[str, Any]:
    fields = {"amount_minor": 1, "currency": "GBP", "order": "1"} | changes
    return event(data={name: value for name, value in fields.items() if value is not None})


EVENTS = {
    "no specversion": (event(specversion=None), "/specversion", "required"),
    "specversion 0.3": (event(specversion="0.3"), "/specversion", "not_allowed"),
    "no id": (event(id=None), "/id", "required"),
    "empty id": (event(id=""), "/id", "empty"),
    "id is a number": (event(id=7), "/id", "type"),
    "id too long": (event(id="x" * 513), "/id", "too_long"),
    "a line end in the id": (event(id="a\nb"), "/id", "control_character"),
    "no source": (event(source=None), "/source", "required"),
    "source is no URI": (event(source="a b"), "/source", "format"),
    "our source": (event(source="/interactions"), "/source", "reserved_source"),
    "below our source": (event(source="/feedback/ideas/1"), "/source", "reserved_source"),
    "no type": (event(type=None), "/type", "required"),
    "unknown type of ours": (event(type="rapport.interactions.purchase.recorded.v9"), "/type", "unknown_type"),
    "a decision": (event(type=AMENDED), "/type", "not_an_observation"),
    "a control event": (event(type="rapport.operations.log.created.v1"), "/type", "not_an_observation"),
    "a type of another service": (event(type="rapport.feedback.vote.cast.v1"), "/type", "not_an_observation"),
    "no subject": (event(subject=None), "/subject", "required"),
    "subject without namespace": (event(subject="ada"), "/subject", "bad_identifier"),
    "subject without value": (event(subject="crm:  "), "/subject", "bad_identifier"),
    "subject with a control character": (event(subject="crm:a\nb"), "/subject", "control_character"),
    "subject with U+FFFD": (event(subject="crm:\ufffd"), "/subject", "bad_identifier"),
    "subject too long": (event(subject="crm:" + "é" * 257), "/subject", "bad_identifier"),
    "two at signs": (event(subject="email:a@b@c"), "/subject", "bad_email"),
    "no telephone number": (event(subject="tel:030 1234"), "/subject", "bad_telephone"),
    "no contact": (event(subject="contact:ada"), "/subject", "bad_contact"),
    "time without offset": (event(time="2026-03-02T10:15:00"), "/time", "bad_time"),
    "time is a day": (event(time="2026-03-02"), "/time", "bad_time"),
    "time is a number": (event(time=1_700_000_000), "/time", "type"),
    "time far ahead": (event(time="2999-01-01T00:00:00Z"), "/time", "time_ahead"),
    "time before the calendar": (event(time="0001-01-01T00:00:00+23:00"), "/time", "bad_time"),
    "data is no JSON": (event(datacontenttype="text/xml"), "/datacontenttype", "not_allowed"),
    "binary data": (event(data_base64="AAAA"), "/data_base64", "binary_data"),
    "upper-case attribute": (event(traceParent="x"), "/traceParent", "attribute_name"),
    "attribute is an object": (event(extra={}), "/extra", "type"),
    "attribute beyond 32 bits": (event(extra=2**31), "/extra", "range"),
    "sequence": (event(sequence="1"), "/sequence", "reserved_attribute"),
    "subjectnode": (event(subjectnode="1"), "/subjectnode", "reserved_attribute"),
    "recordedtime": (event(recordedtime="1"), "/recordedtime", "reserved_attribute"),
    "no data": (event(data=None), "/data", "required"),
    "data is a list": (event(data=[]), "/data", "type"),
    "a field is missing": (data(order=None), "/data/order", "required"),
    "an unknown field": (data(colour="red"), "/data/colour", "unknown_field"),
    "a negative amount": (data(amount_minor=-1), "/data/amount_minor", "range"),
    "an amount that is text": (data(amount_minor="1"), "/data/amount_minor", "type"),
    "an amount with a point": (data(amount_minor=1.5), "/data/amount_minor", "type"),
    "an amount beyond 64 bits": (data(amount_minor=2**63), "/data/amount_minor", "number_range"),
    "no such currency": (data(currency="XXQ"), "/data/currency", "not_allowed"),
    "a misspelt channel": (data(channel="telefone"), "/data/channel", "unknown_term"),
    "a misspelt touchpoint": (data(touchpoint="biling"), "/data/touchpoint", "unknown_term"),
    "a direction of its own": (data(direction="up"), "/data/direction", "not_allowed"),
    "NUL in a text": (data(order="a\0b"), "/data/order", "nul_character"),
    "NUL in a key": (event(data={"a\0": 1}), "/data", "nul_character"),
    "half a surrogate pair": (data(order="\ud800"), "/data/order", "lone_surrogate"),
    "half a surrogate pair in the id": (event(id="\udfff"), "/id", "lone_surrogate"),
    "NUL in data of a foreign type": (foreign(someone(), data=["\0"]), "/data/0", "nul_character"),
    "a huge number in it": (foreign(someone(), data={"n": 10**400}), "/data/n", "number_range"),
}


@pytest.mark.parametrize("name", EVENTS)
def test_a_bad_event_is_refused_in_structured_mode(api: Api, name: str) -> None:
    body, pointer, code = EVENTS[name]
    problem = refused(api.post(body), 422, "invalid_event")
    assert {"pointer": pointer, "code": code} in [
        {"pointer": e["pointer"], "code": e["code"]} for e in problem["errors"]
    ], problem


@pytest.mark.parametrize("name", EVENTS)
def test_a_bad_event_is_refused_in_a_batch_by_its_index(api: Api, name: str) -> None:
    body, pointer, code = EVENTS[name]
    problem = refused(api.post_batch([event(), body]), 422, "invalid_event")
    assert (f"/1{pointer}", code) in [(e["pointer"], e["code"]) for e in problem["errors"]], problem


@pytest.mark.parametrize("media_type", [STRUCTURED, BATCH])
@pytest.mark.parametrize("name", BODIES)
def test_a_bad_body_is_refused(api: Api, name: str, media_type: str) -> None:
    body, status, code = BODIES[name]
    refused(api.send(body, media_type), status, code)


@pytest.mark.parametrize("name", [name for name in BODIES if name not in {"empty", "space"}])
def test_a_bad_body_in_a_batch_is_refused(api: Api, name: str) -> None:
    body, status, code = BODIES[name]
    refused(api.send(b"[%s]" % body, BATCH), status, code)


@pytest.mark.parametrize("name", [name for name in BODIES if name not in {"empty", "null", "a text"}])
def test_bad_data_in_binary_mode_is_refused(api: Api, name: str) -> None:
    body, status, code = BODIES[name]
    refused(binary(api, body, ce_type="com.example.x"), status, code)


def binary(api: Api, body: bytes, **headers: str | bytes) -> httpx.Response:
    attributes: dict[str, str | bytes] = {
        "ce-specversion": "1.0",
        "ce-id": "1",
        "ce-source": "urn:x",
        "ce-type": "rapport.interactions.purchase.recorded.v1",
        "ce-subject": someone(),
        "content-type": "application/json",
    }
    attributes |= {name.replace("_", "-"): value for name, value in headers.items()}
    return api.interactions.post("/v1/events", content=body, headers=attributes)  # type: ignore[arg-type]


GOOD_DATA = b'{"amount_minor":1,"currency":"GBP","order":"1"}'


@pytest.mark.parametrize(
    ("headers", "status", "pointer"),
    [
        ({"ce_subject": "nobody"}, 422, "/subject"),
        ({"ce_subject": b"crm:J\xc3\xbcrgen"}, 400, "/subject"),
        ({"ce_subject": "crm:%ff"}, 400, "/subject"),
        ({"ce_subject": "crm:%00"}, 422, "/subject"),
        ({"ce_id": ""}, 422, "/id"),
        ({"ce_sequence": "1"}, 422, "/sequence"),
        ({"ce_bad_name": "1"}, 422, "/bad-name"),
    ],
)
def test_a_bad_header_in_binary_mode_is_refused(
    api: Api, headers: dict[str, str | bytes], status: int, pointer: str
) -> None:
    response = binary(api, GOOD_DATA, **headers)
    assert response.status_code == status
    problem = refused(response, status, response.json()["code"])
    assert pointer in [error["pointer"] for error in problem["errors"]]


def test_a_header_that_stands_twice_in_binary_mode_is_refused(api: Api) -> None:
    headers = [("content-type", "application/json"), ("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-id", "2")]
    response = api.interactions.post("/v1/events", content=GOOD_DATA, headers=headers)
    refused(response, 400, "duplicate_attribute", "/id")


@pytest.mark.parametrize(
    "media_type", ["", "text/plain", "application/json", "application/cloudevents+xml", "multipart/form-data", "\xff"]
)
def test_another_media_type_is_refused(api: Api, media_type: str) -> None:
    headers = {"content-type": media_type.encode("latin-1")}
    response = api.interactions.post("/v1/events", content=json.dumps(event()), headers=headers)  # type: ignore[arg-type]
    refused(response, 415, "unsupported_media_type")


def test_no_media_type_is_refused(api: Api) -> None:
    refused(api.interactions.post("/v1/events", content=b"{}"), 415, "unsupported_media_type")


@pytest.mark.parametrize("query", ["dry_run=perhaps", "lenient=true", "dry_run=true&x=1", "dry_run=true&dry_run=false"])
def test_an_unknown_parameter_of_ingest_is_refused(api: Api, query: str) -> None:
    response = api.interactions.post(f"/v1/events?{query}", json=event(), headers={"content-type": STRUCTURED})
    refused(response, 400, "bad_parameter")


def test_a_body_that_breaks_off_is_not_taken_for_the_whole(api: Api, system: System) -> None:
    attributes = "ce-specversion: 1.0\r\nce-id: 1\r\nce-source: urn:x\r\nce-type: com.example.x\r\nce-subject: crm:1"
    head = f"POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{attributes}"
    with socket.create_connection(("127.0.0.1", system.ports["interactions"])) as connection:
        connection.sendall(f"{head}\r\ncontent-length: 5\r\n\r\n123".encode())
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)
