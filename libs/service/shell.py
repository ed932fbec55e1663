"""What surrounds every request: the outermost ASGI layer of a service.

It refuses paths and queries that no text can hold, waits for `min_position`, says how far the answer is complete, and
counts. The hot routes are bare ASGI handlers beside the FastAPI app: one that takes writes at an exact path is handed
the request before anything else; one that answers reads, there or below a path that ends in a slash, after that.
"""

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes, urlencode

import structlog

from libs.events.clock import monotonic_s
from libs.service.errors import EXPECTED, HttpRefusal, body_of, refusal_of
from libs.service.errors import MEDIA_TYPE as PROBLEM
from libs.service.runtime import WAIT_S, Service

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

POSITION_HEADER = b"rapport-position"
_UNCHECKED = ("/livez", "/readyz", "/metrics", "/docs", "/openapi.json")
_WAIT = re.compile(rb"(?:^|[;,\s])wait=([0-9]{1,4})(?:$|[;,\s])")

logger = structlog.get_logger()


class Shell:
    """The ASGI app that a server runs."""

    def __init__(self, app: App, service: Service, hot: Mapping[tuple[str, str], App]) -> None:
        self.app = app
        self.service = service
        self.hot = {place: handler for place, handler in hot.items() if not place[1].endswith("/")}
        self._below = [(place, handler) for place, handler in hot.items() if place[1].endswith("/")]
        self.answered: Counter[tuple[str, str, int]] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        handler = self.hot.get((scope["method"], scope["path"]))
        is_read = scope["method"] == "GET"
        if handler is not None and not is_read and b"min_position" not in scope["query_string"]:

            async def counted(message: Message) -> None:
                if message["type"] == "http.response.start":
                    self.answered[scope["method"], scope["path"], message["status"]] += 1
                await send(message)

            await handler(scope, receive, counted)
            return
        await self._answer(handler, scope, receive, send)

    async def _answer(self, handler: App | None, scope: Scope, receive: Receive, send: Send) -> None:
        began_s = monotonic_s()
        status = 500

        async def counting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if position is not None and not any(name == POSITION_HEADER for name, _ in message["headers"]):
                    message["headers"] = [*message["headers"], (POSITION_HEADER, position.encode())]
            await send(message)

        position: str | None = None
        route = scope["path"]
        try:
            if not scope["path"].startswith(_UNCHECKED):
                await self._prepare(scope)
                position = self.service.progress.token
            if handler is None:
                route, handler = self._find(scope)
            await handler(scope, receive, counting)
        except EXPECTED as reason:
            position = self.service.progress.token
            await send_refusal(counting, refusal_of(reason))
        finally:
            if handler is None or handler is self.app:
                route = str(getattr(scope.get("route"), "path", "unmatched"))
            self.answered[scope["method"], route, status] += 1
            if self.service.verbose:
                logger.debug("answered", method=scope["method"], route=route, status=status,
                             ms=round((monotonic_s() - began_s) * 1_000, 1))  # fmt: skip

    def _find(self, scope: Scope) -> tuple[str, App]:
        for (method, prefix), handler in self._below:
            if scope["method"] == method and scope["path"].startswith(prefix):
                return f"{prefix}{{ref}}", handler
        return "unmatched", self.app

    async def _prepare(self, scope: Scope) -> None:
        """Refuse what is no text, drop empty parameters, and wait for the position that is asked for."""
        _require_text(scope.get("raw_path") or scope["path"].encode(), "bad_path", "the path")
        query: bytes = scope["query_string"]
        _require_text(query, "bad_parameter", "the query")
        if b"min_position" not in query and b"=&" not in query and not query.endswith(b"="):
            return
        pairs = parse_qsl(query.decode("ascii", "replace"))
        scope["query_string"] = urlencode([pair for pair in pairs if pair[0] != "min_position"]).encode()
        for name, token in pairs:
            if name == "min_position":
                await self.service.reach(token, _wait_s(scope))


def _require_text(raw: bytes, code: str, what: str) -> None:
    if b"%" not in raw and raw.isascii():
        return
    try:
        text = unquote_to_bytes(raw.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        raise HttpRefusal(400, code, f"{what} is not UTF-8") from None
    if "\x00" in text:
        raise HttpRefusal(400, code, f"{what} contains the NUL character")


def _wait_s(scope: Scope) -> float:
    for name, value in scope["headers"]:
        if name == b"prefer" and (found := _WAIT.search(value)):
            return float(found[1])
    return WAIT_S


async def send_refusal(send: Send, refusal: HttpRefusal) -> None:
    """Answer with a problem document, outside FastAPI."""
    headers = [(name.lower().encode(), value.encode()) for name, value in (refusal.headers or {}).items()]
    await send_body(send, refusal.status_code, body_of(refusal), PROBLEM.encode(), headers)


async def send_body(
    send: Send, status: int, body: bytes, media_type: bytes, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    """Answer with one body, outside FastAPI."""
    length = (b"content-length", str(len(body)).encode())
    start = [(b"content-type", media_type), length, *(headers or ())]
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": body})
