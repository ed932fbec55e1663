"""The figures of the loop: were votes delivered, answers given, promises kept, and did it help? Pure.

All are about groups of merged ideas, which stand at the board and the touchpoint of their root; a merged-away idea is
not counted itself. What is heard from customers (voice) and what they complain of (harm) are never added up: more of
the first is a good sign.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from itertools import chain
from statistics import median
from typing import Any, Final, NamedTuple
from uuid import UUID

from libs.events.times import parse

DELIVERED: Final = frozenset({"shipped", "measured"})
OPEN: Final = frozenset({"submitted", "under_review", "planned", "in_progress"})

Place = tuple[UUID, str]  # board and touchpoint


class Root(NamedTuple):
    """An idea that was merged into none. `people` stand behind its group; `comments` are those shown on all of it.

    `history` is of an idea of which a date was promised: its statuses in the order in which they were decided.
    """

    place: Place
    status: str
    people: int
    comments: int
    occurred_at: datetime
    answered_at: datetime | None
    history: Sequence[Mapping[str, Any]]


class Measured(NamedTuple):
    """The last outcome of a change, at the place of the first idea that it answers; without a currency no amounts."""

    place: Place
    is_met: bool
    currency: str | None
    value_minor: int
    cost_minor: int


class Harm(NamedTuple):
    """Complaints at a touchpoint. `severity` is the sum of theirs."""

    complaints: int
    people: int
    severity: int

    def figures(self) -> dict[str, Any]:
        mean = self.severity / self.complaints if self.complaints else None
        return {"complaints": self.complaints, "people": self.people, "mean_severity": mean}


class Counted(NamedTuple):
    """All that the figures are made of. Of `people` and `harm`, which are of distinct persons, None is the total.

    `harm` is None where it was not asked for: it belongs to no board.
    """

    roots: Sequence[Root]
    measured: Sequence[Measured]
    people: Mapping[Place | None, int]
    harm: Mapping[str | None, Harm] | None


def report(counted: Counted, as_of: datetime) -> dict[str, Any]:
    """The figures of each place that has ideas, and the same over all of them."""
    roots: dict[Place, list[Root]] = {}
    for root in counted.roots:
        roots.setdefault(root.place, []).append(root)
    measured: dict[Place, list[Measured]] = {}
    for each in counted.measured:
        measured.setdefault(each.place, []).append(each)
    items = [
        {"board": place[0], "touchpoint": place[1]}
        | figures(roots[place], measured.get(place, ()), counted.people.get(place, 0), as_of)
        | {"harm": _harm(counted, place[1])}
        for place in sorted(roots)
    ]
    total = figures(counted.roots, counted.measured, counted.people.get(None, 0), as_of)
    return {"as_of": as_of, "items": items, "total": total | {"harm": _harm(counted, None)}}


def figures(roots: Sequence[Root], measured: Sequence[Measured], people: int, as_of: datetime) -> dict[str, Any]:
    """All but harm. `people` is how many distinct persons were heard."""
    return {
        "votes": _votes(roots),
        "answers": _answers(roots),
        "promises": _promises(roots, as_of),
        "outcomes": _outcomes(sum(root.status in DELIVERED for root in roots), measured),
        "voice": {"people": people, "ideas": len(roots), "comments": sum(root.comments for root in roots)},
    }


def _votes(roots: Sequence[Root]) -> dict[str, Any]:
    delivered = sum(root.people for root in roots if root.status in DELIVERED)
    still_open = sum(root.people for root in roots if root.status in OPEN)
    return {"delivered": delivered, "open": still_open, "share_delivered": _share(delivered, still_open)}


def _answers(roots: Sequence[Root]) -> dict[str, Any]:
    waited = [root.answered_at - root.occurred_at for root in roots if root.answered_at is not None]
    days = median(each / timedelta(days=1) for each in waited) if waited else None
    return {"ideas": len(roots), "answered": len(waited), "median_days_to_first_answer": days}


def _promises(roots: Sequence[Root], as_of: datetime) -> dict[str, Any]:
    became = list(chain.from_iterable(promises(root.history, as_of) for root in roots))
    kept, broken, still_open = (became.count(what) for what in ("kept", "broken", "open"))
    return {"kept": kept, "broken": broken, "open": still_open, "share_kept": _share(kept, broken)}


def promises(history: Sequence[Mapping[str, Any]], as_of: datetime) -> list[str]:
    """What became of each day that was promised of an idea; one that was promised again is one promise.

    It is kept by the first shipment after it was promised, not by one of before that did not help.
    """
    became: dict[str, str] = {}
    for n, turn in enumerate(history):
        if (day := turn.get("promised_for")) is not None and day not in became:
            became[day] = _became(_end_of(day), history[n + 1 :], as_of)
    return list(became.values())


def _became(end: datetime, later: Iterable[Mapping[str, Any]], as_of: datetime) -> str:
    shipped = next((parse(turn["at"]) for turn in later if turn["status"] == "shipped"), None)
    if shipped is not None:
        return "kept" if shipped <= end else "broken"
    return "broken" if as_of > end else "open"


def _end_of(day: str) -> datetime:
    """Of a day in UTC: its last microsecond, the finest that times have."""
    return datetime.combine(date.fromisoformat(day), time.max, UTC)


def _outcomes(delivered: int, measured: Sequence[Measured]) -> dict[str, Any]:
    amounts: dict[str, tuple[int, int]] = {}
    for each in measured:
        if each.currency is not None:
            value, cost = amounts.get(each.currency, (0, 0))
            amounts[each.currency] = value + each.value_minor, cost + each.cost_minor
    return {
        "delivered_ideas": delivered,
        "measured": len(measured),
        "met": sum(each.is_met for each in measured),
        "value": [
            {
                "currency": currency,
                "value_minor": value,
                "cost_minor": cost,
                "value_per_delivered_idea_minor": round(Fraction(value - cost, delivered)) if delivered else None,
            }
            for currency, (value, cost) in sorted(amounts.items())
        ],
    }


def _harm(counted: Counted, touchpoint: str | None) -> dict[str, Any] | None:
    return None if counted.harm is None else counted.harm.get(touchpoint, Harm(0, 0, 0)).figures()


def _share(good: int, bad: int) -> float | None:
    return good / (good + bad) if good + bad else None
