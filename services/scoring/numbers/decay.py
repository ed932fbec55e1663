"""Forward decay (Cormode, Shkapenyuk, Srivastava and Xu 2009): what fades is summed up once and never touched again.

A sum of w·2^(-(t-t_i)/h) falls with every moment that passes. Written as 2^(-(t-L)/h) · sum of w·2^((t_i-L)/h), with a
fixed landmark L, the sum does not: it changes when something happens, and time is put in when it is read. It grows
beyond what a double holds, so its logarithm to the base 2 is kept. Two people compare the same at every moment.
"""

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

HALF_LIFE_DAYS: Final = 30
LANDMARK: Final = datetime(2020, 1, 1, tzinfo=UTC)

_HALF_LIFE: Final = timedelta(days=HALF_LIFE_DAYS)


def weight_at(moment: datetime) -> float:
    """The logarithm of what an event of that moment adds."""
    return (moment - LANDMARK) / _HALF_LIFE


def added(one: float, other: float) -> float:
    """The logarithm of a sum of two, given theirs."""
    least, greatest = (one, other) if one < other else (other, one)
    return greatest + math.log2(1.0 + 2.0 ** max(least - greatest, -1000.0))


def summed(weights: Iterable[tuple[float, float]]) -> float | None:
    """The logarithm of a sum of (factor, logarithm), whatever their order; None of nothing."""
    logs = sorted(math.log2(factor) + weight for factor, weight in weights if factor > 0)
    if not logs:
        return None
    return logs[-1] + math.log2(math.fsum(2.0 ** max(each - logs[-1], -1000.0) for each in logs))


def at(weight: float, moment: datetime) -> float:
    """What is left of it at a moment: 2^(-1.5) = 0.353553 of an event 45 days ago."""
    return float(2.0 ** min(max(weight - weight_at(moment), -1000.0), 1000.0))
