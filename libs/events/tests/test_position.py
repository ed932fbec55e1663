import base64
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.events.position import (
    MAX_TOKEN_CHARACTERS,
    BadToken,
    Partition,
    Positions,
    covers,
    decode,
    encode,
    merge,
)
from libs.events.topics import TOPICS

LOG = UUID("0198b1f2-5c1e-7c3a-9d6b-1f0a52c7e4d1")
OTHER_LOG = UUID("0198b1f2-5c1e-7c3a-9d6b-1f0a52c7e4d2")
EVERY_PARTITION = [Partition(topic.name, number) for topic in TOPICS for number in range(topic.partitions)]
ONE, TWO, THREE = EVERY_PARTITION[:3]

positions = st.dictionaries(st.sampled_from(EVERY_PARTITION), st.integers(0, 2**63 - 1))


def packed(value: object) -> str:
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(value)).rstrip(b"=").decode()


@given(positions)
def test_a_token_gives_back_what_it_was_made_of(given_: Positions) -> None:
    assert decode(encode(LOG, given_), LOG) == given_


def test_a_token_of_all_partitions_far_along_is_short_enough() -> None:
    token = encode(LOG, dict.fromkeys(EVERY_PARTITION, 2**63 - 1))
    assert len(token) < MAX_TOKEN_CHARACTERS / 2
    assert len(decode(token, LOG)) == len(EVERY_PARTITION)


@given(positions)
def test_another_logs_token_is_refused_with_that_reason(given_: Positions) -> None:
    with pytest.raises(BadToken, match="another log"):
        decode(encode(LOG, given_), OTHER_LOG)


def or_bad(token: str) -> Positions:
    try:
        return decode(token, LOG)
    except BadToken:
        return {}


@given(st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_any_text_is_a_token_or_a_bad_token(token: str) -> None:
    assert or_bad(token) == {}


@given(st.data())
def test_a_token_with_one_character_changed_never_names_what_is_not_there(data: st.DataObject) -> None:
    token = encode(LOG, data.draw(positions))
    at = data.draw(st.integers(0, len(token) - 1))
    changed = or_bad(token[:at] + data.draw(st.characters()) + token[at + 1 :])
    assert set(changed) <= set(EVERY_PARTITION)
    assert all(0 <= offset < 2**63 for offset in changed.values())


@pytest.mark.parametrize(
    "token",
    [
        "",
        "é",
        "\x00",
        "\ud800",
        "A",
        "x" * (MAX_TOKEN_CHARACTERS + 1),
        packed([LOG.bytes]),
        packed([LOG.bytes, {99: {0: 1}}]),
        packed([LOG.bytes, {2: {12: 1}}]),
        packed([LOG.bytes, {2: {-1: 1}}]),
        packed([LOG.bytes, {2: {0: -1}}]),
        packed([LOG.bytes, {2: {0: 2**63}}]),
        packed([LOG.bytes, {2: {"0": 1}}]),
        packed([LOG.bytes, {2: [1]}]),
        packed([1, {2: {0: 1}}]),
        "kZ" * 900,
    ],
)  # fmt: skip
def test_a_made_up_token_is_refused(token: str) -> None:
    with pytest.raises(BadToken, match="not a position token"):
        decode(token, LOG)


@given(positions, positions)
def test_merged_positions_cover_both(one: Positions, other: Positions) -> None:
    both = merge(one, other)
    assert covers(both, one)
    assert covers(both, other)
    assert set(both.items()) <= set(one.items()) | set(other.items())


def test_partitions_that_are_not_read_are_not_waited_for() -> None:
    assert covers({ONE: 5}, {ONE: 5, TWO: 9})
    assert not covers({ONE: 5, TWO: 8}, {ONE: 5, TWO: 9})
    assert covers({}, {THREE: 1})
