"""Expectation gap: what was perceived less what was expected, per factor (Parasuraman, Zeithaml and Berry 1988)."""

from typing import Final

from services.scoring.numbers.scores import Case, Contribution, Definition, Score, nothing, settled, summed

MET_WITHIN: Final = 0.5


def score(case: Case) -> Score:
    """Over the factors of which both are known, by their importance; the last word on each counts."""
    expected, perceived = case.figures.of("expected"), case.figures.of("perceived")
    importance = case.figures.of("importance")
    both = [about for about in expected if about in perceived]
    if not both:
        return nothing("no_pair", "of no factor is it known both what was expected and what was perceived")
    gaps = {about: perceived[about].last_amount - expected[about].last_amount for about in both}
    total = sum(importance[about].last_amount for about in both)
    parts = [
        Contribution(
            about,
            gaps[about] * importance[about].last_amount / total,
            [("expected", about), ("importance", about), ("perceived", about)],
        )
        for about in both
    ]
    value = summed(parts)
    return Score(value, _band(settled(value)), parts, coverage=len(both) / len(expected), details={"gaps": gaps})


def _band(value: float) -> str:
    return "exceeded" if value >= MET_WITHIN else "met" if value > -MET_WITHIN else "missed"


DEFINITION: Final = Definition(
    id="expectation_gap",
    version=1,
    title="Expectation gap",
    unit="points of a scale of 7",
    formula="sum over factors of importance * (perceived - expected) / sum of importance",
    inputs=("expected", "perceived"),
    bands={
        "exceeded": f"{MET_WITHIN} or more above what was expected",
        "met": "about as expected",
        "missed": f"{MET_WITHIN} or more below",
    },
    score=score,
)
