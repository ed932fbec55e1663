"""RFM: how recently, how often and for how much somebody has bought, each by quintiles of all who buy (Hughes 1994).

Recency is the moment of the last purchase and not the days since: quintiles of either are the same people, and the
moment stays true however late it is read.
"""

from collections.abc import Mapping
from typing import Final

from libs.events.times import microseconds
from services.scoring.numbers.figures import Figures
from services.scoring.numbers.money import bought, turnover_if_bought
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
from services.scoring.numbers.standings import QUINTILES, Kind, quintile

_CODES: Final = {
    "CH": "champions",
    "LO": "loyal",
    "PL": "potential_loyalist",
    "NE": "new",
    "PR": "promising",
    "NA": "need_attention",
    "SL": "about_to_sleep",
    "RI": "at_risk",
    "CL": "cannot_lose",
    "LS": "lost",
}

# fmt: off
_TABLE: Final = (
    # recency 5: frequency 1 to 5 downwards, monetary 1 to 5 to the right
    "NE NE NE PL PL",
    "PL PL PL PL LO",
    "PL PL PL LO CH",
    "PL PL LO CH CH",
    "PL LO CH CH CH",
    # recency 4: frequency 1 to 5 downwards, monetary 1 to 5 to the right
    "PR PR PR PL PL",
    "PL PL PL PL LO",
    "PL PL PL LO LO",
    "PL PL LO LO CH",
    "PL LO LO CH CH",
    # recency 3: frequency 1 to 5 downwards, monetary 1 to 5 to the right
    "SL SL SL NA NA",
    "SL SL NA NA NA",
    "SL NA NA NA LO",
    "NA NA NA LO LO",
    "NA NA LO LO LO",
    # recency 2: frequency 1 to 5 downwards, monetary 1 to 5 to the right
    "SL SL SL RI RI",
    "SL SL RI RI RI",
    "SL RI RI RI RI",
    "RI RI RI RI CL",
    "RI RI RI CL CL",
    # recency 1: frequency 1 to 5 downwards, monetary 1 to 5 to the right
    "LS LS LS LS RI",
    "LS LS LS RI RI",
    "LS LS RI RI RI",
    "LS RI RI RI CL",
    "RI RI RI CL CL",
)
# fmt: on

BAND_OF: Final[Mapping[tuple[int, int, int], str]] = {
    (QUINTILES - n // QUINTILES, n % QUINTILES + 1, m): _CODES[code]
    for n, row in enumerate(_TABLE)
    for m, code in enumerate(row.split(), 1)
}
"""The band of each of the 125 cells of recency, frequency and monetary, 5 best."""


def _last_bought(figures: Figures, currency: str | None) -> int | None:
    figure = figures.get("purchase", currency or "")
    return None if figure is None else microseconds(figure.last_at)


def _how_often(figures: Figures, currency: str | None) -> int | None:
    return figures.n("purchase", currency or "") or None


POPULATION: Final = (
    Population("recency", Kind.QUINTILES, _last_bought, is_money=True),
    Population("frequency", Kind.QUINTILES, _how_often, is_money=True),
    Population("monetary", Kind.QUINTILES, turnover_if_bought, is_money=True),
)


def score(case: Case) -> Score:
    if not bought(case.figures, case.currency):
        return nothing("nothing_bought", f"nothing was bought in {case.currency}")
    behind = {"recency": ["purchase"], "frequency": ["purchase"], "monetary": ["purchase", "refund"]}
    places: dict[str, int] = {}
    for each in POPULATION:
        standing = None if case.statistics is None else case.statistics.of(each.measure, case.currency)
        value = each.value(case.figures, case.currency)
        if standing is None or value is None:
            return no_statistics(case.currency)
        places[each.measure] = quintile(standing, value, case.person)
    parts = [Contribution(name, n, [(m, case.currency) for m in behind[name]]) for name, n in places.items()]
    r, f, m = places.values()
    return Score(summed(parts), BAND_OF[r, f, m], parts, details={"cell": f"{r}{f}{m}"})


DEFINITION: Final = Definition(
    id="rfm",
    version=1,
    title="Recency, frequency and monetary value",
    unit="quintiles, 3 to 15",
    formula="quintile of the last purchase + quintile of how many + quintile of turnover, 5 best; a band for each cell",
    inputs=("purchase", "refund"),
    bands={
        "champions": "bought lately, often and for much",
        "loyal": "buy often, and lately enough",
        "potential_loyalist": "bought lately, not often yet",
        "new": "bought lately, among the fifth who bought least often",
        "promising": "the same, a little longer ago",
        "need_attention": "middling in all three",
        "about_to_sleep": "bought little, and not lately",
        "at_risk": "bought often or for much, long ago",
        "cannot_lose": "bought most often and for most, long ago",
        "lost": "bought little, longest ago",
    },
    score=score,
    is_money=True,
    population=POPULATION,
)
