"""Pareto class by turnover: the few who bring most of it."""

from typing import Final

from services.scoring.numbers.money import turnover_if_bought
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


def score(case: Case) -> Score:
    figures, currency = case.figures, case.currency or ""
    value = turnover_if_bought(figures, currency)
    if value is None:
        return nothing("nothing_bought", f"nothing was bought in {currency}")
    standing = None if case.statistics is None else case.statistics.of("turnover", currency)
    if standing is None:
        return no_statistics(currency)
    parts = [Contribution("purchases", figures.total("purchase", currency), [("purchase", currency)])]
    if refunded := figures.total("refund", currency):
        parts.append(Contribution("refunds", -refunded, [("refund", currency)]))
    return Score(summed(parts), pareto_class(standing, value, case.person), parts)


DEFINITION: Final = Definition(
    id="turnover",
    version=1,
    title="Pareto class by turnover",
    unit="minor units of the currency",
    formula="purchases - refunds; sorted down, A to 80 %, B to 95 %, C the rest",
    inputs=("purchase", "refund"),
    bands={
        "a": "the fewest who bring 80 % of the turnover together",
        "b": "the next, up to 95 %",
        "c": "all others",
    },
    score=score,
    is_money=True,
    population=(Population("turnover", Kind.PARETO, turnover_if_bought, is_money=True),),
)
