"""Speaks HTTP to a running system, as other systems and frontends do."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any
from uuid import UUID

import httpx
import msgspec

from libs.events.position import Partition, encode
from tests.integration.conftest import System

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
PROBLEM = "application/problem+json"
PURCHASE = "rapport.interactions.purchase.recorded.v1"

_numbers = count(1)

Event = dict[str, Any]


def someone() -> str:
    """An identifier that no other test uses."""
    return f"crm:test-{next(_numbers)}"


def purchase(subject: str, id_: str | None = None, amount_minor: int = 100, **attributes: object) -> Event:
    """An event that can be posted as it is."""
    number = next(_numbers)
    return {
        "specversion": "1.0",
        "id": id_ or f"order-{number}",
        "source": "urn:example:shop",
        "type": PURCHASE,
        "subject": subject,
        "data": {"amount_minor": amount_minor, "currency": "GBP", "order": f"{number}"},
        **attributes,
    }


def foreign(subject: str, id_: str | None = None, **attributes: object) -> Event:
    """An event of a sender's own type."""
    event = purchase(subject, id_) | {"type": "com.example.cart.abandoned", "data": {"cart": "K-3"}}
    return event | attributes


class Api:
    """Both services of a system."""

    def __init__(self, system: System) -> None:
        self.interactions = httpx.Client(base_url=system.interactions, timeout=30)
        self.timeline = httpx.Client(base_url=system.timeline, timeout=30)

    def close(self) -> None:
        self.interactions.close()
        self.timeline.close()

    def post(self, event: object, **more: Any) -> httpx.Response:
        """One event in structured mode; bytes go as they are."""
        return self.send(event, STRUCTURED, **more)

    def post_batch(self, events: object, **more: Any) -> httpx.Response:
        return self.send(events, BATCH, **more)

    def send(
        self, body: object, media_type: str, *, headers: Mapping[str, str] | None = None, **params: str
    ) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        all_headers = {"content-type": media_type, **(headers or {})}
        return self.interactions.post("/v1/events", content=content, headers=all_headers, params=params)

    def record(self, contact: str, *, headers: Mapping[str, str] | None = None, **fields: object) -> httpx.Response:
        """Record an interaction."""
        body = {"contact": contact, "channel": "telephone", "direction": "inbound", **fields}
        return self.interactions.post("/v1/interactions", json=body, headers=headers)

    def posted(self, *events: Event) -> str:
        """Post events and give the position after them."""
        response = self.post_batch(list(events))
        assert response.status_code == 202, response.text
        position: str = response.json()["position"]
        return position

    def page(self, ref: str, **params: Any) -> Any:
        """A page of a timeline, of which everything must be right."""
        response = self.timeline.get(f"/v1/timeline/{ref}", params=params)
        assert response.status_code == 200, response.text
        return response.json()

    def ids(self, ref: str, **params: Any) -> list[str]:
        """The sender's ids on a page."""
        return [item["event_id"] for item in self.page(ref, **params)["items"]]

    def found(self, event_id: str, **params: str) -> list[Any]:
        """What became of an event."""
        response = self.interactions.get(f"/v1/events/{event_id}", params=params)
        assert response.status_code == 200, response.text
        items: list[Any] = response.json()["items"]
        return items

    def records(self) -> int:
        """How many records interactions has folded, one of them posted for the purpose."""
        token = self.posted(foreign("crm:marker"))
        response = self.interactions.get("/v1/schemas", params={"min_position": token})
        _, reached = msgspec.msgpack.decode(unpadded(response.headers["rapport-position"]))
        return sum(offset for partitions in reached.values() for offset in partitions.values())

    @contextmanager
    def stores(self, records: int) -> Iterator[None]:
        """What happens in the block appends exactly so many records, and leaves both services ready."""
        before = self.records()
        yield
        assert self.records() - before - 1 == records
        assert self.interactions.get("/readyz").status_code == 200
        assert self.timeline.get("/readyz").status_code == 200


def unpadded(token: str) -> bytes:
    return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))


def log_of(token: str) -> UUID:
    log, _ = msgspec.msgpack.decode(unpadded(token))
    return UUID(bytes=log)


def ahead(token: str, topic: str = "interactions") -> str:
    """A position of the same log that nobody has written yet."""
    return encode(log_of(token), {Partition(topic, 0): 2**62})


def refused(response: httpx.Response, status: int, code: str, *pointers: str) -> Any:
    """The problem document, which has the shape that every refusal has."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == PROBLEM
    problem = response.json()
    assert problem["code"] == code, problem
    assert problem["type"] == f"urn:rapport:problem:{code}"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert not any(
        word in response.text for word in ("Traceback", "Error(", ".py", "msgspec", "pydantic", "sqlalchemy")
    )
    errors = problem.get("errors", [])
    assert all(error.keys() == {"pointer", "code", "detail"} and error["detail"] for error in errors)
    if pointers:
        assert [error["pointer"] for error in errors] == list(pointers), errors
    return problem


def codes(problem: Any) -> Sequence[str]:
    """The codes of a problem's errors."""
    return [error["code"] for error in problem["errors"]]
