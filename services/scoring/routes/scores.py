"""Scores with their receipts, and what they are defined as."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from libs.service.answers import json
from libs.service.app import new_router
from services.scoring.lists import Lists
from services.scoring.numbers.registry import DEFINITIONS
from services.scoring.numbers.scores import Definition
from services.scoring.reading import Reading, Wanted, definition_of
from services.scoring.schemas.scores import (
    ClassFilter,
    ClassPage,
    ClassQuery,
    DefinitionList,
    OneScore,
    ReceiptQuery,
    Scores,
)
from services.scoring.schemas.scores import Definition as ShownDefinition


def router(reading: Reading, lists: Lists) -> APIRouter:
    """Below `/v1/definitions` and `/v1/scores`."""
    routes = new_router()
    _definition_routes(routes)
    _list_routes(routes, lists)
    _receipt_routes(routes, reading)
    return routes


def _definition_routes(routes: APIRouter) -> None:
    @routes.get("/definitions", tags=["definitions"], summary="What is scored, and how", response_model=DefinitionList)
    async def list_definitions() -> Response:
        """Formula, bands and unit of each."""
        return json({"items": list(map(_shown, DEFINITIONS.values()))})

    @routes.get("/definitions/{definition}", tags=["definitions"], summary="One definition",
                response_model=ShownDefinition)  # fmt: skip
    async def get_definition(definition: str) -> Response:
        """By its id."""
        return json(_shown(definition_of(definition)))


def _list_routes(routes: APIRouter, lists: Lists) -> None:
    @routes.get("/scores", tags=["scores"], summary="Whoever belongs to a class", response_model=ClassPage)
    async def list_scores(query: Annotated[ClassQuery, Query()]) -> Response:
        """In the order of the ids under which classes were announced, each with the score as it is now.

        Answered by page.py; here for the OpenAPI document.
        """
        answer = await lists.page(query)
        return Response(answer.body, media_type="application/json")

    @routes.get("/scores.csv", tags=["scores"], summary="The same as CSV", response_class=Response,
                responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}})  # fmt: skip
    async def export_scores(query: Annotated[ClassFilter, Query()]) -> Response:
        """All of them, streamed; `Rapport-Total` says how many rows will come."""
        return await lists.export(query)


def _receipt_routes(routes: APIRouter, reading: Reading) -> None:
    @routes.get("/scores/{ref:text}/{definition}", tags=["scores"], summary="One score of a person, with its receipt",
                response_model=OneScore)  # fmt: skip
    async def get_score(
        ref: str, definition: str, query: Annotated[ReceiptQuery, Query()], request: Request
    ) -> Response:
        """By any of their names: value, band, and all that it was computed from."""
        if b"%2F" in request.scope["raw_path"].rpartition(b"/")[2].upper():  # a slash of the name, and no definition
            return await get_scores(f"{ref}/{definition}", query)
        wanted = Wanted(definition_of(definition), query.currency, query.as_of, query.events)
        found = await reading.receipts(ref, wanted)
        (score,) = found.pop("items")
        return json(found | score)

    @routes.get("/scores/{ref:text}", tags=["scores"], summary="All scores of a person, with their receipts",
                response_model=Scores)  # fmt: skip
    async def get_scores(ref: str, query: Annotated[ReceiptQuery, Query()]) -> Response:
        """Those about money once in each currency in which the person bought."""
        return json(await reading.receipts(ref, Wanted(None, query.currency, query.as_of, query.events)))


def _shown(definition: Definition) -> dict[str, Any]:
    return {
        "id": definition.id,
        "version": definition.version,
        "title": definition.title,
        "unit": definition.unit,
        "formula": definition.formula,
        "inputs": list(definition.inputs),
        "bands": dict(definition.bands),
        "by_currency": definition.is_money,
        "statistics": [each.measure for each in definition.population],
    }
