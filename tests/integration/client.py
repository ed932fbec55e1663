"""Speaks HTTP to a running system, as other systems and frontends do."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx
import msgspec

from libs.events.position import Partition, Positions, decode, encode, merge
from libs.events.topics import SCORING
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
    """All services of a system. What is read through its methods covers all that was written through it."""

    def __init__(self, system: System) -> None:
        self.system = system
        hooks = {"response": [self._remember]}
        self.contacts = httpx.Client(base_url=system.contacts, timeout=30, event_hooks=hooks)
        self.interactions = httpx.Client(base_url=system.interactions, timeout=30, event_hooks=hooks)
        self.feedback = httpx.Client(base_url=system.feedback, timeout=30, event_hooks=hooks)
        self.scoring = httpx.Client(base_url=system.scoring, timeout=30, event_hooks=hooks)
        self.timeline = httpx.Client(base_url=system.timeline, timeout=30)
        self._written: Positions = {}
        self._log: UUID | None = None

    def _remember(self, response: httpx.Response) -> None:
        token = response.headers.get("rapport-position")
        if response.request.method != "GET" and token:
            self._log = log_of(token)
            self._written = merge(self._written, decode(token, self._log))

    def _after_all(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """The parameters of a read that waits for what was written, unless it says itself what to wait for."""
        return params if self._log is None else {"min_position": encode(self._log, self._written), **params}

    @property
    def clients(self) -> tuple[httpx.Client, ...]:
        return self.contacts, self.interactions, self.feedback, self.scoring, self.timeline

    def close(self) -> None:
        for client in self.clients:
            client.close()

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

    def register(self, *identifiers: str, headers: Mapping[str, str] | None = None, **fields: object) -> httpx.Response:
        """Register a contact that goes by these names."""
        return self.contacts.post("/v1/contacts", json={"identifiers": identifiers, **fields}, headers=headers)

    def registered(self, *identifiers: str, **fields: Any) -> str:
        """The id of a contact that is registered now."""
        return str(created(self.register(*identifiers, **fields))["id"])

    def link(
        self, ref: str, identifier: str, *, headers: Mapping[str, str] | None = None, **fields: object
    ) -> httpx.Response:
        body = {"identifier": identifier, **fields}
        return self.contacts.post(f"/v1/contacts/{escaped(ref)}/identifiers", json=body, headers=headers)

    def unlink(self, ref: str, identifier: str, **params: str) -> httpx.Response:
        return self.contacts.delete(f"/v1/contacts/{escaped(ref)}/identifiers/{escaped(identifier)}", params=params)

    def merge(
        self, *members: str, reason: str = "the same", headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        return self.contacts.post("/v1/merges", json={"members": members, "reason": reason}, headers=headers)

    def merged(self, *members: str) -> str:
        """The id of a merge that holds now."""
        return str(created(self.merge(*members))["id"])

    def unmerge(self, merge: str, **params: str) -> httpx.Response:
        return self.contacts.delete(f"/v1/merges/{merge}", params=params)

    def unmerged(self, merge: str) -> None:
        response = self.unmerge(merge)
        assert response.status_code == 204, response.text

    def change(
        self, ref: str, if_match: str | None = "*", *, headers: Mapping[str, str] | None = None, **traits: object
    ) -> httpx.Response:
        """Change traits."""
        match = {} if if_match is None else {"If-Match": if_match}
        url = f"/v1/contacts/{escaped(ref)}"
        return self.contacts.patch(url, json={"traits": traits}, headers={**match, **(headers or {})})

    def resolve(self, conflict: str, holder: str, reason: str = "asked them") -> httpx.Response:
        return self.contacts.post(f"/v1/conflicts/{conflict}/resolution", json={"holder": holder, "reason": reason})

    def contact(self, ref: str, **params: Any) -> Any:
        """A contact, of whom somebody must have heard."""
        return ok(self.contacts.get(f"/v1/contacts/{escaped(ref)}", params=self._after_all(params)))

    def etag(self, ref: str) -> str:
        response = self.contacts.get(f"/v1/contacts/{escaped(ref)}")
        ok(response)
        return response.headers["etag"]

    def graph(self, ref: str) -> Any:
        return ok(self.contacts.get(f"/v1/contacts/{escaped(ref)}/graph", params=self._after_all({})))

    def open_board(self, *, headers: Mapping[str, str] | None = None, **board: object) -> httpx.Response:
        return self.feedback.post("/v1/boards", json={"title": "What next?", **board}, headers=headers)

    def opened(self, **board: Any) -> str:
        """The id of a board that is open now; everyone may vote there, for or not, unless it says otherwise."""
        return str(created(self.open_board(**board))["id"])

    def submit(
        self, board: str, contact: str, *, headers: Mapping[str, str] | None = None, **fields: object
    ) -> httpx.Response:
        body = {"board": board, "contact": contact, "title": "Deliver on Saturdays", "touchpoint": "service", **fields}
        return self.feedback.post("/v1/ideas", json=body, headers=headers, params=self._after_all({}))

    def submitted(self, board: str, contact: str, **fields: Any) -> str:
        """The id of an idea that is submitted now."""
        return str(created(self.submit(board, contact, **fields))["id"])

    def vote(
        self, idea: str, voter: str, *, headers: Mapping[str, str] | None = None, **fields: object
    ) -> httpx.Response:
        """Vote, or change a vote; feedback knows by then who was registered or merged before."""
        body = {"idea": idea, "voter": voter, **fields}
        return self.feedback.post("/v1/votes", json=body, headers=headers, params=self._after_all({}))

    def voted(self, idea: str, voter: str, **fields: Any) -> Any:
        """A vote that is cast now."""
        return created(self.vote(idea, voter, **fields))

    def idea(self, id_: str, **params: Any) -> Any:
        return ok(self.feedback.get(f"/v1/ideas/{id_}", params=self._after_all(params)))

    def tally(self, id_: str, **params: Any) -> Any:
        """Who stands behind an idea: people, unregistered, up, down, net, credits."""
        return ok(self.feedback.get(f"/v1/ideas/{id_}/tally", params=self._after_all(params)))["tally"]

    def posted(self, *events: Event) -> str:
        """Post events and give the position after them."""
        response = self.post_batch(list(events))
        assert response.status_code == 202, response.text
        position: str = response.json()["position"]
        return position

    def page(self, ref: str, **params: Any) -> Any:
        """A page of a timeline, of which everything must be right.

        What scoring announces by itself comes when it comes: it is left out, unless it is asked for.
        """
        response = self.timeline.get(f"/v1/timeline/{ref}", params=self._after_all(params))
        assert response.status_code == 200, response.text
        page = response.json()
        if not {"service", "type"} & params.keys():
            page["items"] = [item for item in page["items"] if item["service"] != SCORING.name]
        return page

    def ids(self, ref: str, **params: Any) -> list[str]:
        """The sender's ids on a page."""
        return [item["event_id"] for item in self.page(ref, **params)["items"]]

    def found(self, event_id: str, **params: str) -> list[Any]:
        """What became of an event."""
        response = self.interactions.get(f"/v1/events/{event_id}", params=self._after_all(params))
        assert response.status_code == 200, response.text
        items: list[Any] = response.json()["items"]
        return items

    def records(self) -> int:
        """How many records the log holds of what requests write: what scoring announces comes when it comes."""
        token = self.system.position()
        ends = decode(token, log_of(token))
        return sum(offset for partition, offset in ends.items() if partition.topic != SCORING.name)

    @contextmanager
    def stores(self, records: int) -> Iterator[None]:
        """What happens in the block appends exactly so many records, and leaves all services ready."""
        before = self.records()
        yield
        assert self.records() - before == records
        assert all(client.get("/readyz").status_code == 200 for client in self.clients)


def ok(response: httpx.Response) -> Any:
    assert response.status_code == 200, response.text
    return response.json()


def created(response: httpx.Response) -> Any:
    assert response.status_code == 201, response.text
    return response.json()


def escaped(ref: str) -> str:
    """A ref as it stands in a path."""
    return quote(ref, safe="")


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
