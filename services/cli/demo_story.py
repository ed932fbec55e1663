"""What the demo does to a running system, step by step."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec

from services.cli.asking import document_of
from services.cli.importing.contacts import contact_body, key_of

_WAITING = {"prefer": "wait=10"}  # seconds that a service may wait for what was just written
_encode = msgspec.json.Encoder(order="deterministic").encode


class Story:
    """Every step raises Failure."""

    def __init__(self, client: httpx.Client, urls: Mapping[str, str]) -> None:
        self.client = client
        self.urls = urls
        self._positions: dict[str, str] = {}

    def write(self, method: str, service: str, path: str, body: bytes, *expected: int, **headers: str) -> Any:
        """What is answered. Whatever comes next sees what was written."""
        sent = {"content-type": "application/json"} | {name.replace("_", "-"): text for name, text in headers.items()}
        answer = self.client.request(method, self._url(service, path), content=body, headers=_WAITING | sent)
        document = document_of(answer, *expected)
        if position := answer.headers.get("rapport-position"):
            self._positions[service] = position
        return document

    def once(self, service: str, path: str, body: bytes, *expected: int) -> Any:
        """Under a key that is made of the body: told again, the answer is that of the first time."""
        return self.write("POST", service, path, body, *expected, idempotency_key=key_of(body))

    def register(self, name: str, identifiers: list[str], *expected: int) -> Any:
        return self.once("contacts", "/v1/contacts", contact_body("person", identifiers, {"name": name}), *expected)

    def tell(self, path: str, **body: object) -> Any:
        """A command to feedback."""
        return self.once("feedback", path, _encode(body), 200, 201)

    def tally(self, idea: str) -> Any:
        return self._read("feedback", f"/v1/ideas/{idea}/tally")["tally"]

    def score(self, ref: str, definition: str) -> Any:
        return self._read("scoring", f"/v1/scores/{ref}/{definition}?events=2")

    def definitions(self) -> Any:
        return {each["id"]: each for each in self._read("scoring", "/v1/definitions")["items"]}

    def timeline(self, ref: str, **query: str) -> list[dict[str, Any]]:
        path = f"/v1/timeline/{ref}?{urlencode({'limit': 500, **query})}"
        items: list[dict[str, Any]] = self._read("timeline", path)["items"]
        return items

    def entries(self, ref: str) -> int:
        """What happened with a person, as far as interactions say."""
        return len(self.timeline(ref, service="interactions"))

    def _read(self, service: str, path: str) -> Any:
        return document_of(self.client.get(self._url(service, path), headers=_WAITING), 200)

    def _url(self, service: str, path: str) -> httpx.URL:
        """It waits for all that was written."""
        after_all = {"min_position": list(self._positions.values())}
        return httpx.URL(f"{self.urls[service]}{path}").copy_merge_params(after_all)
