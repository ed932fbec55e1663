"""Requests on their way to a service: each repeated as it was until it is answered.

Whoever sends sees to it that a repeated request has no second effect: so an answer that was lost costs nothing.
"""

import asyncio
from collections import deque
from collections.abc import Mapping

import httpx
import msgspec

from libs.events.clock import monotonic_s
from services.cli.errors import Failure
from services.cli.importing.rows import Fault

REQUEST_TIMEOUT_S = 15.0
FIRST_PAUSE_S, MOST_PAUSE_S = 0.2, 5.0

RETRIED = frozenset({429, 500, 502, 503, 504})


class Problem(msgspec.Struct):
    """What a refusal says (RFC 9457), as far as an import looks at it."""

    class Error(msgspec.Struct):
        pointer: str
        code: str
        detail: str

    code: str
    detail: str
    errors: list[Error] = []
    conflict: str = ""

    @property
    def faults(self) -> list[Fault]:
        faults = [Fault(error.pointer, error.code, error.detail) for error in self.errors]
        return faults or [Fault("", self.code, self.detail, self.conflict)]


class Lanes(httpx.AsyncBaseTransport):
    """As many connections as requests are ever under way, each a pool of its own.

    httpx looks through all connections of a pool at every request, which takes longer than all the rest of it.
    """

    def __init__(self, count: int) -> None:
        context, alone = httpx.create_ssl_context(), httpx.Limits(max_connections=1)
        self._free = deque(httpx.AsyncHTTPTransport(verify=context, limits=alone) for _ in range(count))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        lane = self._free.popleft()
        try:
            return await lane.handle_async_request(request)
        finally:
            self._free.append(lane)

    async def aclose(self) -> None:
        for lane in self._free:
            await lane.aclose()


class Sender:
    """Asks one address. Raises Failure when nothing moves for `give_up_after_s`, whichever request waits."""

    def __init__(self, client: httpx.AsyncClient, url: str, give_up_after_s: float) -> None:
        self.url = url
        self._client = client
        self._give_up_after_s = give_up_after_s
        self._moved_s = monotonic_s()

    async def get(self) -> httpx.Response:
        """The answer, of another status than the retried ones."""
        return await self._answer("GET", b"", {}, RETRIED)

    async def post(self, body: bytes, headers: Mapping[str, str], retried: frozenset[int] = RETRIED) -> httpx.Response:
        """The answer, of another status than the `retried` ones."""
        return await self._answer("POST", body, headers, retried)

    async def _answer(
        self, method: str, body: bytes, headers: Mapping[str, str], retried: frozenset[int]
    ) -> httpx.Response:
        pause_s = FIRST_PAUSE_S
        while True:
            wait_s = pause_s
            try:
                answer = await self._client.request(method, self.url, content=body, headers=headers)
            except httpx.InvalidURL as reason:
                raise Failure(f"{self.url}: {reason}") from None
            except httpx.UnsupportedProtocol:
                raise Failure(f"{self.url} is no address of a service; it begins with http:// or https://") from None
            except httpx.TransportError as reason:
                why = f"{self.url} does not answer ({type(reason).__name__})"
            else:
                if answer.status_code not in retried:
                    self._moved_s = monotonic_s()
                    return answer
                why = f"{self.url} answers {answer.status_code}{_said(answer)}"
                wait_s = _retry_after_s(answer, pause_s)
            left_s = self._moved_s + self._give_up_after_s - monotonic_s()
            if left_s <= 0:
                raise Failure(f"no progress for {self._give_up_after_s:g} s: {why}")
            await asyncio.sleep(min(wait_s, left_s))
            pause_s = min(MOST_PAUSE_S, pause_s * 2)


def _said(answer: httpx.Response) -> str:
    try:
        return f": {msgspec.json.decode(answer.content, type=Problem).detail}"
    except msgspec.MsgspecError:
        return ""


def _retry_after_s(answer: httpx.Response, otherwise_s: float) -> float:
    asked = answer.headers.get("retry-after", "")
    return min(MOST_PAUSE_S, float(asked)) if asked.isdecimal() else otherwise_s
