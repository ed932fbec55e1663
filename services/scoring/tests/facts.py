"""Facts in the catalog's words at places of their own, and stories of people told in rows of the table of facts."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from libs.events.catalog.registry import CATALOG
from libs.events.fold import Fact, fact_of
from libs.events.log import Record
from libs.events.position import Partition
from libs.events.topics import INTERACTIONS
from services.scoring.numbers.figures import Figures, counted
from services.scoring.numbers.registry import POPULATIONS
from services.scoring.numbers.scores import Case, Definition, Score
from services.scoring.numbers.standings import Cut, Statistics, cut_of

NODE: Final = "3f1d2c4b-5a69-8788-9a0b-1c2d3e4f5061"
RECORDED_AT: Final = "2026-03-02T12:00:00.250Z"
AT: Final = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)
NOW: Final = datetime(2026, 6, 1, tzinfo=UTC)
ME: Final = UUID(int=1)


def fact(name: str, offset: int = 7, *, data: Mapping[str, object] | None = None, **attributes: object) -> Fact:
    """The catalog's example of a type with other data or attributes; None leaves one out."""
    type_ = CATALOG[f"rapport.{name}.v1"]
    said = _without_none(dict(type_.example["data"]) | dict(data or {}))
    event = _without_none(dict(type_.example) | attributes) | {"data": said}
    return fact_of(Record(NODE.encode(), json.dumps(event).encode()), Partition(type_.topic, 4), offset, RECORDED_AT)


def _without_none(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


@dataclass(frozen=True)
class Told:
    """What the table of facts keeps of an event, as far as numbers come from it."""

    measure: str
    amount: int = 1
    about: str = ""
    also: int | None = None
    occurred_at: datetime = AT
    offset: int = 0
    topic: int = INTERACTIONS.number
    partition: int = 4


def bought(amount: int, cost: int | None = None, at: datetime = AT, currency: str = "GBP") -> Told:
    return Told("purchase", amount, currency, cost, at)


def refunded(amount: int, currency: str = "GBP") -> Told:
    return Told("refund", amount, currency)


def served(amount: int, currency: str = "GBP") -> Told:
    return Told("cost_to_serve", amount, currency)


def problem(severity: int = 1, touchpoint: str = "store") -> Told:
    return Told("problem", severity, touchpoint)


def complained(severity: int = 1, touchpoint: str = "store") -> Told:
    return Told("complaint", severity, touchpoint)


def answered(score: int, scale: str = "0-10", at: datetime = AT) -> Told:
    return Told("survey", score, scale, occurred_at=at)


def expected(about: str, points: int, importance: int = 1, at: datetime = AT) -> Told:
    return Told("expected", points, about, importance, at)


def perceived(about: str, points: int, at: datetime = AT) -> Told:
    return Told("perceived", points, about, occurred_at=at)


def story(*told: Told) -> Figures:
    """What it all comes to: recorded in this order, whenever it happened."""
    return counted(replace(each, offset=offset) for offset, each in enumerate(told))


def statistics(*stories: Figures, of: Mapping[UUID, Figures] | None = None) -> Statistics:
    """How those people stand, who are number 1, 2 and so on, or those that are named."""
    people = of or {UUID(int=n): figures for n, figures in enumerate(stories, 1)}
    standings = {}
    for each in POPULATIONS.values():
        for currency in ("GBP", "EUR") if each.is_money else ("",):
            values = {person: each.value(figures, currency) for person, figures in people.items()}
            if cuts := [Cut(value, person) for person, value in values.items() if value is not None]:
                standings[each.measure, currency] = cut_of(each.kind, cuts)
    return Statistics(1, NOW, standings)


def scored(
    definition: Definition,
    figures: Figures,
    among: Statistics | None = None,
    *,
    person: UUID = ME,
    currency: str | None = None,
    as_of: datetime = NOW,
) -> Score:
    """Of that definition; in pounds where it is about money and nothing else is said."""
    if definition.is_money and currency is None:
        currency = "GBP"
    return definition.score(Case(person, figures, among, as_of, currency))


def parts(score: Score) -> dict[str, int | float]:
    return {each.name: each.value for each in score.contributions}


def lacks(score: Score) -> str | None:
    """By its code, what there would have to be."""
    assert (score.value is None) == (score.missing is not None)
    return None if score.missing is None else score.missing.code
