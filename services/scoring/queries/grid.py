"""Everybody who buys, by the 125 cells of recency, frequency and monetary: counted by the database, on whole numbers.

A cell is told as definitions tell it (standings.py): by the cuts of published statistics, pairs of value and contact.
"""

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Numeric,
    Subquery,
    Text,
    Uuid,
    bindparam,
    case,
    cast,
    func,
    or_,
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.identity.persons import canonical
from libs.events.precompiled import Precompiled
from services.scoring.numbers.standings import QUINTILES, Statistics
from services.scoring.tables import figures

MEASURES = ("recency", "frequency", "monetary")


def _buyers() -> Subquery:
    """Whoever has bought in a currency, over all their names."""
    is_purchase = figures.c.measure == "purchase"
    total = func.sum(case((is_purchase, figures.c.total), else_=-figures.c.total))
    last_us = func.extract("epoch", func.max(figures.c.last_at).filter(is_purchase)) * 1_000_000
    return (
        select(
            canonical(figures.c.node).label("person"),
            cast(last_us, BigInteger).label("recency"),
            cast(func.sum(figures.c.n).filter(is_purchase), BigInteger).label("frequency"),
            cast(total, Numeric).label("monetary"),
        )
        .where(or_(is_purchase, figures.c.measure == "refund"), figures.c.about == bindparam("currency", type_=Text))
        .group_by("person")
        .having(func.bool_or(is_purchase))
        .subquery("buyers")
    )


def _quintile(buyers: Subquery, measure: str) -> ColumnElement[int]:
    """A cut that nobody stands at is passed by nobody: a comparison with null holds for none."""
    passed = []
    for n in range(2, QUINTILES + 1):
        cut = (
            cast(bindparam(f"{measure}_{n}", type_=Numeric), Numeric),
            cast(bindparam(f"{measure}_{n}_contact", type_=Uuid), Uuid),
        )
        passed.append((tuple_(cast(buyers.c[measure], Numeric), buyers.c.person) >= tuple_(*cut), n))
    return case(*reversed(passed), else_=1)


@lru_cache(1)
def _statement() -> Precompiled:
    buyers = _buyers()
    cells: list[ColumnElement[Any]] = [_quintile(buyers, measure).label(measure[0]) for measure in MEASURES]
    total = func.sum(buyers.c.monetary).label("turnover_minor")
    return Precompiled(select(*cells, func.count().label("people"), total).group_by("r", "f", "m"))


async def cells(connection: AsyncConnection, statistics: Statistics, currency: str) -> Sequence[Any]:
    """r, f, m, people and turnover_minor of each cell that anybody is in."""
    arguments: dict[str, Any] = {"currency": currency}
    for measure in MEASURES:
        standing = statistics.of(measure, currency)
        assert standing is not None  # noqa: S101  asked before
        for n, cut in enumerate(standing.cuts, 2):
            arguments[f"{measure}_{n}"] = None if cut is None else Decimal(cut.value)
            arguments[f"{measure}_{n}_contact"] = None if cut is None else cut.contact
    return (await _statement().execute(connection, arguments)).all()
