"""Voice: how often somebody let us hear from them. A complaint is no part of it: more complaints are harm, heard."""

from typing import Final

from services.scoring.numbers.scores import Case, Contribution, Definition, Score, nothing, summed

MEASURES: Final = ("idea", "vote", "comment", "survey", "inbound")
VOCAL_FROM: Final = 5


def score(case: Case) -> Score:
    counts = {measure: case.figures.count(measure) for measure in MEASURES}
    parts = [Contribution(measure, n, [(measure, None)]) for measure, n in counts.items() if n]
    if not parts:
        return nothing("nothing_said", "nothing was heard from them")
    value = summed(parts)
    return Score(value, "vocal" if value >= VOCAL_FROM else "occasional", parts)


DEFINITION: Final = Definition(
    id="voice",
    version=1,
    title="Voice",
    unit="times heard",
    formula="ideas + votes + comments + survey answers + contacts that they began",
    inputs=MEASURES,
    bands={"vocal": f"heard {VOCAL_FROM} times or more", "occasional": "heard less often"},
    score=score,
)
