"""Pareto class by service problems: the few who have most of them."""

from typing import Final

from services.scoring.numbers.figures import Figures
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


def _problems(figures: Figures, _currency: str | None) -> int | None:
    return figures.count("problem") or None


def score(case: Case) -> Score:
    value = _problems(case.figures, None)
    if value is None:
        return nothing("no_problems", "no problem was reported")
    standing = None if case.statistics is None else case.statistics.of("problems")
    if standing is None:
        return no_statistics()
    found = case.figures.of("problem").items()
    parts = [Contribution(touchpoint, figure.n, [("problem", touchpoint)]) for touchpoint, figure in found]
    return Score(summed(parts), pareto_class(standing, value, case.person), parts)


DEFINITION: Final = Definition(
    id="problems",
    version=1,
    title="Pareto class by service problems",
    unit="problems",
    formula="how many problems were reported; sorted down, A to 80 %, B to 95 %, C the rest",
    inputs=("problem",),
    bands={
        "c": "all others who had any",
        "b": "the next, up to 95 %",
        "a": "the fewest who have 80 % of all problems together",
    },
    score=score,
    population=(Population("problems", Kind.PARETO, _problems),),
)
