"""Lists of whoever belongs to a class: pages, and everybody as CSV.

Who belongs to a class is what was announced; the score of each is computed when it is read. A read waits a moment until
everybody whose numbers had changed before it was looked at.
"""

import csv
import io
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from fastapi import Response
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.clock import now
from libs.events.problems import Problem
from libs.events.times import utc_text
from libs.service import cursors
from libs.service.errors import HttpRefusal
from libs.service.kept_pages import Answer
from libs.service.runtime import MAX_WAIT_S, WAIT_S, Service
from services.scoring.numbers.assessing import assess
from services.scoring.numbers.figures import Figures
from services.scoring.numbers.population import statistics_of
from services.scoring.numbers.scores import Definition
from services.scoring.numbers.standings import Statistics
from services.scoring.queries import classes, statistics
from services.scoring.queries.classes import Sought
from services.scoring.queries.people import BEFORE_ALL, figures_of, names_of
from services.scoring.reacting.announcing import Announcing
from services.scoring.reading import currency_of, definition_of
from services.scoring.schemas.scores import ClassFilter, ClassQuery

PATH = "/v1/scores"
COLUMNS = ("contact", "identifiers", "definition", "version", "currency", "value", "band", "since")
ROWS_AT_ONCE = 500

_encode = msgspec.json.Encoder().encode


class _Chosen(NamedTuple):
    definition: Definition
    sought: Sought
    statistics: Statistics | None
    as_of: datetime


class Lists:
    """Answers lists of one service."""

    def __init__(self, service: Service, announcing: Announcing) -> None:
        self._service = service
        self._announcing = announcing

    async def page(self, query: ClassQuery) -> Answer:
        """Raises DefinitionUnknown, and 400 for a band that there is not, or several currencies and none named."""
        after = cursors.decode_id(query.cursor) or BEFORE_ALL
        is_complete = await self._announcing.todo.settled(WAIT_S)
        async with self._service.reads.connect() as connection:
            chosen = await _chosen(connection, query)
            rows = await classes.page(connection, chosen.sought, after, query.limit + 1)
            items = await _items(connection, chosen, rows[: query.limit])
        cursor = cursors.encode_id(rows[query.limit - 1].place) if len(rows) > query.limit else None
        body = _encode(
            {"items": items, "as_of": utc_text(chosen.as_of), "complete": is_complete, "next_cursor": cursor}
        )
        headers = [] if cursor is None else [(b"link", cursors.next_link(PATH, query, cursor).encode())]
        return Answer(body, headers)

    async def export(self, query: ClassFilter) -> Response:
        """Everybody, in pages that are read while they are sent. Raises as `page`, before anything is sent."""
        await self._announcing.todo.settled(MAX_WAIT_S)
        async with self._service.reads.connect() as connection:
            chosen = await _chosen(connection, query)
            total = await classes.count(connection, chosen.sought)
        headers = {"Rapport-Total": str(total), "Content-Disposition": 'attachment; filename="scores.csv"'}
        return StreamingResponse(self._lines(chosen), headers=headers, media_type="text/csv")

    async def _lines(self, chosen: _Chosen) -> AsyncIterator[str]:
        yield _csv([COLUMNS])
        after = BEFORE_ALL
        while True:
            async with self._service.reads.connect() as connection:
                rows = await classes.page(connection, chosen.sought, after, ROWS_AT_ONCE)
                items = await _items(connection, chosen, rows)
            if not rows:
                return
            yield _csv(_cells(item) for item in items)
            after = rows[-1].place


async def _chosen(connection: AsyncConnection, query: ClassFilter) -> _Chosen:
    definition = definition_of(query.definition)
    if query.band is not None and query.band not in definition.bands:
        problem = Problem("band", "band_unknown", f"one of {', '.join(definition.bands)}")
        raise HttpRefusal(400, "bad_parameter", "the definition has no such band", [problem])
    known = statistics_of(await statistics.latest(connection))
    currency = None
    if definition.is_money:
        measures = {each.measure for each in definition.population}
        standings = {} if known is None else known.standings
        currency = currency_of(query.currency, {each for measure, each in standings if measure in measures})
    return _Chosen(definition, Sought(definition.id, currency or "", query.band), known, now())


async def _items(connection: AsyncConnection, chosen: _Chosen, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Each with the score as it is now; who is in another class by now is about to be announced, and left out."""
    people = [row.contact for row in rows]
    figures = await figures_of(connection, people)
    names = await names_of(connection, people)
    items = (_item(chosen, row, figures.get(row.contact, Figures({})), names.get(row.contact, [])) for row in rows)
    return [item for item in items if chosen.sought.band is None or item["band"] == chosen.sought.band]


def _item(chosen: _Chosen, row: Any, figures: Figures, names: Sequence[str]) -> dict[str, Any]:
    currency = chosen.sought.currency or None
    person: UUID = row.contact
    (assessed,) = assess(
        person, figures, chosen.statistics, chosen.as_of, definitions=[chosen.definition], currency=currency
    )
    return {
        "contact": str(person),
        "identifiers": names,
        "definition": chosen.definition.id,
        "version": chosen.definition.version,
        "currency": currency,
        "value": assessed.score.value,
        "band": assessed.score.band,
        "since": utc_text(row.since),
    }


def _cells(item: dict[str, Any]) -> Iterator[object]:
    for column in COLUMNS:
        value = item[column]
        yield " ".join(value) if column == "identifiers" else value


def _csv(rows: Any) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()
