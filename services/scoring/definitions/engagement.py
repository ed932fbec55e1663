"""Engagement: how much somebody does with us, of which half is left after 30 days."""

from typing import Final

from services.scoring.numbers import decay
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
from services.scoring.numbers.standings import Kind, quintile

FACTORS: Final = {
    "purchase": 3,
    "referral": 3,
    "idea": 3,
    "inbound": 2,
    "survey": 2,
    "comment": 2,
    "vote": 1,
    "expected": 1,
    "perceived": 1,
}
BANDS: Final = ("very_low", "low", "medium", "high", "very_high")


def _weight(figures: Figures, _currency: str | None) -> float | None:
    return figures.weight(FACTORS)


def fifth(case: Case) -> int | None:
    """1 to 5, those who do most 5: it compares logarithms of sums up to the landmark, which do not fade."""
    weight = _weight(case.figures, None)
    standing = None if case.statistics is None else case.statistics.of("engagement")
    return None if weight is None or standing is None else quintile(standing, weight, case.person)


def score(case: Case) -> Score:
    """The value fades, the band does not."""
    place = fifth(case)
    if place is None:
        if _weight(case.figures, None) is None:
            return nothing("nothing_done", "nothing was done that engagement is made of")
        return no_statistics()
    parts = []
    for measure, factor in FACTORS.items():
        if case.figures.of(measure) and (part := case.figures.weight({measure: factor})) is not None:
            parts.append(Contribution(measure, decay.at(part, case.as_of), [(measure, None)]))
    return Score(summed(parts), BANDS[place - 1], parts, details={"half_life_days": decay.HALF_LIFE_DAYS})


DEFINITION: Final = Definition(
    id="engagement",
    version=1,
    title="Engagement",
    unit="points",
    formula="sum of factor * 2^(-(t - t_i) / 30 days): "
    + ", ".join(f"{measure} {factor}" for measure, factor in FACTORS.items()),
    inputs=tuple(FACTORS),
    bands={
        "very_high": "the fifth who do most",
        "high": "the next fifth",
        "medium": "the fifth in the middle",
        "low": "the next fifth",
        "very_low": "the fifth who do least",
    },
    score=score,
    fades=True,
    population=(Population("engagement", Kind.QUINTILES, _weight),),
)
