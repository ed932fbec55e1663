"""How ideas are ranked: formulas over counts and the idea's own time, so that a replay ranks alike. Pure.

Top: the lower bound of Wilson's 95 % score interval of the share of people who are for it (Wilson 1927). With few votes
it stays low, whatever their share.

    (p + z²/2n - z·sqrt((p(1-p) + z²/4n)/n)) / (1 + z²/n)

Hot: sign(s)·log10(max(|s|, 1)) + t/45000, with s the people for it less those against, and t the idea's event time in
Unix seconds. Ten times the people weigh as much as twelve and a half hours; it never needs to know what time it is.

The same formulas stand here for Python and for PostgreSQL, which keeps them beside the counts so that lists can be
read in their order; a test holds them together.
"""

from math import copysign, log10, sqrt

Z = 1.959963984540054  # 2.5 % of a normal distribution lie above it
HOT_S = 45_000

_P, _N = "up::double precision / (up + down)", "(up + down)"
_Z2 = f"{Z * Z!r}::double precision"

WILSON_SQL = f"""CASE WHEN up = 0 THEN 0 ELSE ({_P} + {_Z2} / (2 * {_N}) - {Z}::double precision * sqrt(
({_P} * (1 - {_P}) + {_Z2} / (4 * {_N})) / {_N})) / (1 + {_Z2} / {_N}) END"""
HOT_SQL = f"sign(up - down) * log(greatest(abs(up - down), 1)::double precision) + submitted_s / {HOT_S}"


def wilson(up: int, down: int) -> float:
    """0 to 1; 0 where nobody is for it."""
    if up == 0:
        return 0.0
    n = up + down
    p, z2 = up / n, Z * Z
    return (p + z2 / (2 * n) - Z * sqrt((p * (1 - p) + z2 / (4 * n)) / n)) / (1 + z2 / n)


def hot(net: int, submitted_s: float) -> float:
    """`submitted_s` in Unix seconds."""
    weight = copysign(log10(max(abs(net), 1)), net) if net else 0.0
    return weight + submitted_s / HOT_S
