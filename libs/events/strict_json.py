"""JSON from outside, read strictly: what RFC 8259 allows but no two programs read alike is refused, by pointer.

Refused as no JSON: bad syntax, bytes that are not UTF-8, NaN and Infinity. Refused with the place where it stands:
duplicate keys, integers beyond 64 bits, numbers beyond a double, NUL, half surrogates, nesting deeper than 64.
"""

import json
import math
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from libs.events.problems import Problem

MAX_DEPTH = 64
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


class NotJson(ValueError):
    """The bytes are no JSON; the text says what is wrong and where."""


class UnsafeJson(ValueError):
    """JSON that different readers would read differently, or that cannot be stored."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(problems[0].detail)
        self.problems = problems


class _Number(float):
    """A number that neither an integer of 64 bits nor a double can hold."""


class _Repeated(dict[str, Any]):
    """An object in which keys came twice."""

    keys_repeated: list[str]


def loads(raw: bytes) -> Any:
    """Parse one JSON text. Raises NotJson, UnsafeJson."""
    if deepest(raw) > MAX_DEPTH:
        raise UnsafeJson([Problem("", "too_deep", f"nests more than {MAX_DEPTH} deep")])
    try:
        value = json.loads(raw.decode(), object_pairs_hook=_object, parse_int=_integer, parse_float=_float,
                           parse_constant=_refuse)  # fmt: skip
    except UnicodeDecodeError as reason:
        raise NotJson(f"not UTF-8 at byte {reason.start}") from None
    except json.JSONDecodeError as reason:
        raise NotJson(f"{reason.msg} at character {reason.pos}") from None
    if problems := list(_unsafe(value, "")):
        raise UnsafeJson(problems)
    return value


def deepest(raw: bytes) -> int:
    """How deep arrays and objects nest; exact for JSON, and never less for anything else that could recurse."""
    if raw.count(b"[") + raw.count(b"{") <= MAX_DEPTH:
        return 0
    depth = most = 0
    for byte in _STRING.sub(b"", raw):
        if byte in b"[{":
            depth += 1
            most = max(most, depth)
        elif byte in b"]}":
            depth -= 1
    return most


def pointer(base: str, step: str | int) -> str:
    """One step further along a JSON pointer (RFC 6901)."""
    return f"{base}/{str(step).replace('~', '~0').replace('/', '~1')}"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) == len(pairs):
        return read
    keys = [key for key, _ in pairs]
    repeated = _Repeated(read)
    repeated.keys_repeated = sorted({key for key in keys if keys.count(key) > 1})
    return repeated


def _integer(text: str) -> int | float:
    if len(text) <= 20 and INT64_MIN <= (number := int(text)) <= INT64_MAX:
        return number
    return _Number(math.inf)


def _float(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _Number(number)


def _refuse(constant: str) -> NoReturn:
    raise NotJson(f"{constant} is not JSON")


def _unsafe(value: Any, at: str) -> Iterator[Problem]:
    match value:
        case str():
            yield from _unsafe_text(value, at, "")
        case _Number():
            yield Problem(at, "number_range", "integers must fit 64 bits and other numbers a double")
        case list():
            for n, item in enumerate(value):
                yield from _unsafe(item, pointer(at, n))
        case dict():
            for key in getattr(value, "keys_repeated", ()):
                yield Problem(pointer(at, _shown(key)), "duplicate_key", "the key stands here more than once")
            for key, item in value.items():
                yield from _unsafe_text(key, at, "a key ")
                yield from _unsafe(item, pointer(at, _shown(key)))


def _unsafe_text(text: str, at: str, what: str) -> Iterator[Problem]:
    if "\x00" in text:
        yield Problem(at, "nul_character", f"{what}contains the NUL character, which cannot be stored")
    if _SURROGATE.search(text):
        yield Problem(at, "lone_surrogate", f"{what}contains half of a surrogate pair")


def _shown(key: str) -> str:
    return key.encode(errors="replace").decode()
