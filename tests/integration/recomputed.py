"""Scores computed again from their receipts alone, in plain Python that knows nothing of the service's code.

A receipt says who it is about, their figures, the cuts of the statistics, and the events. The formulas are those of
`GET /v1/definitions`; the bands of the 125 cells are those that `GET /v1/rfm` publishes.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

Receipt = Mapping[str, Any]
Cells = Mapping[str, str]

FADES_FROM, HALF_LIFE = datetime(2020, 1, 1, tzinfo=UTC), timedelta(days=30)
CLOSE = 1e-9
FACTORS = {
    "purchase": 3, "referral": 3, "idea": 3, "inbound": 2, "survey": 2, "comment": 2, "vote": 1, "expected": 1,
    "perceived": 1,
}  # fmt: skip
SCALES = {"0-10": (0, 10), "1-5": (1, 5), "1-7": (1, 7)}


class Told(NamedTuple):
    """What a score says; `missing` is the code of what it would need."""

    value: float | None
    band: str | None
    coverage: float | None = None
    missing: str | None = None


NOBODY_SAID = Told(None, None)


class Person:
    """The figures of a receipt."""

    def __init__(self, receipt: Receipt) -> None:
        self.receipt = receipt
        self.inputs = {(each["measure"], each["about"]): each for each in receipt["inputs"]}
        used = receipt["statistics"] or {"measures": []}
        self.cuts = {each["measure"]: each["cuts"] for each in used["measures"]}
        self.about = receipt["currency"] or ""

    def n(self, measure: str, about: str | None = None) -> int:
        return self._sum("n", measure, about)

    def total(self, measure: str, about: str | None = None) -> int:
        return self._sum("total", measure, about)

    def _sum(self, what: str, measure: str, about: str | None) -> int:
        return sum(
            int(each[what]) for key, each in self.inputs.items() if key[0] == measure and about in {None, key[1]}
        )

    def last(self, measure: str) -> dict[str, int]:
        """The amount of the last, by what it is about."""
        return {about: each["last_amount"] for (name, about), each in self.inputs.items() if name == measure}

    def fifth(self, measure: str, value: float) -> int:
        """1 to 5: one more for each cut that is reached. Sums of fractions may differ in their last digits."""
        reached = 1
        for number, cut in enumerate(self.cuts[measure], 2):
            if cut is None:
                continue
            is_same = math.isclose(value, cut["value"], rel_tol=1e-12)
            place = (cut["value"] if is_same else value, self.receipt["contact"])
            if place >= (cut["value"], cut["contact"]):
                reached = number
        return reached

    def pareto_class(self, measure: str, value: int) -> str:
        for letter, cut in zip("ab", self.cuts[measure], strict=True):
            if cut is not None and (-value, self.receipt["contact"]) <= (-cut["value"], cut["contact"]):
                return letter
        return "c"


def recomputed(receipt: Receipt, cells: Cells) -> Told:
    """By the definition that the receipt names."""
    person = Person(receipt)
    if receipt["definition"] == "rfm":
        return _rfm(person, cells)
    return _OF[receipt["definition"]](person)


def _rfm(person: Person, cells: Cells) -> Told:
    currency = person.about
    if not person.n("purchase", currency):
        return Told(None, None, missing="nothing_bought")
    if "recency" not in person.cuts:
        return Told(None, None, missing="no_statistics")
    last = _microseconds(_moment(person.inputs["purchase", currency]["last_at"]))
    spent = person.total("purchase", currency) - person.total("refund", currency)
    values = {"recency": last, "frequency": person.n("purchase", currency), "monetary": spent}
    fifths = [person.fifth(measure, value) for measure, value in values.items()]
    return Told(sum(fifths), cells["".join(map(str, fifths))])


def _turnover(person: Person) -> Told:
    if not person.n("purchase", person.about):
        return Told(None, None, missing="nothing_bought")
    if "turnover" not in person.cuts:
        return Told(None, None, missing="no_statistics")
    value = person.total("purchase", person.about) - person.total("refund", person.about)
    return Told(value, person.pareto_class("turnover", value))


def _profit(person: Person) -> Told:
    currency = person.about
    if not person.n("purchase", currency):
        return Told(None, None, missing="nothing_bought" if person.receipt["currency"] is None else "cost_unknown")
    if not person.n("purchase_costed", currency):
        return Told(None, None, missing="cost_unknown")
    if "profit" not in person.cuts:
        return Told(None, None, missing="no_statistics")
    spent = sum(person.total(measure, currency) for measure in ("cost", "refund", "cost_to_serve"))
    value = person.total("purchase_costed", currency) - spent
    coverage = person.n("purchase_costed", currency) / person.n("purchase", currency)
    return Told(value, "d" if value < 0 else person.pareto_class("profit", value), coverage)


def _problems(person: Person) -> Told:
    if not (value := person.n("problem")):
        return Told(None, None, missing="no_problems")
    if "problems" not in person.cuts:
        return Told(None, None, missing="no_statistics")
    return Told(value, person.pareto_class("problems", value))


def _engagement(person: Person) -> Told:
    parts = [(FACTORS[measure], each["weight"]) for (measure, _), each in person.inputs.items() if measure in FACTORS]
    if not parts:
        return Told(None, None, missing="nothing_done")
    if "engagement" not in person.cuts:
        return Told(None, None, missing="no_statistics")
    faded = (_moment(person.receipt["as_of"]) - FADES_FROM) / HALF_LIFE
    value = math.fsum(factor * 2.0 ** (weight - faded) for factor, weight in parts)
    most = max(weight for _, weight in parts)
    ever = most + math.log2(math.fsum(factor * 2.0 ** (weight - most) for factor, weight in parts))
    bands = ("very_low", "low", "medium", "high", "very_high")
    return Told(value, bands[person.fifth("engagement", ever) - 1])


def _advocacy(person: Person) -> Told:
    answer, referrals = person.last("survey").get("0-10"), person.n("referral")
    if answer is None and not referrals:
        return Told(None, "unknown", missing="never_asked")
    value = min(referrals, 2)
    if answer is not None:
        value += 2 if answer >= 9 else 0 if answer >= 7 else -2
    if value < 0 and answer is not None and answer <= 3 and person.total("complaint") >= 9:
        return Told(value, "saboteur")
    return Told(
        value, "detractor" if value < 0 else "neutral" if not value else "supporter" if value < 3 else "advocate"
    )


def _expectation_gap(person: Person) -> Told:
    expected, perceived = person.last("expected"), person.last("perceived")
    importance, both = person.last("importance"), expected.keys() & perceived.keys()
    if not both:
        return Told(None, None, missing="no_pair")
    weighed = sum(importance[about] * (perceived[about] - expected[about]) for about in both)
    value = weighed / sum(importance[about] for about in both)
    band = "exceeded" if _above(value, 0.5) else "missed" if _above(-value, 0.5) else "met"
    return Told(value, band, len(both) / len(expected))


def _health(person: Person) -> Told:
    parts: list[tuple[int, float]] = []
    if (engaged := _engagement(person).band) is not None:
        parts.append((3, ("very_low", "low", "medium", "high", "very_high").index(engaged) * 25.0))
    if answers := person.last("survey"):
        shares = [
            (given - SCALES[scale][0]) / (SCALES[scale][1] - SCALES[scale][0]) for scale, given in answers.items()
        ]
        parts.append((3, 100 * sum(shares) / len(shares)))
    if (gap := _expectation_gap(person).value) is not None:
        parts.append((2, 50 + 50 * gap / 6))
    if wrong := person.n("problem") + person.n("complaint"):
        right = [min(person.total(f"{each}_resolved"), person.n(each)) for each in ("problem", "complaint")]
        parts.append((2, 100 * sum(right) / wrong))
    if not parts:
        return Told(None, None, missing="nothing_known")
    weight = sum(each for each, _ in parts)
    value = sum(each * part for each, part in parts) / weight
    return Told(value, "healthy" if _above(value, 70) else "fair" if _above(value, 40) else "poor", weight / 10)


def _harm(person: Person) -> Told:
    if not person.n("problem") + person.n("complaint"):
        return Told(None, None, missing="no_harm")
    value = person.total("problem") + person.total("complaint")
    return Told(value, "high" if value >= 15 else "medium" if value >= 5 else "low")


def _voice(person: Person) -> Told:
    if not (value := sum(person.n(measure) for measure in ("idea", "vote", "comment", "survey", "inbound"))):
        return Told(None, None, missing="nothing_said")
    return Told(value, "vocal" if value >= 5 else "occasional")


_OF = {
    "advocacy": _advocacy, "engagement": _engagement, "expectation_gap": _expectation_gap, "harm": _harm,
    "health": _health, "problems": _problems, "profit": _profit, "turnover": _turnover, "voice": _voice,
}  # fmt: skip


def _above(value: float, edge: float) -> bool:
    """At it, or above: what lies beside the edge in its last digits lies on it."""
    return value >= edge - CLOSE


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _microseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def figures_of(events: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """What events come to, by measure and what it is about, each event once: as the inputs of a receipt say it."""
    found: dict[tuple[str, str], list[tuple[datetime, tuple[int, ...], int]]] = defaultdict(list)
    for event in {each["position"]: each for each in events}.values():
        _, partition, offset = event["position"].split("/")
        place = _moment(event["occurred_at"]), (int(partition), int(offset))
        found[event["measure"], event["about"]].append((*place, event["amount"]))
        if event["measure"] == "purchase" and event["also"] is not None:
            found["purchase_costed", event["about"]].append((*place, event["amount"]))
            found["cost", event["about"]].append((*place, event["also"]))
        if event["measure"] == "expected":
            found["importance", event["about"]].append((*place, event["also"]))
    return {key: _figure(sorted(mine)) for key, mine in found.items()}


def _figure(mine: Sequence[tuple[datetime, tuple[int, ...], int]]) -> dict[str, Any]:
    faded = [(moment - FADES_FROM) / HALF_LIFE for moment, _, _ in mine]
    most = max(faded)
    return {
        "n": len(mine), "total": sum(amount for _, _, amount in mine), "first_at": mine[0][0], "last_at": mine[-1][0],
        "last_amount": mine[-1][2], "weight": most + math.log2(math.fsum(2.0 ** (each - most) for each in faded)),
    }  # fmt: skip
