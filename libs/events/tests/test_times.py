from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.events.times import FIRST_YEAR, LAST_YEAR, BadTime, canonical, ms_text, parse, utc_text

offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
FIRST, LAST = (
    datetime.fromisoformat(f"{year:04}-{day}") for year, day in [(FIRST_YEAR, "01-02"), (LAST_YEAR, "12-30")]
)
moments = st.datetimes(FIRST, LAST, timezones=offsets)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31T09:30:00Z", "2026-01-31T09:30:00Z"),
        ("2026-01-31T10:30:00+01:00", "2026-01-31T09:30:00Z"),
        ("2026-01-31T00:30:00-09:00", "2026-01-31T09:30:00Z"),
        ("2026-01-31T09:30:00.000Z", "2026-01-31T09:30:00Z"),
        ("2026-01-31T09:30:00.5Z", "2026-01-31T09:30:00.500000Z"),
        ("2026-01-31t09:30:00z", "2026-01-31T09:30:00Z"),
    ],
)
def test_a_time_has_one_spelling(text: str, expected: str) -> None:
    assert canonical(text) == expected


@given(moments)
def test_spelling_keeps_the_moment(moment: datetime) -> None:
    assert parse(canonical(moment.isoformat())) == moment
    assert canonical(utc_text(moment)) == utc_text(moment)


@given(moments, moments)
def test_equal_times_are_equal_text_and_no_others(one: datetime, other: datetime) -> None:
    assert (canonical(one.isoformat()) == canonical(other.isoformat())) == (one == other)


@given(moments, offsets)
def test_an_offset_changes_no_spelling(moment: datetime, offset: timezone) -> None:
    assert canonical(moment.astimezone(offset).isoformat()) == canonical(moment.isoformat())


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2026-01-31", "2026-01-31T09:30:00", "2026-02-30T00:00:00Z", "2026-01-31T24:00:00Z",
     "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-01-31T09:30:00+25:00", "1767225600", "\x00"],
)  # fmt: skip
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(BadTime):
        parse(text)


@pytest.mark.parametrize("text", ["2026-02-30T00:00:00Z", "2026-99-99T99:99:99Z", "yesterday.T.it.was.Z"])
def test_what_is_no_time_has_no_spelling(text: str) -> None:
    with pytest.raises(BadTime):
        canonical(text)


@given(st.text())
def test_any_text_is_a_time_or_a_bad_time(text: str) -> None:
    try:
        moment = parse(text)
    except BadTime:
        return
    assert moment.tzinfo is not None


@given(st.integers(0, 4_102_444_800_000))
def test_milliseconds_are_spelled_with_three_decimals(unix_ms: int) -> None:
    text = ms_text(unix_ms)
    assert len(text) == len("2026-01-31T09:30:00.000Z")
    assert parse(text) == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=unix_ms)
