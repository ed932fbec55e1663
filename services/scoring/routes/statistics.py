"""Statistics: publishing them, the grid of RFM and Pareto curves."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from libs.events.clock import now
from libs.events.currencies import Currency
from libs.events.problems import Problem
from libs.events.times import utc_text
from libs.service.answers import PENDING, Key, is_pending, json, page, position
from libs.service.app import new_router
from libs.service.cursors import decode_number, encode_number
from libs.service.errors import HttpRefusal
from libs.service.outcomes import pending
from services.scoring.definitions.rfm import BAND_OF
from services.scoring.numbers.population import shown
from services.scoring.queries import curve, grid, statistics
from services.scoring.reacting.publishing import Order, Publishing
from services.scoring.reading import Reading, currency_of
from services.scoring.refusals import MeasureUnknown, NobodyToCount, StatisticsUnknown, refuse
from services.scoring.schemas.statistics import (
    Curve,
    CurveQuery,
    Grid,
    GridQuery,
    NewStatistics,
    Statistics,
    StatisticsPage,
    StatisticsQuery,
)

PATH = "/v1/statistics"

Version = Annotated[int, Path(ge=1, le=2**63 - 1)]


def router(reading: Reading, publishing: Publishing) -> APIRouter:
    """Below `/v1/statistics`, `/v1/rfm` and `/v1/pareto`."""
    routes = new_router()
    _publish_routes(routes, reading, publishing)
    _read_routes(routes, reading)
    _picture_routes(routes, reading)
    return routes


def _publish_routes(routes: APIRouter, reading: Reading, publishing: Publishing) -> None:
    @routes.post("/statistics", tags=["statistics"], summary="Count everybody and publish how they stand",
                 status_code=201, response_model=Statistics, responses=PENDING)  # fmt: skip
    async def publish(body: NewStatistics, idempotency_key: Key = None) -> Response:
        """Scores are computed with the last statistics; whoever gets into another class by them is announced."""
        said = body.model_dump(mode="json", exclude_unset=True)
        asked = publishing.commands.asked("POST", PATH, key=idempotency_key, body=said)
        next_in = None if body.next_in_h is None else timedelta(hours=body.next_in_h)
        done = await publishing.publish(Order(asked, body.time or now(), next_in))
        if is_pending(done):
            return pending(reading.service, done)
        async with reading.service.reads.connect() as connection:
            row = await statistics.of_event(connection, str(asked.command))
        assert row is not None  # noqa: S101  it was folded
        return json(shown(row), 201, {"Location": f"{PATH}/{row.version}"} | position(done))


def _read_routes(routes: APIRouter, reading: Reading) -> None:
    @routes.get("/statistics", tags=["statistics"], summary="Published statistics, newest first",
                response_model=StatisticsPage)  # fmt: skip
    async def list_statistics(query: Annotated[StatisticsQuery, Query()]) -> Response:
        async with reading.service.reads.connect() as connection:
            found = await statistics.page(connection, decode_number(query.cursor), query.limit + 1)
        return page(PATH, query, found, lambda row: encode_number(row.version), shown)

    @routes.get("/statistics/{version}", tags=["statistics"], summary="One version", response_model=Statistics)
    async def get_statistics(version: Version) -> Response:
        """As it was published."""
        async with reading.service.reads.connect() as connection:
            row = await statistics.of_version(connection, version)
        if row is None:
            raise refuse(StatisticsUnknown)
        return json(shown(row))


def _picture_routes(routes: APIRouter, reading: Reading) -> None:
    @routes.get("/rfm", tags=["statistics"], summary="Everybody who buys, by the 125 cells of RFM",
                response_model=Grid)  # fmt: skip
    async def get_grid(query: Annotated[GridQuery, Query()]) -> Response:
        """Cut by the last published statistics."""
        row, found, currency = await reading.statistics(query.currency, *grid.MEASURES)
        async with reading.service.reads.connect() as connection:
            counted = {(cell.r, cell.f, cell.m): cell for cell in await grid.cells(connection, found, currency)}
        cells = [_cell(place, counted.get(place)) for place in sorted(BAND_OF, reverse=True)]
        return json(
            {
                "currency": currency,
                "statistics": row.version,
                "as_of": utc_text(now()),
                "people": sum(cell["people"] for cell in cells),
                "turnover_minor": sum(cell["turnover_minor"] for cell in cells),
                "cells": cells,
            }
        )

    @routes.get("/pareto/{measure}", tags=["statistics"], summary="The curve of a measure", response_model=Curve)
    async def get_curve(measure: str, query: Annotated[CurveQuery, Query()]) -> Response:
        """Of `turnover`, `profit` or `problems`; of all time, or of a range."""
        if measure not in curve.MEASURES:
            raise refuse(MeasureUnknown)
        if query.begin is not None and query.end is not None and query.begin >= query.end:
            problem = Problem("to", "range_empty", "must be later than from")
            raise HttpRefusal(400, "range_empty", "nothing happens in an empty range", [problem])
        currency = None if measure == "problems" else await _currency(reading, query.currency)
        range_ = curve.Range(query.begin, query.end)
        async with reading.service.reads.connect() as connection:
            found = await curve.curve(connection, measure, currency, range_, query.points)
        if not found.people:
            raise refuse(NobodyToCount)
        return json(_shown_curve(measure, currency, found))


async def _currency(reading: Reading, currency: Currency | None) -> str | None:
    """Raises 400 where there are several, and NobodyToCount where there is none."""
    async with reading.service.reads.connect() as connection:
        known = await curve.currencies(connection)
    return currency_of(currency, known)


def _cell(place: tuple[int, int, int], found: Any) -> dict[str, Any]:
    r, f, m = place
    people, turnover = (0, 0) if found is None else (found.people, int(found.turnover_minor))
    return {"r": r, "f": f, "m": m, "band": BAND_OF[place], "people": people, "turnover_minor": turnover}


def _shown_curve(measure: str, currency: str | None, found: curve.Curve) -> dict[str, Any]:
    """Where nobody brings anything there is no peak to have a share of: then shares are 0."""
    return {
        "measure": measure,
        "currency": currency,
        "as_of": utc_text(now()),
        "people": found.people,
        "total": found.total,
        "peak": found.peak,
        "points": [
            {
                "people": rank,
                "people_share": rank / found.people,
                "total": total,
                "share": total / found.peak if found.peak else 0.0,
            }
            for rank, total in found.points
        ],
        "classes": {letter: {"people": n, "total": total} for letter, (n, total) in found.classes.items()},
    }
