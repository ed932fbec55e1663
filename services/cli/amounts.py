"""Numbers as people read them."""

from decimal import Decimal

from libs.events.currencies import MINOR_UNITS

LEAST_SHOWN = 0.005


def money(minor: int, currency: str) -> str:
    """`1,140.00 GBP`; of a currency that is not known here, its minor units."""
    digits = MINOR_UNITS.get(currency)
    if digits is None:
        return f"{minor:,} minor units of {currency}"
    return f"{Decimal(minor).scaleb(-digits):,f} {currency}"


def number(value: int | float) -> str:
    """A fraction with two decimal places; one that these would hide with two digits."""
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.2g}" if 0 < abs(value) < LEAST_SHOWN else f"{value:,.2f}"


def counted(n: int, one: str, several: str) -> str:
    return f"{n:,} {one if n == 1 else several}"
