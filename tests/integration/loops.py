"""What tests ask of comments, changes and the figures of the loop, beyond what boards have."""

from itertools import count
from typing import Any

import httpx

from tests.integration.boards import Boards, Headers
from tests.integration.client import created, escaped, ok

_numbers = count(1)

MET: dict[str, Any] = {
    "metric": "calls", "baseline": 10, "target": 20, "actual": 20.0, "method": "counted", "n": 40,
    "for_whom": "customer",
}  # fmt: skip
MISSED = MET | {"actual": 19.5}


def touchpoint() -> str:
    """A company's own, which no other test uses."""
    return f"acme:loop_{next(_numbers)}"


class Loops(Boards):
    """Through an api; what is read covers all that was written through it."""

    def comment(self, idea: str, contact: str | None = None, *, headers: Headers = None, **fields: object) -> Any:
        body = {"idea": idea, "text": "The hour too", **({} if contact is None else {"contact": contact}), **fields}
        return self.send("POST", "/v1/comments", body, headers=headers)

    def commented(self, idea: str, contact: str | None = None, **fields: Any) -> str:
        """The id of a comment that is posted now."""
        return str(created(self.comment(idea, contact, **fields))["id"])

    def remove(self, comment: str, *, headers: Headers = None, **params: Any) -> httpx.Response:
        return self.send("DELETE", f"/v1/comments/{comment}", headers=headers, **params)

    def comments(self, **params: Any) -> list[str]:
        """The ids of all pages."""
        return [item["id"] for item in self.walk("/v1/comments", **params)]

    def link(self, *ideas: str, headers: Headers = None, **fields: object) -> httpx.Response:
        body = {"title": "The delivery day in the basket", "ideas": ideas, **fields}
        return self.send("POST", "/v1/changes", body, headers=headers)

    def linked(self, *ideas: str, **fields: Any) -> str:
        """The id of a change that is linked to ideas now."""
        return str(created(self.link(*ideas, **fields))["id"])

    def take(self, change: str, step: str, *, headers: Headers = None, **fields: object) -> httpx.Response:
        """One of ideas, shipment, outcomes, closing and reopening."""
        return self.send("POST", f"/v1/changes/{change}/{step}", fields, headers=headers)

    def took(self, change: str, step: str, **fields: Any) -> Any:
        """The change after a step."""
        return ok(self.take(change, step, **fields))

    def shipped(self, *ideas: str) -> str:
        """The id of a change that has shipped now."""
        change = self.linked(*ideas)
        self.took(change, "shipment")
        return change

    def at(self, change: str) -> Any:
        return ok(self.get(f"/v1/changes/{change}"))

    def changes(self, **params: Any) -> list[str]:
        """The ids of all pages."""
        return [item["id"] for item in self.walk("/v1/changes", **params)]

    def tell(self, change: str, ref: str, *, headers: Headers = None, **fields: object) -> httpx.Response:
        path = f"/v1/changes/{change}/beneficiaries/{escaped(ref)}/notification"
        return self.send("POST", path, {"channel": "email", **fields}, headers=headers)

    def beneficiaries(self, change: str, **params: Any) -> list[Any]:
        return self.walk(f"/v1/changes/{change}/beneficiaries", **params)

    def figures(self, **params: Any) -> Any:
        return ok(self.get("/v1/loop", **params))
