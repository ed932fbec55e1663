"""What tests ask of boards, ideas and votes, beyond what the client has."""

from collections.abc import Mapping
from itertools import count
from typing import Any

import httpx

from tests.integration.client import Api, created, escaped, ok, someone

NOBODYS = "0198b1f2-5c1e-8c3a-9d6b-1f0a52c7e4d1"
AHEAD = "2999-01-01T00:00:00Z"
STAFF = {"kind": "staff", "id": "agent-7"}
CREDITS = {"kind": "credits", "budget": 10, "cap": 4}
NONE = {"people": 0, "unregistered": 0, "up": 0, "down": 0, "net": 0, "credits": 0}

_numbers = count(1)

Headers = Mapping[str, str] | None


def telephone() -> str:
    """One that no other test uses."""
    return f"tel:+4989{1_000_000 + next(_numbers)}"


def counted(up: int) -> dict[str, int]:
    """The tally of so many unregistered people who are for an idea."""
    return NONE | {"people": up, "unregistered": up, "up": up, "net": up}


def an_idea(api: Api, **board: Any) -> str:
    """On a board of its own."""
    return api.submitted(api.opened(**board), someone())


class Boards:
    """Through an api; what is read covers all that was written through it."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def merged_people(self, *names: str) -> str:
        """The id of a merge of people of whom contacts have heard, if only by what they did on boards."""
        for name in names:
            self.api.contact(name)
        return self.api.merged(*names)

    def get(self, path: str, **params: Any) -> httpx.Response:
        return self.api.feedback.get(path, params=self.api._after_all(params))

    def send(
        self, method: str, path: str, body: object = None, *, headers: Headers = None, **params: Any
    ) -> httpx.Response:
        more: Any = {} if body is None else {"json": body}
        return self.api.feedback.request(method, path, params=self.api._after_all(params), headers=headers, **more)

    def board(self, id_: str) -> Any:
        return ok(self.get(f"/v1/boards/{id_}"))

    def change(
        self, id_: str, if_match: str | None = "*", *, headers: Headers = None, reason: str = "so be it", **to: object
    ) -> httpx.Response:
        return self.send("PATCH", f"/v1/boards/{id_}", {"reason": reason, **to}, headers=_match(if_match, headers))

    def publish(self, board: str, *, headers: Headers = None, **fields: object) -> httpx.Response:
        body = {"title": "Open on Sundays", "touchpoint": "store", **fields}
        return self.send("POST", f"/v1/boards/{board}/proposals", body, headers=headers)

    def published(self, board: str, **fields: Any) -> str:
        return str(created(self.publish(board, **fields))["id"])

    def edit(
        self, idea: str, if_match: str | None = "*", *, headers: Headers = None, **fields: object
    ) -> httpx.Response:  # fmt: skip
        return self.send("PATCH", f"/v1/ideas/{idea}", fields, headers=_match(if_match, headers))

    def tag(self, idea: str, *tags: str, headers: Headers = None, **fields: object) -> httpx.Response:
        return self.send("PUT", f"/v1/ideas/{idea}/tags", {"tags": tags, **fields}, headers=headers)

    def set(
        self, idea: str, status: str, *, headers: Headers = None, reason: str = "because", **fields: object
    ) -> httpx.Response:
        body = {"status": status, "reason": reason, **fields}
        return self.send("POST", f"/v1/ideas/{idea}/status", body, headers=headers)

    def answer(self, idea: str, text: str, *, headers: Headers = None, **fields: object) -> httpx.Response:
        return self.send("POST", f"/v1/ideas/{idea}/answers", {"text": text, **fields}, headers=headers)

    def merge(self, idea: str, into: str, *, headers: Headers = None, **fields: object) -> httpx.Response:
        body = {"into": into, "reason": "the same", **fields}
        return self.send("POST", f"/v1/ideas/{idea}/merge", body, headers=headers)

    def unmerge(self, idea: str, *, headers: Headers = None, **params: str) -> httpx.Response:
        return self.send("DELETE", f"/v1/ideas/{idea}/merge", headers=headers, **params)

    def unmerged(self, idea: str) -> None:
        response = self.unmerge(idea)
        assert response.status_code == 204, response.text

    def withdraw(self, idea: str, ref: str, *, headers: Headers = None, **params: str) -> httpx.Response:
        return self.send("DELETE", f"/v1/votes/{idea}/{escaped(ref)}", headers=headers, **params)

    def withdrawn(self, idea: str, ref: str, **params: Any) -> None:
        response = self.withdraw(idea, ref, **params)
        assert response.status_code == 204, response.text

    def invalidate(
        self, idea: str, ref: str, *, headers: Headers = None, reason: str = "a script", **fields: object
    ) -> httpx.Response:
        path = f"/v1/votes/{idea}/{escaped(ref)}/invalidation"
        return self.send("POST", path, {"reason": reason, **fields}, headers=headers)

    def said(self, idea: str, ref: str) -> Any:
        """What a person says about an idea, and all their ballots."""
        return ok(self.get(f"/v1/votes/{idea}/{escaped(ref)}"))

    def votes(self, **params: Any) -> list[Any]:
        return self.walk("/v1/votes", **params)

    def ideas(self, **params: Any) -> list[Any]:
        return self.walk("/v1/ideas", **params)

    def order(self, **params: Any) -> list[str]:
        """The ids of all pages of ideas."""
        return [item["id"] for item in self.ideas(**params)]

    def walk(self, path: str, **params: Any) -> list[Any]:
        """The items of all pages. The `Link` of the first page leads where its cursor does."""
        items: list[Any] = []
        cursor: Mapping[str, str] = {}
        while True:
            response = self.get(path, **params, **cursor)
            page = ok(response)
            items += page["items"]
            if page["next_cursor"] is None:
                assert "link" not in response.headers
                return items
            assert len(page["items"]) == params.get("limit", 50)
            cursor = {"cursor": page["next_cursor"]}
            following = response.links["next"]["url"]
            assert f"cursor={page['next_cursor']}" in following
            if len(items) == len(page["items"]):
                linked = self.api.feedback.get(following)
                assert ok(linked)["items"] == ok(self.get(path, **params, **cursor))["items"]


def _match(if_match: str | None, headers: Headers) -> Mapping[str, str]:
    return {**({} if if_match is None else {"If-Match": if_match}), **(headers or {})}
