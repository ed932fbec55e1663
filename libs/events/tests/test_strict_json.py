import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.events.strict_json import INT64_MAX, INT64_MIN, MAX_DEPTH, NotJson, UnsafeJson, deepest, loads, pointer

texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"))
scalars = (
    st.none() | st.booleans() | st.integers(INT64_MIN, INT64_MAX) | st.floats(allow_nan=False, allow_infinity=False)
)
clean = st.recursive(
    scalars | texts,
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(texts, inside, max_size=4),
    max_leaves=20,
)


@given(clean, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_clean_json_is_read_as_python_reads_it(value: Any, ascii_only: bool, indent: int | str | None) -> None:
    raw = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    assert loads(raw) == value == json.loads(raw)


@pytest.mark.parametrize(
    "raw",
    [b"", b" ", b"{", b"{]", b'{"a" 1}', b"{'a': 1}", b'{"a": 1,}', b"[1 2]", b"01", b"+1", b".5", b"1.", b"0x1",
     b"tru", b"NaN", b"Infinity", b"[-Infinity]", b'{"a": NaN}', b'"\x00"', b'"\n"', b'"\\x"', b'"\\u12"', b'"',
     b"{} {}", b'"\xff"', b"\xff", b'"\xed\xa0\x80"', b"\xef\xbb\xbf{}", b"\x00", b"// no\n{}"],
)  # fmt: skip
def test_what_is_no_json_is_refused(raw: bytes) -> None:
    with pytest.raises(NotJson) as refused:
        loads(raw)
    assert str(refused.value)


@pytest.mark.parametrize(
    ("raw", "problems"),
    [
        ('{"a": 1, "a": 1}', [("/a", "duplicate_key")]),
        ('{"a": 1, "\\u0061": 2}', [("/a", "duplicate_key")]),
        ('[{"b": {"a": 1, "a": {}}}]', [("/0/b/a", "duplicate_key")]),
        ('{"a": 1, "b": 2, "b": 3, "a": 4}', [("/a", "duplicate_key"), ("/b", "duplicate_key")]),
        ('{"a/b~c": 1, "a/b~c": 1}', [("/a~1b~0c", "duplicate_key")]),
        ('{"a": 9223372036854775808}', [("/a", "number_range")]),
        ("[-9223372036854775809]", [("/0", "number_range")]),
        (f"[{'1' * 5_000}]", [("/0", "number_range")]),
        (f"[{'1' * 5_000}.0]", [("/0", "number_range")]),
        ("[1e309, -1e400]", [("/0", "number_range"), ("/1", "number_range")]),
        ('{"a": "\\u0000"}', [("/a", "nul_character")]),
        ('{"a": {"\\u0000": 1}}', [("/a", "nul_character")]),
        ('["\\ud800"]', [("/0", "lone_surrogate")]),
        ('["\\udc00\\ud800"]', [("/0", "lone_surrogate")]),
        ('{"\\ud800": {"a": "\\u0000"}}', [("", "lone_surrogate"), ("/?/a", "nul_character")]),
        ("[" * 65 + "]" * 65, [("", "too_deep")]),
        ("[" * 5_000, [("", "too_deep")]),
        ('{"a":' * 65 + "1" + "}" * 65, [("", "too_deep")]),
        ('[{"a": "\\"[{", "b": ' * 33 + "1" + "}]" * 33, [("", "too_deep")]),
    ],
)
def test_what_is_read_differently_elsewhere_is_refused_with_its_place(
    raw: str, problems: list[tuple[str, str]]
) -> None:
    with pytest.raises(UnsafeJson) as refused:
        loads(raw.encode())
    assert [(each.pointer, each.code) for each in refused.value.problems] == problems
    assert all(each.detail for each in refused.value.problems)


@pytest.mark.parametrize(
    "raw",
    ["[" * MAX_DEPTH + "]" * MAX_DEPTH, f'["{"[" * 5_000}"]', f'["\\"{"{" * 5_000}"]', '["\\ud83d\\ude00"]',
     f"[{INT64_MIN}, {INT64_MAX}]", "[1e308, 1e-400, -0]", f"[{'[],' * 100}1]", f"[0.{'1' * 5_000}]"],
)  # fmt: skip
def test_what_lies_just_within_the_limits_is_taken(raw: str) -> None:
    assert loads(raw.encode()) == json.loads(raw)


@given(clean)
def test_depth_is_counted_exactly(value: Any) -> None:
    def depth(of: Any) -> int:
        match of:
            case dict():
                return 1 + max(map(depth, of.values()), default=0)
            case list():
                return 1 + max(map(depth, of), default=0)
            case _:
                return 0

    # So many brackets that they are counted.
    wide = [value, [[] for _ in range(MAX_DEPTH + 1)]]
    assert deepest(json.dumps(wide).encode()) == depth(wide)


@given(st.binary() | st.text().map(lambda text: text.encode(errors="surrogatepass")))
def test_any_bytes_are_json_or_refused_by_name(raw: bytes) -> None:
    try:
        value = loads(raw)
    except (NotJson, UnsafeJson):
        return
    assert json.loads(raw) == value
    assert not (isinstance(value, float) and math.isnan(value))


def test_a_pointer_escapes_what_would_divide_it() -> None:
    assert pointer(pointer("", "a/b"), "~") == "/a~1b/~0"
    assert pointer("/a", 0) == "/a/0"
