"""The decisions of the load: about few people, so that they meet each other, and with what was learned from answers."""

import random
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote
from uuid import UUID

import httpx
import msgspec

from libs.service.commands import command_id
from tests.faults.history import Effect, Kind, Operation

DECIDED_ABOUT = 150
WEIGHTS = {
    Kind.REGISTER: 3,
    Kind.LINK: 2,
    Kind.UNLINK: 1,
    Kind.TRAITS: 4,
    Kind.MERGE: 1,
    Kind.UNMERGE: 1,
    Kind.RESOLVE: 1,
    Kind.AMEND: 1,
    Kind.COMPLETE: 1,
}
"""15 of a hundred operations."""

REFUSED = {404, 409, 412}
"""What a rule or a precondition says no with; anything else of 4xx is a mistake of the load."""

OF_CONTACTS = ("/v1/contacts", "/v1/merges", "/v1/conflicts")

T = TypeVar("T")


class Request(NamedTuple):
    """A command; `ref` and `source` are those of the entry on the timeline that comes of it."""

    kind: Kind
    method: str
    path: str
    ref: str
    body: Any = None
    headers: Mapping[str, str] = MappingProxyType({})
    source: str = "/identity"


class Deciding:
    """Makes commands, and remembers the merges, conflicts, links, interactions and ETags that answers told of."""

    def __init__(self, seed: int, urls: Mapping[str, str], log_id: UUID) -> None:
        self._seed = seed
        self._urls = urls
        self._log_id = log_id
        self._links: list[tuple[str, str]] = []
        self._merges: list[tuple[str, str]] = []
        self._conflicts: list[tuple[str, tuple[str, str]]] = []
        self._interactions: list[tuple[str, str]] = []
        self._etags: dict[str, str] = {}

    def make(self, kind: Kind, choices: random.Random, number: int) -> Operation:
        """A change of traits where nothing is known that the kind could be about."""
        request = self._request(kind, choices, number)
        service = "contacts" if request.path.startswith(OF_CONTACTS) else "interactions"
        key = f"decide-{self._seed}-{number}"
        command = str(command_id(self._log_id, request.method, request.path, key))
        headers = {"content-type": "application/json", "idempotency-key": key, **request.headers}
        content = b"" if request.body is None else msgspec.json.encode(request.body)
        url = f"{self._urls[service]}{quote(request.path)}"
        shows = request.ref, request.source, command
        return Operation(number, request.kind, request.method, url, content, headers, (), service, command, shows)

    def _request(self, kind: Kind, choices: random.Random, number: int) -> Request:
        ref = _customer(choices)
        match kind:
            case Kind.REGISTER:
                names = [ref, _other_name(choices)]
                body = {"identifiers": names, "traits": {"name": f"Ada {number}"}}
                return Request(kind, "POST", "/v1/contacts", ref, body)
            case Kind.LINK:
                link = {"identifier": _other_name(choices), "evidence": f"asked, {number}"}
                return Request(kind, "POST", f"/v1/contacts/{ref}/identifiers", ref, link)
            case Kind.UNLINK if self._links:
                ref, name = _taken(choices, self._links)
                return Request(kind, "DELETE", f"/v1/contacts/{ref}/identifiers/{name}", ref)
            case Kind.MERGE:
                merge = {"members": [ref, _customer(choices)], "reason": f"same address, {number}"}
                return Request(kind, "POST", "/v1/merges", ref, merge)
            case Kind.UNMERGE if self._merges:
                undone, ref = _taken(choices, self._merges)
                return Request(kind, "DELETE", f"/v1/merges/{undone}", ref)
            case Kind.RESOLVE if self._conflicts:
                conflict, sides = _taken(choices, self._conflicts)
                holder = choices.choice(sides)
                resolution = {"holder": holder, "reason": f"asked, {number}"}
                return Request(kind, "POST", f"/v1/conflicts/{conflict}/resolution", holder, resolution)
            case Kind.AMEND | Kind.COMPLETE if self._interactions:
                return self._change(kind, choices, number)
            case _:
                patch = {"traits": {"note": number, f"field_{number % 3}": str(number)}}
                more = {"if-match": self._if_match(choices, ref)}
                return Request(Kind.TRAITS, "PATCH", f"/v1/contacts/{ref}", ref, patch, more, source="")

    def learn(self, operation: Operation, answer: httpx.Response) -> Effect:
        """What a 2xx or a refusal means, and what later commands may be about."""
        told = answer.json() if answer.content else {}
        if answer.status_code >= 400:
            if conflict := told.get("conflict"):
                self._conflicts.append((conflict, self._sides(operation)))
            return Effect.NONE
        if "etag" in answer.headers:
            self._etags[_about(operation)] = answer.headers["etag"]
        is_done = "rapport-position" in answer.headers
        match operation.kind:
            case Kind.REGISTER | Kind.LINK:
                is_done = answer.status_code == 201
                if is_done and operation.kind is Kind.LINK:
                    self._links.append((_about(operation), msgspec.json.decode(operation.body)["identifier"]))
            case Kind.MERGE:
                self._merges.append((told["id"], _about(operation)))
        return Effect.DONE if is_done else Effect.ALREADY_SO

    def learn_interaction(self, ref: str, answer: httpx.Response) -> None:
        if answer.status_code == 201:
            self._interactions.append((answer.json()["id"], ref))
            self._etags[answer.json()["id"]] = answer.headers["etag"]

    def _change(self, kind: Kind, choices: random.Random, number: int) -> Request:
        id_, ref = choices.choice(self._interactions)
        path, source = f"/v1/interactions/{id_}", f"/interactions/{id_}"
        more = {"if-match": self._if_match(choices, id_)}
        if kind is Kind.COMPLETE:
            return Request(kind, "POST", f"{path}/completion", ref, {"resolution": str(number)}, more, source)
        body = {"changes": {"summary": f"amended {number}"}, "reason": "misheard"}
        return Request(kind, "PATCH", path, ref, body, more, source)

    def _if_match(self, choices: random.Random, thing: str) -> str:
        """What was seen last, perhaps long ago, or anything."""
        return self._etags.get(thing, "*") if choices.random() < 0.5 else "*"

    def _sides(self, operation: Operation) -> tuple[str, str]:
        """Who claimed, and a name whose holder is the other side."""
        body = msgspec.json.decode(operation.body)
        match operation.kind:
            case Kind.REGISTER:
                return operation.command, body["identifiers"][1]
            case Kind.LINK:
                return _about(operation), body["identifier"]
            case _:
                return body["members"][0], body["members"][1]


def _about(operation: Operation) -> str:
    """The person, or the interaction, that the ETag of the answer is of."""
    assert operation.shows
    ref, source, _ = operation.shows
    return source.removeprefix("/interactions/") if source.startswith("/interactions/") else ref


def _customer(choices: random.Random) -> str:
    return f"crm:{choices.randrange(DECIDED_ABOUT)}"


def _other_name(choices: random.Random) -> str:
    """Each of them may be another's, too: a unique one is then disputed, a weak one shared."""
    n = choices.randrange(DECIDED_ABOUT)
    return choices.choice([f"email:c{n}@example.org", f"email:c{n}@example.org", f"tel:+4930{n:04}", f"device:d{n}"])


def _taken(choices: random.Random, known: list[T]) -> T:
    return known.pop(choices.randrange(len(known)))
