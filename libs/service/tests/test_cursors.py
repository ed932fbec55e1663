"""Cursors come back as they went out; nothing else passes for one."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from libs.events.times import parse
from libs.service.cursors import (
    BEGINNING,
    Place,
    _written,
    decode,
    decode_id,
    decode_moment,
    decode_number,
    encode,
    encode_id,
    encode_moment,
    encode_number,
    encode_rank,
)
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


@given(st.uuids(), st.integers(0, 2**63 - 1))
def test_an_id_and_a_number_come_back(id_: UUID, number: int) -> None:
    assert decode_id(encode_id(id_)) == id_
    assert decode_number(encode_number(number)) == number


@given(moments, st.uuids())
def test_a_moment_comes_back(moment: datetime, id_: UUID) -> None:
    assert decode_moment(encode_moment(moment.replace(tzinfo=UTC), id_)) == (moment.replace(tzinfo=UTC), id_)


def test_without_a_cursor_there_is_nothing_to_go_on_after() -> None:
    assert decode_id(None) is None
    assert decode_moment(None) is None
    assert decode_number(None) is None


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
    refuse(decode, text)
    refuse(decode_id, text)


@pytest.mark.parametrize("text", ["", "=", "soon!", "\ud800", "A" * 10_000, encode_number(-1), encode_number(2**63)])
def test_what_is_no_possible_number_is_refused(text: str) -> None:
    refuse(decode_number, text)


@pytest.mark.parametrize(
    ("read", "cursor"),
    [
        (decode, encode_id(UUID(int=7))),
        (decode, encode_number(7)),
        (decode_id, encode(PLACE)),
        (decode_id, encode_number(7)),
        (decode_number, encode(PLACE)),
        (decode_number, encode_id(UUID(int=7))),
        (decode_moment, encode(PLACE)),
        (decode_moment, encode_id(UUID(int=7))),
        (decode_moment, encode_rank(1.5, UUID(int=7))),
        (decode_moment, _written(("soon", UUID(int=7)))),
        (decode_moment, _written(("0001-01-01T00:00:00+14:00", UUID(int=7)))),
    ],
)
def test_another_lists_cursor_is_refused(read: Callable[[str], object], cursor: str) -> None:
    refuse(read, cursor)


def refuse(read: Callable[[str], object], text: str) -> None:
    with pytest.raises(HttpRefusal) as refused:
        read(text)
    assert (refused.value.status_code, refused.value.code) == (400, "bad_cursor")
