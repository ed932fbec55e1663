"""Counting everybody: from the figures of all people to published statistics. Pure.

Memory: about 150 bytes a person and measure, while it lasts.
"""

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

import msgspec
from msgspec import UNSET

from libs.events.catalog.scoring import Cut as PublishedCut
from libs.events.catalog.scoring import Measured
from libs.events.currencies import Currency
from libs.events.times import utc_text
from services.scoring.numbers.figures import Figures
from services.scoring.numbers.money import currencies
from services.scoring.numbers.registry import POPULATIONS
from services.scoring.numbers.standings import Cut, Kind, Standing, Statistics, cut_of

_measures = msgspec.json.Decoder(list[Measured])


class Population:
    """Takes one person after the other, each once."""

    def __init__(self) -> None:
        self.people = 0
        self._values: dict[tuple[str, str], list[Cut]] = {}

    def take(self, person: UUID, figures: Figures) -> None:
        self.people += 1
        bought_in = currencies(figures)
        for each in POPULATIONS.values():
            for currency in bought_in if each.is_money else [""]:
                value = each.value(figures, currency)
                if value is not None:
                    self._values.setdefault((each.measure, currency), []).append(Cut(value, person))

    def measured(self) -> Iterator[Measured]:
        """By measure and currency; nothing of what nobody takes part in."""
        for (measure, currency), people in sorted(self._values.items()):
            standing = cut_of(POPULATIONS[measure].kind, people)
            yield Measured(
                measure=measure,
                kind=standing.kind.value,
                currency=cast(Currency, currency) if currency else UNSET,  # from events, which are checked
                people=standing.people,
                total=UNSET if standing.total is None else standing.total,
                cuts=list(map(_published, standing.cuts)),
            )


def _published(cut: Cut | None) -> PublishedCut | None:
    return None if cut is None else PublishedCut(value=cut.value, contact=str(cut.contact))


def statistics_of(row: Any | None) -> Statistics | None:
    """As they were published: a row of the table `statistics`; None where there is none."""
    return None if row is None else _statistics(row.version, row.occurred_at, row.measures)


@lru_cache(4)  # the last ones, again and again
def _statistics(version: int, as_of: datetime, measures: str) -> Statistics:
    return Statistics(
        version, as_of, {(each.measure, each.currency or ""): _standing(each) for each in _measures.decode(measures)}
    )


def _standing(measured: Measured) -> Standing:
    cuts = [None if cut is None else Cut(cut.value, UUID(cut.contact)) for cut in measured.cuts]
    return Standing(Kind(measured.kind), measured.people, cuts, None if measured.total is UNSET else measured.total)


def shown(row: Any) -> dict[str, Any]:
    """Published statistics as the API shows them: a row of the table `statistics`."""
    return {
        "version": row.version,
        "event_id": row.event_id,
        "as_of": utc_text(row.occurred_at),
        "recorded_at": utc_text(row.recorded_at),
        "people": row.people,
        "position": row.covers,
        "due_at": None if row.due_at is None else utc_text(row.due_at),
        "measures": msgspec.json.decode(row.measures),
    }
