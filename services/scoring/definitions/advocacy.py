"""Advocacy: whether somebody speaks for us. What they complained of is harm and stands apart.

The scale is that of the Net Promoter Score (Reichheld 2003): 9-10 promoters, 7-8 passives, 0-6 detractors. A complaint
never makes a saboteur by itself: it takes an answer of 0 to 3, too, and harm beyond what one complaint can be.
"""

from typing import Final

from services.scoring.numbers.scores import Case, Contribution, Definition, Score, nothing, summed

SCALE: Final = "0-10"
PROMOTERS_FROM, PASSIVES_FROM = 9, 7
RECOMMENDS: Final = 2
MOST_REFERRALS: Final = 2
ADVOCATES_FROM: Final = 3
SABOTEURS_TO: Final = 3
SABOTEURS_HARM: Final = 9


def _recommends(answer: int) -> int:
    return RECOMMENDS if answer >= PROMOTERS_FROM else 0 if answer >= PASSIVES_FROM else -RECOMMENDS


def score(case: Case) -> Score:
    answered, referred = case.figures.get("survey", SCALE), case.figures.count("referral")
    parts = []
    if answered is not None:
        parts.append(Contribution("recommendation", _recommends(answered.last_amount), [("survey", SCALE)]))
    if referred:
        parts.append(Contribution("referrals", min(referred, MOST_REFERRALS), [("referral", None)]))
    if not parts:
        return nothing("never_asked", f"no answer on the scale {SCALE}, and no referral", band="unknown")
    value, harm = summed(parts), case.figures.sum("complaint")
    angry = answered is not None and answered.last_amount <= SABOTEURS_TO and harm >= SABOTEURS_HARM
    return Score(value, _band(value, is_angry=angry), parts, details={"harm": harm})


def _band(value: int | float, *, is_angry: bool) -> str:
    if value < 0:
        return "saboteur" if is_angry else "detractor"
    return "advocate" if value >= ADVOCATES_FROM else "supporter" if value > 0 else "neutral"


DEFINITION: Final = Definition(
    id="advocacy",
    version=1,
    title="Advocacy",
    unit="points, -2 to 4",
    formula="last answer on the scale 0-10: 9-10 counts 2, 7-8 counts 0, 0-6 counts -2; "
    "+ referrals, at most 2; unknown where there is neither",
    inputs=("survey", "referral", "complaint"),
    bands={
        "advocate": "3 or more: a promoter who refers others",
        "supporter": "1 or 2",
        "neutral": "0",
        "detractor": "below 0",
        "saboteur": f"below 0, answered {SABOTEURS_TO} or less, and complaints of severity {SABOTEURS_HARM} or more",
    },
    score=score,
)
