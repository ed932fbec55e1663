"""`GET /v1/ideas`, the hot read: a bare ASGI handler beside the FastAPI app.

FastAPI would cost more than all the rest of a page. The parameters are read by the same pydantic model that the
OpenAPI document shows; the entries were rendered when they were folded, and get their tallies from the database.
"""

from functools import lru_cache
from typing import NamedTuple

import msgspec

from libs.events.topics import FEEDBACK, IDENTITY
from libs.service import cursors
from libs.service.kept_pages import Answer, KeptPages
from libs.service.parameters import REMEMBERED_QUERIES, read_query
from libs.service.refs import read_ref
from libs.service.runtime import Service
from libs.service.shell import Receive, Scope, Send, send_body
from services.feedback.queries.pages import FIRST, Pages, Shape, Wanted, shape_of
from services.feedback.queries.people import require_known
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
    """The handler of one service; a page is a function of its query and of what is folded of identity and feedback."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._pages = Pages(lambda: service.reads)
        self._kept = KeptPages(service, (IDENTITY, FEEDBACK))

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        query_string = scope["query_string"]
        answer = await self._kept.answer(query_string, lambda: self._read(query_string))
        await send_body(send, 200, answer.body, b"application/json", answer.headers)

    async def _read(self, query_string: bytes) -> Answer:
        query, shape, parameters = asked(query_string)
        rank, idea = FIRST if query.cursor is None else cursors.decode_rank(query.cursor)
        node = None if query.contact is None else read_ref(query.contact, self._service.nodes, "contact").node
        found = await self._pages.page(shape, Wanted(query.board, node, rank, idea))
        if node is not None and not found.entries:
            async with self._service.reads.connect() as connection:
                await require_known(connection, node)
        cursor = None if found.last is None else cursors.encode_rank(*found.last)
        body = b'{"items":[%b],"next_cursor":%b}' % (found.entries, _encode(cursor))
        return Answer(body, [] if cursor is None else [(b"link", cursors.link(PATH, parameters, cursor).encode())])
