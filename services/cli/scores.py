"""`rapport score`: a person's numbers, each with what it is made of."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx

from libs.events.identifiers import Nodes
from services.cli.asking import answered, asking, identifier_of
from services.cli.receipts import show_receipts
from services.cli.system import find_system

Document = Mapping[str, Any]


class Question(NamedTuple):
    """Whose score is asked for; without a definition, every score."""

    ref: str
    definition: str | None
    currency: str | None
    events: int


class Scoring(NamedTuple):
    """Where scoring answers, and how names become nodes; None where only the address is known."""

    url: str
    nodes: Nodes | None


def scoring(url: str | None) -> Scoring:
    """At this address, else in the running system. Raises Failure."""
    if url is not None:
        return Scoring(url.rstrip("/"), None)
    system = find_system()
    (place,) = system.chosen("scoring")
    return Scoring(place.url, system.nodes)


def show(question: Question, *, url: str | None, as_json: bool) -> None:
    """Raises Failure, with the service's words for what it refuses."""
    where = scoring(url)
    with asking() as client:
        found = scores(client, where, question)
        if not as_json:
            show_receipts(found, definitions(client, where.url))
            return
    print(json.dumps(found, indent=2, ensure_ascii=False))


def scores(client: httpx.Client, where: Scoring, question: Question) -> dict[str, Any]:
    """What the service answers. Raises Failure."""
    ref, definition, currency, events = question
    path = f"/v1/scores/{_path_of(ref, where.nodes)}"
    if definition is not None:
        path += f"/{quote(definition, safe='')}"
    query = {"events": str(events)} | ({} if currency is None else {"currency": currency})
    found: dict[str, Any] = answered(client.get(f"{where.url}{path}", params=query), 200)
    return found


def definitions(client: httpx.Client, url: str) -> dict[str, Document]:
    """By id. Raises Failure."""
    items: Iterable[Document] = answered(client.get(f"{url}/v1/definitions"), 200)["items"]
    return {each["id"]: each for each in items}


def _path_of(ref: str, nodes: Nodes | None) -> str:
    """A name goes as its node where that can be told: then it stands in nobody's access log. Raises Failure."""
    if (identifier := identifier_of(ref)) is None:
        return ref
    return quote(str(identifier), safe="") if nodes is None else str(nodes.of(identifier))
