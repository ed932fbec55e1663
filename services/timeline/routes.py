"""HTTP routes of the timeline."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Response

from libs.events.topics import BY_NAME
from libs.service import cursors
from libs.service.app import new_router
from libs.service.cursors import Place, next_link
from libs.service.refs import Ref, contact_unknown, read_ref
from libs.service.runtime import Service
from services.timeline.queries import Found, Pages, Wanted, shape_of
from services.timeline.schemas import TimelinePage, TimelineQuery


class _Last(msgspec.Struct, gc=False):
    """What a cursor needs of a rendered entry."""

    occurred_at: str
    position: str


_decode_last = msgspec.json.Decoder(_Last).decode
_encode = msgspec.json.Encoder().encode


def router(service: Service) -> APIRouter:
    """`GET /v1/timeline/{ref}`."""
    routes = new_router()
    pages = Pages(lambda: service.reads)

    @routes.get("/timeline/{ref:text}", tags=["timeline"], summary="A person's timeline, newest first",
                response_model=TimelinePage)  # fmt: skip
    async def timeline(ref: str, query: Annotated[TimelineQuery, Query()]) -> Response:
        """Every event of the person that `ref` names, by uuid or by identifier (`crm:4711`)."""
        person = read_ref(ref, service.nodes)
        found = await pages.page(shape_of(query), Wanted(person.node, cursors.decode(query.cursor)))
        if found.subject is None:
            raise contact_unknown()
        return render(person, found, query.limit, ref, query)

    return routes


def render(person: Ref, found: Found, limit: int, ref: str, query: TimelineQuery) -> Response:
    """The page as JSON text, joined from entries that were rendered when they were folded."""
    items = found.entries[:limit]
    cursor = _cursor(items[-1]) if len(found.entries) > limit else None
    names = [] if found.subject is None or found.subject.startswith("contact:") else [found.subject]
    node = str(person.node)
    head = _encode({"contact": node, "members": [node], "identifiers": names})[:-1].decode()
    body = f'{head},"items":[{",".join(items)}],"next_cursor":{_encode(cursor).decode()}}}'
    headers = {} if cursor is None else {"Link": next_link(f"/v1/timeline/{ref}", query, cursor)}
    return Response(body, headers=headers, media_type="application/json")


def _cursor(entry: str) -> str:
    last = _decode_last(entry)
    topic, partition, offset = last.position.split("/")
    return cursors.encode(Place(last.occurred_at, BY_NAME[topic].number, int(partition), int(offset)))
