"""HTTP routes of the timeline."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from libs.service.app import new_router
from libs.service.errors import HttpRefusal
from services.timeline.schemas import TimelinePage, TimelineQuery


def router() -> APIRouter:
    """What the OpenAPI document says of `GET /v1/timeline/{ref}`; `page.Page` answers it."""
    routes = new_router()

    @routes.get("/timeline/{ref:text}", tags=["timeline"], summary="A person's timeline, newest first",
                response_model=TimelinePage)  # fmt: skip
    async def timeline(ref: str, query: Annotated[TimelineQuery, Query()]) -> Response:
        """Every event of the person that `ref` names, by uuid or by identifier (`crm:4711`)."""
        raise HttpRefusal(500, "internal_error", "the page's handler is not mounted")

    return routes
