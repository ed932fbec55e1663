"""Times as text: RFC 3339 in, one canonical UTC spelling out, so that equal times are equal strings."""

from datetime import UTC, datetime, timedelta

import msgspec

MAX_AHEAD = timedelta(minutes=5)  # senders' clocks differ; further ahead is a mistake
FIRST_YEAR, LAST_YEAR = 2, 9998  # converting to UTC then never leaves the calendar

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_encode = msgspec.json.Encoder().encode


class BadTime(ValueError):
    """Not an RFC 3339 time with an offset."""


def parse(text: str) -> datetime:
    """An aware datetime from RFC 3339. Raises BadTime."""
    try:
        moment = msgspec.convert(text, datetime)
    except (msgspec.ValidationError, UnicodeEncodeError):
        raise BadTime("must be an RFC 3339 time such as 2026-01-31T09:30:00Z") from None
    if moment.tzinfo is None:
        raise BadTime("must have an offset, such as Z or +01:00")
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise BadTime(f"must lie between the years {FIRST_YEAR} and {LAST_YEAR}")
    return moment


def utc_text(moment: datetime) -> str:
    """`2026-01-31T09:30:00Z`, with microseconds where there are any."""
    return _encode(moment.astimezone(UTC))[1:-1].decode()  # in quotes; `isoformat` takes six times as long


def canonical(text: str) -> str:
    """The canonical spelling of an RFC 3339 time. Raises BadTime."""
    moment = parse(text)
    if len(text) == len("2026-01-31T09:30:00Z") and text[10] == "T" and text[19] == "Z":
        return text
    return utc_text(moment)


def ms_text(unix_ms: int) -> str:
    """Unix milliseconds in the canonical spelling, always with three decimals."""
    return f"{(_EPOCH + timedelta(milliseconds=unix_ms)).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def microseconds(moment: datetime) -> int:
    """Since 1970, exact: `timestamp()` would round."""
    return (moment - _EPOCH) // timedelta(microseconds=1)
