"""Reading the bytes of a request within the limit."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from libs.service.errors import HttpRefusal

MAX_BODY_BYTES = 8 << 20


async def read_body(
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]], headers: Mapping[bytes, bytes]
) -> bytes:
    """The whole body. Raises 413 as soon as it is known to be too large, 400 where its sender hung up."""
    declared = headers.get(b"content-length", b"0")
    if len(declared) > 12 or int(declared) > MAX_BODY_BYTES:
        raise _too_large()
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise _too_large()
    if message["type"] == "http.disconnect":
        raise HttpRefusal(400, "incomplete_body", "the connection ended before the body did; nothing was stored")
    return body


def _too_large() -> HttpRefusal:
    return HttpRefusal(413, "body_too_large", "a body is at most 8 MiB; nothing was stored")
