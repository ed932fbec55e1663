"""What is wrong with an event's data, said of every field at once.

The decoders of the catalog stop at the first fault and are fast; this is asked only once a decoder has refused, walks
the same types, and says all of it to a person. Nothing that was sent is repeated, since it may be personal.
"""

import re
from collections.abc import Collection, Iterator
from datetime import date
from difflib import get_close_matches
from functools import cache
from itertools import islice
from typing import Any, Final

import msgspec
from msgspec import inspect

from libs.events.catalog.fields import Data, Moment
from libs.events.catalog.registry import EventType
from libs.events.currencies import CURRENCIES
from libs.events.problems import Problem
from libs.events.terms import TERMS_BY_PATTERN

MAX_PROBLEMS = 100  # nobody reads more, and an event has room for thousands
LISTED_VALUES = 12  # so many allowed values still read well in one line
COMPARED_CHARS = 64  # longer names are no slip of the pen, and comparing them is slow

_HINTS: Final = {frozenset(CURRENCIES): "is not an ISO 4217 currency that has a minor unit, such as GBP, EUR or JPY"}
_TYPE_DETAILS: Final[dict[type[inspect.Type], str]] = {
    inspect.StrType: "a string",
    inspect.DateTimeType: "a string with an RFC 3339 time",
    inspect.DateType: "a string with a date",
    inspect.LiteralType: "a string",
    inspect.IntType: "an integer",
    inspect.FloatType: "a number",
    inspect.BoolType: "true or false",
    inspect.ListType: "a list",
    inspect.DictType: "an object",
    inspect.StructType: "an object",
    inspect.NoneType: "null",
}


def explain(event_type: EventType, data: object) -> list[Problem]:
    """Every wrong field, in the order of the fields, `MAX_PROBLEMS` at most; empty for good data."""
    found = list(islice(_check(_info(event_type.data), data, ""), MAX_PROBLEMS))
    if len(found) < MAX_PROBLEMS and all(problem.code == "unknown_field" for problem in found):
        together = msgspec.convert(data, event_type.data).problem()
        if together:
            found.append(Problem(*together))
    return found


@cache
def _info(data: type[Data]) -> inspect.Type:
    return inspect.type_info(data)


def _check(expected: inspect.Type, value: object, at: str) -> Iterator[Problem]:
    match expected, value:
        case (inspect.AnyType(), _) | (inspect.NoneType(), None):
            pass
        case inspect.UnionType(), _:
            yield from _check_union(expected, value, at)
        case inspect.StructType(), dict():
            yield from _check_struct(expected, value, at)
        case inspect.DictType(), dict():
            yield from _check_size(len(value), expected.min_length, expected.max_length, "entries", at)
            for key, item in value.items():
                yield from _check(expected.key_type, key, _pointer(at, key))
                yield from _check(expected.value_type, item, _pointer(at, key))
        case inspect.ListType(), list():
            yield from _check_size(len(value), expected.min_length, expected.max_length, "entries", at)
            for index, item in enumerate(value):
                yield from _check(expected.item_type, item, f"{at}/{index}")
        case inspect.StrType(), str():
            yield from _check_text(expected, value, at)
        case inspect.LiteralType(), str():
            yield from _check_literal(expected, value, at)
        case inspect.DateTimeType(), str():
            yield from _check_time(value, Moment, "an RFC 3339 time with an offset, such as 2026-01-31T12:00:00Z", at)
        case inspect.DateType(), str():
            yield from _check_time(value, date, "a date, such as 2026-01-31", at)
        case inspect.BoolType(), bool():
            pass
        case inspect.FloatType(), int() | float() if not isinstance(value, bool):
            pass
        case inspect.IntType(), int() if not isinstance(value, bool):
            yield from _check_range(expected, value, at)
        case _:
            yield Problem(at, "type", _wrong_type(expected, value))


def _check_struct(expected: inspect.StructType, value: dict[str, Any], at: str) -> Iterator[Problem]:
    known = {field.encode_name: field for field in expected.fields}
    for name, field in known.items():
        if name in value:
            yield from _check(field.type, value[name], _pointer(at, name))
        elif field.required:
            yield Problem(_pointer(at, name), "required", "is required")
    for name in value:
        if name not in known:
            yield Problem(
                _pointer(at, name), "unknown_field", f"is not a field of this type{_did_you_mean(name, known)}"
            )


def _check_union(expected: inspect.UnionType, value: object, at: str) -> Iterator[Problem]:
    """As the one type of the union whose JSON type the value has."""
    for each in expected.types:
        found = list(islice(_check(each, value, at), MAX_PROBLEMS))
        if not any(problem.pointer == at and problem.code == "type" for problem in found):
            yield from found
            return
    yield Problem(at, "type", _wrong_type(expected, value))


def _check_text(expected: inspect.StrType, value: str, at: str) -> Iterator[Problem]:
    yield from _check_size(len(value), expected.min_length, expected.max_length, "characters", at)
    if expected.pattern is None or re.search(expected.pattern, value):
        return
    terms = TERMS_BY_PATTERN.get(expected.pattern)
    if terms is None:
        yield Problem(at, "format", "is not written as it should be")
        return
    hint = _did_you_mean(value, terms) or f"; use {_one_of(sorted(terms))}."
    yield Problem(at, "unknown_term", f"is not a known term{hint} A term of your own has a prefix, as in acme:my_term")


def _check_literal(expected: inspect.LiteralType, value: str, at: str) -> Iterator[Problem]:
    allowed = [str(each) for each in expected.values]
    if value in allowed:
        return
    if len(allowed) <= LISTED_VALUES:
        yield Problem(at, "not_allowed", f"must be {_one_of(allowed)}")
    else:
        yield Problem(at, "not_allowed", _HINTS[frozenset(allowed)])


def _check_time(value: str, type_: Any, name: str, at: str) -> Iterator[Problem]:
    try:
        msgspec.convert(value, type_)
    except msgspec.ValidationError:
        yield Problem(at, "format", f"must be {name}")


def _check_range(expected: inspect.IntType, value: int, at: str) -> Iterator[Problem]:
    if expected.ge is not None and value < expected.ge:
        yield Problem(at, "range", f"must be >= {expected.ge}")
    if expected.le is not None and value > expected.le:
        yield Problem(at, "range", f"must be <= {expected.le}")


def _check_size(size: int, least: int | None, most: int | None, unit: str, at: str) -> Iterator[Problem]:
    if least is not None and size < least:
        yield Problem(at, "range", "must not be empty" if least == 1 else f"must have at least {least} {unit}")
    if most is not None and size > most:
        yield Problem(at, "range", f"must have at most {most} {unit}")


def _wrong_type(expected: inspect.Type, value: object) -> str:
    types = expected.types if isinstance(expected, inspect.UnionType) else (expected,)
    detail = f"must be {_one_of([_TYPE_DETAILS[type(each)] for each in types])}"
    return f"{detail}, not null; leave out what is not known" if value is None else detail


def _did_you_mean(word: str, known: Collection[str]) -> str:
    close = get_close_matches(word, known, n=1) if len(word) <= COMPARED_CHARS else []
    return f"; did you mean {close[0]}?" if close else ""


def _one_of(words: list[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


def _pointer(at: str, name: str) -> str:
    return f"{at}/{name.replace('~', '~0').replace('/', '~1')}"
