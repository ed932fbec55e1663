"""Pareto curves: everybody by one measure, greatest first, and what they come to together.

Computed by the database: of figures, or of the facts of a range of time.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Numeric,
    Select,
    Subquery,
    and_,
    case,
    cast,
    func,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.identity.persons import canonical
from services.scoring.numbers.standings import A_PERCENT, B_PERCENT
from services.scoring.tables import facts, figures

MEASURES = ("turnover", "profit", "problems")


class Range(NamedTuple):
    """From a moment until before another; None has no bound."""

    begin: datetime | None
    end: datetime | None

    @property
    def is_all(self) -> bool:
        return self == (None, None)


class Curve(NamedTuple):
    """`points` are ranks with the sum up to there; `classes` how many are in each class, and what they come to."""

    people: int
    total: int
    peak: int
    points: Sequence[tuple[int, int]]
    classes: dict[str, tuple[int, int]]


async def curve(
    connection: AsyncConnection, measure: str, currency: str | None, range_: Range, most: int
) -> Curve:  # fmt: skip
    """At most so many points, evenly over the ranks, the last one always."""
    values = _of_figures(measure, currency) if range_.is_all else _of_facts(measure, currency, range_)
    ranked = _ranked(values)
    summed = (await connection.execute(_summary(ranked))).all()
    people = sum(row.people for row in summed)
    step = max(1, -(-people // most))
    shown = select(ranked.c.rank, ranked.c.sum).where((ranked.c.rank % step == 0) | (ranked.c.rank == people))
    points = (await connection.execute(shown.order_by(ranked.c.rank))).all()
    classes = dict.fromkeys("abcd" if measure == "profit" else "abc", (0, 0))
    for row in summed:
        letter = row.letter if row.letter in classes else "c"
        classes[letter] = (classes[letter][0] + row.people, classes[letter][1] + int(row.total))
    peak = max((int(row.peak or 0) for row in summed), default=0)
    total = sum(total for _, total in classes.values())
    return Curve(people, total, peak, [(point.rank, int(point.sum)) for point in points], classes)


def _ranked(values: Select[Any]) -> Subquery:
    """Greatest first, among equals by contact id."""
    each = values.subquery("each")
    order = (each.c.value.desc(), each.c.person)
    up_to_here = func.sum(each.c.value).over(order_by=order, rows=(None, 0))
    return select(
        each.c.value,
        func.row_number().over(order_by=order).label("rank"),
        up_to_here.label("sum"),
        (up_to_here - each.c.value).label("before"),
        func.sum(case((each.c.value > 0, each.c.value), else_=0)).over().label("peak"),
    ).subquery("ranked")


def _summary(ranked: Subquery) -> Select[Any]:
    """As definitions tell classes (standings.py); who costs more than they bring is D on profit, C on the others."""
    gains = ranked.c.value > 0
    letter = case(
        (and_(gains, ranked.c.before * 100 < ranked.c.peak * A_PERCENT), "a"),
        (and_(gains, ranked.c.before * 100 < ranked.c.peak * B_PERCENT), "b"),
        (ranked.c.value >= 0, "c"),
        else_="d",
    ).label("letter")
    return select(
        letter,
        func.count().label("people"),
        func.sum(ranked.c.value).label("total"),
        func.max(ranked.c.peak).label("peak"),
    ).group_by("letter")


def _of_figures(measure: str, currency: str | None) -> Select[Any]:
    person = canonical(figures.c.node).label("person")
    if measure == "problems":
        counted = cast(func.sum(figures.c.n), Numeric).label("value")
        return select(person, counted).where(figures.c.measure == "problem").group_by("person")
    is_purchase: ColumnElement[bool] = figures.c.measure == "purchase"
    total = cast(figures.c.total, Numeric)
    gained: ColumnElement[Any] = total
    lost, takes_part = ["refund"], is_purchase
    if measure == "profit":
        gained = cast(figures.c.also_base, Numeric) - figures.c.also_total
        lost, takes_part = ["refund", "cost_to_serve"], and_(is_purchase, figures.c.also_n > 0)
    return (
        select(person, func.sum(case((is_purchase, func.coalesce(gained, 0)), else_=-total)).label("value"))
        .where(or_(is_purchase, figures.c.measure.in_(lost)), figures.c.about == currency)
        .group_by("person")
        .having(func.bool_or(takes_part))
    )


def _of_facts(measure: str, currency: str | None, range_: Range) -> Select[Any]:
    person = canonical(facts.c.node).label("person")
    within = [
        *([] if range_.begin is None else [facts.c.occurred_at >= range_.begin]),
        *([] if range_.end is None else [facts.c.occurred_at < range_.end]),
    ]
    if measure == "problems":
        counted = cast(func.count(), Numeric).label("value")
        return select(person, counted).where(facts.c.measure == "problem", *within).group_by("person")
    costed = and_(facts.c.measure == "purchase", facts.c.also.is_not(None))
    amount: ColumnElement[Any] = cast(facts.c.amount, Numeric)
    if measure == "turnover":
        value = func.sum(case((facts.c.measure == "purchase", amount), else_=-amount))
        takes_part: ColumnElement[bool] = facts.c.measure == "purchase"
        read: ColumnElement[bool] = facts.c.measure.in_(["purchase", "refund"])
    else:
        value = func.sum(case((costed, amount - cast(facts.c.also, Numeric)), else_=-amount))
        takes_part = costed
        read = or_(costed, facts.c.measure.in_(["refund", "cost_to_serve"]))
    return (
        select(person, value.label("value"))
        .where(read, facts.c.about == currency, *within)
        .group_by("person")
        .having(func.bool_or(takes_part))
    )


async def currencies(connection: AsyncConnection) -> Sequence[str]:
    """In which anything was bought."""
    found = select(figures.c.about).distinct().where(figures.c.measure == "purchase").order_by(figures.c.about)
    return (await connection.execute(found)).scalars().all()
