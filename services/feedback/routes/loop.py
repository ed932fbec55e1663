"""The figures of the loop."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from libs.events.clock import now
from libs.service.answers import json
from libs.service.app import new_router
from services.feedback.figures import report
from services.feedback.handling import Handling
from services.feedback.queries import loop
from services.feedback.schemas.loop import LoopFigures, LoopQuery


def router(handling: Handling) -> APIRouter:
    """`/v1/loop`."""
    routes, service = new_router(), handling.service

    @routes.get("/loop", tags=["loop"], summary="Were votes delivered and promises kept, and did it help?",
                response_model=LoopFigures)  # fmt: skip
    async def get_figures(query: Annotated[LoopQuery, Query()]) -> Response:
        """Of each touchpoint on each board, and over all. Voice and harm are two figures and are never added up."""
        async with service.reads.connect() as connection:
            counted = await loop.counted(connection, loop.Sought(query.board, query.touchpoint))
        return json(report(counted, now() if query.as_of is None else query.as_of))

    return routes
