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


def score(case: Case) -> Score:
    """The value fades; the band compares logarithms of sums up to the landmark, which do not."""
    weight = _weight(case.figures, None)
    if weight is None:
        return nothing("nothing_done", "nothing was done that engagement is made of")
    standing = None if case.statistics is None else case.statistics.of("engagement")
    if standing is None:
        return no_statistics()
    parts = []
    for measure, factor in FACTORS.items():
        if (part := case.figures.weight({measure: factor})) is not None:
            parts.append(Contribution(measure, decay.at(part, case.as_of), [(measure, None)]))
    band = BANDS[quintile(standing, weight, case.person) - 1]
    return Score(summed(parts), band, parts, details={"half_life_days": decay.HALF_LIFE_DAYS})


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
    population=(Population("engagement", Kind.QUINTILES, _weight),),
)
