"""`GET /v1/timeline/{ref}`, the hot read: a bare ASGI handler beside the FastAPI app.

FastAPI would cost more than all the rest of a page. The parameters are read by the same pydantic model that the
OpenAPI document shows; the entries were rendered when they were folded and are joined here as text.
"""

from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

import msgspec

from libs.events.topics import BY_NAME
from libs.service import cursors
from libs.service.cursors import Place
from libs.service.parameters import REMEMBERED_QUERIES, read_query
from libs.service.refs import contact_unknown, read_ref
from libs.service.runtime import Service
from libs.service.shell import Receive, Scope, Send, send_body
from services.timeline.queries import SEPARATOR, Found, Pages, Shape, Wanted, shape_of
from services.timeline.schemas import TimelineQuery

PREFIX = "/v1/timeline/"


class _Last(msgspec.Struct, gc=False):
    """What a cursor needs of a rendered entry."""

    occurred_at: str
    position: str


_decode_last = msgspec.json.Decoder(_Last).decode
_encode = msgspec.json.Encoder().encode


class Asked(NamedTuple):
    """What a query string says, read once: the parameters, what its pages share, and the next page's parameters."""

    query: TimelineQuery
    shape: Shape
    parameters: str


@lru_cache(REMEMBERED_QUERIES)
def asked(query_string: bytes) -> Asked:
    """Raises RequestValidationError."""
    query = read_query(TimelineQuery, query_string)
    return Asked(query, shape_of(query), cursors.parameters_of(query))


class Page:
    """The handler of one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._pages = Pages(lambda: service.reads)

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        query, shape, parameters = asked(scope["query_string"])
        person = read_ref(scope["path"].removeprefix(PREFIX), self._service.nodes)
        found = await self._pages.page(shape, Wanted(person.node, cursors.decode(query.cursor)))
        if found.subject is None and not found.is_claimed:
            raise contact_unknown()
        body, cursor = render(found, query.limit)
        headers = [] if cursor is None else [(b"link", cursors.link(quote(scope["path"]), parameters, cursor).encode())]
        await send_body(send, 200, body, b"application/json", headers)


def render(found: Found, limit: int) -> tuple[bytes, str | None]:
    """The page as JSON text, and the cursor of the next one where there is one."""
    items, cursor = found.entries or "", None
    if items.count(SEPARATOR) >= limit:
        items = items[: items.rindex(SEPARATOR)]
        cursor = _cursor(items[items.rfind(SEPARATOR) + 1 :])
    names = [name for name in found.names or [found.subject or ""] if name and not name.startswith("contact:")]
    members = found.members or [found.contact]
    head = _encode({"contact": found.contact, "members": members, "identifiers": names})[:-1]
    entries = items.replace(SEPARATOR, ",").encode()
    return b'%b,"items":[%b],"next_cursor":%b}' % (head, entries, _encode(cursor)), cursor


def _cursor(entry: str) -> str:
    last = _decode_last(entry)
    topic, partition, offset = last.position.split("/")
    return cursors.encode(Place(last.occurred_at, BY_NAME[topic].number, int(partition), int(offset)))
