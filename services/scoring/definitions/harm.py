"""Harm: what went wrong for somebody, by how bad they say it was."""

from typing import Final

from services.scoring.numbers.scores import Case, Contribution, Definition, Score, nothing, summed

HIGH_FROM: Final = 15
MEDIUM_FROM: Final = 5


def score(case: Case) -> Score:
    parts = [
        Contribution(f"{measure}s", case.figures.sum(measure), [(measure, None)])
        for measure in ("problem", "complaint")
        if case.figures.count(measure)
    ]
    if not parts:
        return nothing("no_harm", "no problem and no complaint was heard of")
    value = summed(parts)
    return Score(value, "high" if value >= HIGH_FROM else "medium" if value >= MEDIUM_FROM else "low", parts)


DEFINITION: Final = Definition(
    id="harm",
    version=1,
    title="Harm",
    unit="severity, 1 to 5 each",
    formula="severity of problems + severity of complaints",
    inputs=("problem", "complaint"),
    bands={"low": f"below {MEDIUM_FROM}", "medium": f"below {HIGH_FROM}", "high": f"{HIGH_FROM} or more"},
    score=score,
)
