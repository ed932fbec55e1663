"""`GET /v1/ideas`, the hot read: a bare ASGI handler beside the FastAPI app.

FastAPI would cost more than all the rest of a page. The parameters are read by the same pydantic model that the
OpenAPI document shows; the entries were rendered when they were folded, and get their tallies from the database.
"""

from functools import lru_cache
from typing import NamedTuple

import msgspec

from libs.service import cursors
from libs.service.parameters import REMEMBERED_QUERIES, read_query
from libs.service.refs import read_ref
from libs.service.runtime import Service
from libs.service.shell import Receive, Scope, Send, send_body
from services.feedback.queries.pages import FIRST, SEPARATOR, Pages, Shape, Wanted, shape_of
from services.feedback.schemas.ideas import IdeaQuery

PATH = "/v1/ideas"

_encode = msgspec.json.Encoder().encode


class Asked(NamedTuple):
    """What a query string says, read once: the parameters, what its pages share, and the next page's parameters."""

    query: IdeaQuery
    shape: Shape
    parameters: str


@lru_cache(REMEMBERED_QUERIES)
def asked(query_string: bytes) -> Asked:
    """Raises RequestValidationError."""
    query = read_query(IdeaQuery, query_string)
    return Asked(query, shape_of(query), cursors.parameters_of(query))


class Page:
    """The handler of one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._pages = Pages(lambda: service.reads)

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        query, shape, parameters = asked(scope["query_string"])
        rank, idea = FIRST if query.cursor is None else cursors.decode_rank(query.cursor)
        node = None if query.contact is None else read_ref(query.contact, self._service.nodes, "contact").node
        found = await self._pages.page(shape, Wanted(query.board, node, rank, idea))
        entries, cursor = found.entries or "", None
        if entries.count(SEPARATOR) >= query.limit and found.last is not None:
            entries = entries[: entries.rindex(SEPARATOR)]
            cursor = cursors.encode_rank(*found.last)
        body = b'{"items":[%b],"next_cursor":%b}' % (entries.replace(SEPARATOR, ",").encode(), _encode(cursor))
        headers = [] if cursor is None else [(b"link", cursors.link(PATH, parameters, cursor).encode())]
        await send_body(send, 200, body, b"application/json", headers)
