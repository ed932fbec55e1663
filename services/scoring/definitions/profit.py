"""Pareto class by profit, where what purchases cost is known. The sum rises past 100 % and falls: losses lie beyond."""

from typing import Final

from services.scoring.numbers.figures import Figures
from services.scoring.numbers.money import is_costed, profit
from services.scoring.numbers.scores import (
    Case,
    Contribution,
    Definition,
    Population,
    Score,
    no_statistics,
    nothing,
    summed,
)
from services.scoring.numbers.standings import Kind, pareto_class

_PARTS: Final = (
    ("purchases", 1, "purchase_costed"),
    ("cost", -1, "cost"),
    ("refunds", -1, "refund"),
    ("cost_to_serve", -1, "cost_to_serve"),
)


def _profit(figures: Figures, currency: str | None) -> int | None:
    return profit(figures, currency) if is_costed(figures, currency) else None


def score(case: Case) -> Score:
    figures, currency = case.figures, case.currency or ""
    value = _profit(figures, currency)
    if value is None:
        return nothing("cost_unknown", f"of no purchase in {currency} is it known what it cost")
    standing = None if case.statistics is None else case.statistics.of("profit", currency)
    if standing is None:
        return no_statistics(currency)
    parts = [
        Contribution(name, sign * figures.total(measure, currency), [(measure, currency)])
        for name, sign, measure in _PARTS
        if figures.get(measure, currency) is not None
    ]
    band = "d" if value < 0 else pareto_class(standing, value, case.person)
    coverage = figures.n("purchase_costed", currency) / figures.n("purchase", currency)
    return Score(summed(parts), band, parts, coverage=coverage)


DEFINITION: Final = Definition(
    id="profit",
    version=1,
    title="Pareto class by profit",
    unit="minor units of the currency",
    formula="purchases of known cost, where there are any, - cost - refunds - cost to serve; sorted down, A to 80 % of "
    "the peak, B to 95 %, C the rest, D who costs more than they bring",
    inputs=("purchase", "refund", "cost_to_serve"),
    bands={
        "a": "the fewest who bring 80 % of all gains together",
        "b": "the next, up to 95 %",
        "c": "who bring little or nothing",
        "d": "who cost more than they bring",
    },
    score=score,
    is_money=True,
    population=(Population("profit", Kind.PARETO, _profit, is_money=True),),
)
