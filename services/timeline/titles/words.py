"""Values in words, for the lines of all services. Pure and total."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import UnsetType

from libs.events.catalog.contacts import Change
from libs.events.catalog.fields import INT64_MAX, INT64_MIN
from libs.events.currencies import MINOR_UNITS

_SHORT_VALUE: Final = 30  # characters; of a longer value only its field is named


def changes(fields: Mapping[str, Change]) -> str:
    return ", ".join(_change(field, change) for field, change in fields.items())


def _change(field: str, change: Change) -> str:
    """What the field was and is, where both are short."""
    before, to = short(change.before), short(change.to)
    return field if before is None or to is None else f"{field}: {before} -> {to}"


def short(value: Any) -> str | None:
    match value:
        case None:
            return "none"
        case str() if len(value) <= _SHORT_VALUE:
            return value
        case bool():
            return "yes" if value else "no"
        case int() if INT64_MIN <= value <= INT64_MAX:
            return str(value)
        case float():
            return str(value)
        case _:
            return None


def amount(minor: int, currency: str) -> str:
    match MINOR_UNITS[currency]:
        case 2:
            return f"{minor // 100}.{minor % 100:02} {currency}"
        case 0:
            return f"{minor} {currency}"
        case digits:
            whole, rest = divmod(minor, 10**digits)
            return f"{whole}.{rest:0{digits}} {currency}"


def term(code: str) -> str:
    """`loyalty_desk` in words; a company's own term, `acme:loyalty_desk`, with the company behind it."""
    prefix, colon, own = code.partition(":")
    return f"{words(own)} ({prefix})" if colon else words(code)


def words(code: str) -> str:
    return code.replace("_", " ").replace("-", " ")


def said(*texts: str | UnsetType) -> str:
    """The first of the texts that is there, behind a colon."""
    return next((f": {text}" for text in texts if text), "")
