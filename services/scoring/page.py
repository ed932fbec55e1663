"""`GET /v1/scores`, the hot read: a bare ASGI handler beside the FastAPI app.

FastAPI would cost more than all the rest of a page. The parameters are read by the same pydantic model that the OpenAPI
document shows.
"""

from functools import lru_cache

from libs.events.clock import monotonic_s
from libs.events.topics import FEEDBACK, IDENTITY, INTERACTIONS, SCORING
from libs.service.kept_pages import KeptPages
from libs.service.parameters import REMEMBERED_QUERIES, read_query
from libs.service.runtime import Service
from libs.service.shell import Receive, Scope, Send, send_body
from services.scoring.lists import Lists
from services.scoring.numbers.registry import DEFINITIONS
from services.scoring.reacting.announcing import Announcing
from services.scoring.schemas.scores import ClassQuery

FADING_KEPT_S = 10.0  # what fades is computed for a moment, and a page says for which

_READ = (IDENTITY, INTERACTIONS, FEEDBACK, SCORING)


@lru_cache(REMEMBERED_QUERIES)
def asked(query_string: bytes) -> ClassQuery:
    """Raises RequestValidationError."""
    return read_query(ClassQuery, query_string)


class Page:
    """The handler of one service; a page is a function of its query, of all that is folded and, what fades, of when."""

    def __init__(self, service: Service, lists: Lists, announcing: Announcing) -> None:
        self._lists = lists
        todo = announcing.todo
        self._lasting = KeptPages(service, _READ, lambda: todo.done_n)
        self._fading = KeptPages(service, _READ, lambda: (todo.done_n, monotonic_s() // FADING_KEPT_S))

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        query_string = scope["query_string"]
        query = asked(query_string)
        definition = DEFINITIONS.get(query.definition)
        kept = self._fading if definition is not None and definition.fades else self._lasting
        answer = await kept.answer(query_string, lambda: self._lists.page(query))
        await send_body(send, 200, answer.body, b"application/json", answer.headers)
