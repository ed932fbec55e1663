"""Cursors come back as they went out; nothing else passes for one."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from libs.events.times import parse
from libs.service.cursors import BEGINNING, Place, decode, encode
from libs.service.errors import HttpRefusal

PLACE = Place("2026-03-02T10:15:00.250000Z", 3, 11, 2**40)

moments = st.datetimes(min_value=parse("0002-01-01T00:00:00Z").replace(tzinfo=None)).filter(lambda t: t.year < 9999)


@given(moments, st.integers(0, 2**15 - 1), st.integers(0, 2**15 - 1), st.integers(0, 2**63 - 1))
def test_a_place_comes_back(moment: object, topic: int, partition: int, offset: int) -> None:
    place = Place(f"{moment}Z".replace(" ", "T"), topic, partition, offset)
    key = decode(encode(place))
    assert (key.occurred_at, key.topic, key.partition, key.offset) == (place.moment, topic, partition, offset)


def test_none_is_the_beginning() -> None:
    assert decode(None) == BEGINNING


@given(st.text(max_size=400))
@example("A" * 10_000)
@example("=")
@example("\ud800")
@example(encode(PLACE)[:-3])
@example(encode(PLACE) + "AAAA")
@example(encode(Place("soon", 1, 1, 1)))
@example(encode(Place("9999-12-31T23:59:59-23:59", 1, 1, 1)))
@example(encode(Place(PLACE.occurred_at, -1, 1, 1)))
@example(encode(Place(PLACE.occurred_at, 1, 2**15, 1)))
@example(encode(Place(PLACE.occurred_at, 1, 1, 2**63)))
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(HttpRefusal) as refused:
        decode(text)
    assert (refused.value.status_code, refused.value.code) == (400, "bad_cursor")
