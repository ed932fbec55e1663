"""Health: how well things stand with somebody, over what is known of them. What is missing is never 0."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from libs.events.catalog.interactions import SCALES
from services.scoring.definitions import engagement, expectation_gap
from services.scoring.numbers.measures import NOTED_AS
from services.scoring.numbers.scores import Case, Contribution, Definition, Score, nothing, settled, summed

GREATEST_GAP: Final = 6
HEALTHY_FROM, FAIR_FROM = 70, 40


def _engagement(case: Case) -> float | None:
    place = engagement.fifth(case)
    return None if place is None else (place - 1) * 25.0


def _satisfaction(case: Case) -> float | None:
    """The last answer on each scale, as a share of it."""
    answers = [_share(figure.last_amount, *SCALES[scale]) for scale, figure in case.figures.of("survey").items()]
    return sum(answers) / len(answers) if answers else None


def _share(answer: int, low: int, high: int) -> float:
    return 100.0 * (answer - low) / (high - low)


def _expectations(case: Case) -> float | None:
    gap = expectation_gap.score(case).value
    return None if gap is None else 50.0 + 50.0 * gap / GREATEST_GAP


def _service(case: Case) -> float | None:
    """Which share of what went wrong was put right, as the customer sees it."""
    wrong = {each: case.figures.count(each) for each in ("problem", "complaint")}
    right = sum(min(case.figures.sum(f"{each}_resolved"), n) for each, n in wrong.items())
    return 100.0 * right / sum(wrong.values()) if any(wrong.values()) else None


class _Measure(NamedTuple):
    name: str
    weight: int
    value: Callable[[Case], float | None]
    behind: Sequence[tuple[str, str | None]]


_MEASURES: Final = (
    _Measure("engagement", 3, _engagement, [(measure, None) for measure in engagement.FACTORS]),
    _Measure("satisfaction", 3, _satisfaction, [("survey", None)]),
    _Measure("expectations", 2, _expectations, [("expected", None), ("importance", None), ("perceived", None)]),
    _Measure(
        "service",
        2,
        _service,
        [("problem", None), ("complaint", None), ("problem_resolved", None), ("complaint_resolved", None)],
    ),
)


def score(case: Case) -> Score:
    present = [(each, value) for each in _MEASURES if (value := each.value(case)) is not None]
    if not present:
        return nothing("nothing_known", "none of the measures of health is known")
    total = sum(each.weight for each, _ in present)
    parts = [Contribution(each.name, each.weight * value / total, each.behind) for each, value in present]
    value = summed(parts)
    coverage = total / sum(each.weight for each in _MEASURES)
    details = {each.name: known for each, known in present}
    return Score(value, _band(settled(value)), parts, coverage=coverage, details=details)


def _band(value: float) -> str:
    return "healthy" if value >= HEALTHY_FROM else "fair" if value >= FAIR_FROM else "poor"


DEFINITION: Final = Definition(
    id="health",
    version=1,
    title="Health",
    unit="0 to 100",
    formula="weighted mean of what is present: "
    + ", ".join(f"{each.name} {each.weight}" for each in _MEASURES)
    + "; each from 0 to 100",
    inputs=tuple(dict.fromkeys(NOTED_AS.get(measure, measure) for each in _MEASURES for measure, _ in each.behind)),
    bands={"healthy": f"{HEALTHY_FROM} or more", "fair": f"{FAIR_FROM} or more", "poor": f"below {FAIR_FROM}"},
    score=score,
    population=engagement.DEFINITION.population,
)
