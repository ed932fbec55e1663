"""Hypothesis strategies for the data of every event type, made from the same types that decode it."""

import re
from datetime import UTC, date, datetime
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

from libs.events.catalog.fields import Data
from libs.events.catalog.operations import UUID_PATTERN
from libs.events.catalog.registry import CATALOG, EventType
from libs.events.terms import TERMS_BY_PATTERN, portable

MANY = 4  # of a list or a map; more of the same finds nothing
LONG = 200  # characters, well over what a title holds

ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=MANY) | st.dictionaries(st.text(), inner, max_size=MANY),
    max_leaves=MANY,
)
event_types = st.sampled_from(list(CATALOG.values()))


def plain_data(event_type: EventType) -> st.SearchStrategy[Any]:
    """Data as it comes out of JSON, which the type's decoder takes."""
    return _of(inspect.type_info(event_type.data))


@st.composite
def structs(draw: st.DrawFn) -> tuple[EventType, Data]:
    event_type = draw(event_types)
    return event_type, msgspec.convert(draw(plain_data(event_type)), event_type.data)


def _of(kind: inspect.Type) -> st.SearchStrategy[Any]:
    match kind:
        case inspect.StructType():
            fields = {field.encode_name: _of(field.type) for field in kind.fields}
            required = {field.encode_name for field in kind.fields if field.required}
            return st.fixed_dictionaries(
                {name: each for name, each in fields.items() if name in required},
                optional={name: each for name, each in fields.items() if name not in required},
            )
        case inspect.ListType():
            return st.lists(_of(kind.item_type), min_size=kind.min_length or 0, max_size=MANY)
        case inspect.DictType():
            least = kind.min_length or 0
            return st.dictionaries(_of(kind.key_type), _of(kind.value_type), min_size=least, max_size=MANY)
        case inspect.UnionType():
            return st.one_of(*map(_of, kind.types))
        case inspect.StrType(pattern=str(pattern)) if pattern in TERMS_BY_PATTERN:
            return st.sampled_from([*sorted(TERMS_BY_PATTERN[pattern]), "acme:loyalty_desk"])
        case inspect.StrType(pattern=str(pattern)) if pattern == UUID_PATTERN:
            return st.uuids().map(str)
        case inspect.StrType(pattern=str(pattern)):
            return st.from_regex(portable(pattern), fullmatch=True).filter(re.compile(pattern).search)
        case inspect.StrType():
            longest = LONG if kind.max_length is None else min(LONG, kind.max_length)
            return st.text(st.characters(codec="utf-8"), min_size=kind.min_length or 0, max_size=longest)
        case inspect.LiteralType():
            return st.sampled_from(kind.values)
        case inspect.IntType():
            return st.integers(kind.ge, kind.le)
        case inspect.FloatType():
            return st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)
        case inspect.BoolType():
            return st.booleans()
        case inspect.DateTimeType():
            return st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat)
        case inspect.DateType():
            return st.dates().map(date.isoformat)
        case inspect.NoneType():
            return st.none()
        case inspect.AnyType():
            return ANYTHING
        case _:
            raise NotImplementedError(kind)
