import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.events.envelope import Undecodable, decode, digest_of, name_of, same_content
from libs.events.ids import new_id

HEX = set("0123456789abcdef")
UUID7 = "0198b1f2-5c1e-7c3a-9d6b-1f0a52c7e4d1"

numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
plain = st.recursive(
    st.none() | st.booleans() | numbers | st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=9),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text("abc", max_size=2), inside, max_size=3),
    max_leaves=9,
)


def shuffled(value: Any) -> Any:
    match value:
        case dict():
            return {key: shuffled(value[key]) for key in reversed(value)}
        case list():
            return [shuffled(item) for item in value]
        case float() if value.is_integer() and abs(value) < 2**53:
            return int(value)
        case _:
            return value


class TestNames:
    def test_a_name_is_made_of_topic_key_source_and_id(self) -> None:
        name = name_of("interactions", "k", "urn:shop", "1")
        assert name == digest_of(b"interactions\0k\0urn:shop\x001")
        changed = {
            name_of("contacts", "k", "urn:shop", "1"),
            name_of("interactions", "l", "urn:shop", "1"),
            name_of("interactions", "k", "urn:shops", "1"),
            name_of("interactions", "k", "urn:shop", "2"),
        }
        assert len(changed | {name}) == 5

    def test_the_time_of_a_uuid7_leads(self) -> None:
        name = name_of("interactions", "k", "urn:shop", UUID7)
        assert name.startswith("0198b1f25c1e")
        assert name == name_of("interactions", "k", "urn:shop", UUID7.upper())[:12] + name[12:]
        assert name_of("interactions", "l", "urn:shop", UUID7)[:12] == name[:12]
        assert name_of("interactions", "l", "urn:shop", UUID7) != name

    def test_names_of_new_ids_lie_together(self) -> None:
        ids = [str(new_id()) for _ in range(100)]
        leads = [name_of("interactions", "k", "urn:shop", id_)[:12] for id_ in ids]
        assert leads == sorted(leads)

    @pytest.mark.parametrize(
        "id_",
        [
            "0198b1f2-5c1e-4c3a-9d6b-1f0a52c7e4d1",
            "x198b1f2-5c1e-7c3a-9d6b-1f0a52c7e4d1",
            "\u0660198b1f2-5c1e-7c3a-9d6b-1f0a52c7e4",
            "01 23 45- 67 -7" + "x" * 21,
        ],
        ids=["version 4", "no hex", "other digits", "spaces"],
    )
    def test_another_id_is_hashed_whole(self, id_: str) -> None:
        assert name_of("t", "k", "s", id_) == digest_of(f"t\0k\0s\0{id_}".encode())

    @given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
    def test_a_name_is_32_hexadecimal_digits(self, source: str, id_: str) -> None:
        name = name_of("interactions", "k", source, id_)
        assert len(name) == 32
        assert set(name) <= HEX


class TestDecoding:
    def test_unknown_attributes_and_missing_ones_are_tolerated(self) -> None:
        event = decode(b'{"id": "1", "source": "s", "type": "t", "traceparent": "x", "xyz": {}, "data": [1, 2]}')
        assert (event.id, event.source, event.type, event.subject, event.time) == ("1", "s", "t", None, None)
        assert bytes(event.data or b"") == b"[1, 2]"

    @pytest.mark.parametrize(
        "value",
        [b"", b"{", b"null", b"[]", b"{}", b'{"id": "1", "source": "s"}', b'{"id": 1, "source": "s", "type": "t"}',
         b'{"id": "\xff", "source": "s", "type": "t"}', b'{"id": "\\ud800", "source": "s", "type": "t"}',
         b'{"id": "1", "source": "s", "type": "t", "x": ' + b"[" * 100_000, b"\x00" * 9, b"[" * 100_000],
    )  # fmt: skip
    def test_what_is_no_event_is_undecodable(self, value: bytes) -> None:
        with pytest.raises(Undecodable):
            decode(value)

    @given(st.binary())
    def test_any_bytes_are_an_event_or_undecodable(self, value: bytes) -> None:
        with pytest.raises(Undecodable):
            decode(value)


class TestSameContent:
    @given(plain)
    def test_another_spelling_says_the_same(self, data: Any) -> None:
        event = {"id": "1", "source": "s", "type": "t", "data": data}
        one = json.dumps(event).encode()
        other = json.dumps(shuffled(event), indent=1, ensure_ascii=False).encode()
        assert same_content(one, other)

    @given(plain, plain)
    def test_other_data_says_something_else(self, data: Any, other: Any) -> None:
        one, two = (json.dumps({"id": "1", "data": each}) for each in (data, other))
        same = json.dumps(shuffled(data), sort_keys=True) == json.dumps(shuffled(other), sort_keys=True)
        assert same_content(one.encode(), two.encode()) is same

    @pytest.mark.parametrize(
        ("one", "other", "same"),
        [
            ('{"time": "2026-01-31T09:30:00Z"}', '{"time": "2026-01-31T10:30:00.000+01:00"}', True),
            ('{"time": "2026-01-31T09:30:00Z"}', '{"time": "2026-01-31T09:30:01Z"}', False),
            ('{"a": 1}', '{"a": 1.0}', True),
            ('{"a": 1}', '{"a": true}', False),
            ('{"a": 1}', '{"a": "1"}', False),
            ('{"a": 9007199254740993}', '{"a": 9007199254740992.0}', False),
            ('{"a": "\\u00e9"}', '{"a": "é"}', True),
            ('{"a": [1, 2]}', '{"a": [2, 1]}', False),
            ('{"a": null}', "{}", False),
            ('{"a": 100}', '{"a": 1e2}', True),
            ('{"a": -0.0}', '{"a": 0}', True),
        ],
    )
    def test_of_two_values(self, one: str, other: str, same: bool) -> None:
        assert same_content(one.encode(), other.encode()) is same
        assert same_content(other.encode(), one.encode()) is same
