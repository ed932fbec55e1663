"""How the rows of a table become events: a TOML file, read strictly.

    type    = "rapport.interactions.purchase.recorded.v1"   one type for all rows
    source  = "urn:example:shop"                            who says so; part of an event's name
    id      = "invoice-{invoice}"                           made from the row, so that a second import doubles nothing
    subject = "crm:{customer}"                              whom it is about; columns stand in {braces}

    [time]                                                  left out: the events happened when they are recorded
    column  = "date"
    format  = "%Y-%m-%d"                                    as strptime takes it; left out: RFC 3339 with an offset
    zone    = "Europe/London"                               where the clock hung (default UTC); a day is its start there

    [data]                                                  one line a field of the event's data
    order        = { column = "invoice" }                   text
    quantity     = { column = "pieces", type = "integer", optional = true }
    amount_minor = { column = "amount", type = "amount_minor", currency = "GBP" }   12.30 becomes 1230, exactly
    amount_minor = { column = "amount", type = "amount_minor", currency_column = "currency" }
    currency     = "GBP"                                    a constant: text, integer, boolean, list or table
    actor        = { kind = "customer" }                    a table without `column` is an object of such values

    [csv]                                                   all optional
    delimiter = ";"
    encoding  = "cp1252"                                    default UTF-8

White space around a cell is left out. An empty cell is a fault, but of an `optional` field, which is then left out.
"""

import codecs
import string
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from libs.events.catalog.registry import Kind, find
from libs.events.currencies import CURRENCIES, MINOR_UNITS
from libs.events.examine import OUR_PREFIX, is_foreign_source, is_uri_reference
from services.cli.errors import Failure


class TimeRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    column: str
    format: str | None = None
    zone: str = "UTC"


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A value that is read from a column."""

    column: str
    type: Literal["text", "integer", "amount_minor"] = "text"
    currency: str | None = None
    currency_column: str | None = None
    optional: bool = False


class CsvRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    delimiter: Annotated[str, msgspec.Meta(min_length=1, max_length=1)] = ","
    encoding: str = "utf-8"


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    type: str
    source: str
    id: str
    subject: str
    time: TimeRule | None = None
    data: dict[str, Any] = {}
    csv: CsvRule = CsvRule()


def read_mapping(path: Path) -> Mapping:
    """Raises Failure that names the file, the key and the reason."""
    try:
        document = tomllib.loads(path.read_text())
        mapping = msgspec.convert(document, Mapping)
        _check(mapping)
        return msgspec.structs.replace(mapping, data=_with_fields(mapping.data, "data"))
    except OSError as reason:
        raise Failure(f"{path}: {reason.strerror}") from None
    except UnicodeDecodeError:
        raise Failure(f"{path}: is not UTF-8") from None
    except tomllib.TOMLDecodeError as reason:
        raise Failure(f"{path}: is not TOML: {reason}") from None
    except msgspec.ValidationError as reason:
        raise Failure(f"{path}: {_words(reason)}") from None
    except _BadKey as reason:
        raise Failure(f"{path}: {reason}") from None


def columns_of(mapping: Mapping) -> dict[str, str]:
    """Every column that the mapping reads, with the key that first names it."""
    found: dict[str, str] = {}
    for key in ("id", "subject"):
        for _, column in pieces(getattr(mapping, key)):
            if column is not None:
                found.setdefault(column, key)
    if mapping.time:
        found.setdefault(mapping.time.column, "time.column")
    _columns_of_data(mapping.data, "data", found)
    return found


def pieces(template: str) -> list[tuple[str, str | None]]:
    """`a-{b}` as [("a-", "b")]: text, then the column that follows it. Raises ValueError."""
    found = []
    for text, column, format_, conversion in string.Formatter().parse(template):
        if column == "" or format_ or conversion:
            raise ValueError("columns stand in braces by their names alone, such as {customer}; a brace itself is {{")
        found.append((text, column))
    return found


class _BadKey(ValueError):
    pass


def _check(mapping: Mapping) -> None:
    for key in ("id", "subject"):
        try:
            columns = [column for _, column in pieces(getattr(mapping, key)) if column is not None]
        except ValueError as reason:
            raise _BadKey(f"{key}: {reason}") from None
        if not columns:
            raise _BadKey(f"{key}: names no column in braces, so that all rows would have the same {key}")
    if not is_uri_reference(mapping.source) or not is_foreign_source(mapping.source):
        raise _BadKey("source: must be a URI reference, such as urn:example:shop, and none of Rapport's own paths")
    if mapping.time:
        _check_time(mapping.time)
    try:
        if "a\n".encode(codecs.lookup(mapping.csv.encoding).name) != b"a\n":
            raise _BadKey(
                f"csv.encoding: {mapping.csv.encoding} cannot be read line by line; convert the file to UTF-8"
            )
    except LookupError:
        raise _BadKey(f"csv.encoding: there is no encoding {mapping.csv.encoding}") from None
    _check_type(mapping)


def _check_time(rule: TimeRule) -> None:
    try:
        ZoneInfo(rule.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _BadKey(f"time.zone: {rule.zone} is not in the time zone database of this machine") from None
    if rule.format is not None and "%" not in rule.format:
        raise _BadKey("time.format: is written as strptime takes it, such as %Y-%m-%d")


def _check_type(mapping: Mapping) -> None:
    found = find(mapping.type)
    if found is None:
        if mapping.type.startswith(OUR_PREFIX):
            raise _BadKey(f"type: there is no type {mapping.type}; `rapport events list` lists them")
        return
    if found.kind is not Kind.OBSERVATION:
        raise _BadKey(f"type: {mapping.type} is a {found.kind}, which only Rapport writes")
    fields = {field.encode_name: field for field in msgspec.structs.fields(found.data)}
    for name in mapping.data:
        if name not in fields:
            close = get_close_matches(name, fields, n=1)
            hint = f"; did you mean {close[0]}?" if close else f"; it has {', '.join(fields)}"
            raise _BadKey(f"data.{name}: is not a field of {mapping.type}{hint}")
    if missing := [name for name, field in fields.items() if field.required and name not in mapping.data]:
        raise _BadKey(f"data.{missing[0]}: {mapping.type} requires it")


def _with_fields(table: dict[str, Any], at: str) -> dict[str, Any]:
    """Tables that name a column become fields."""
    return {name: _value(value, f"{at}.{name}") for name, value in table.items()}


def _value(value: Any, at: str) -> Any:
    match value:
        case {"column": _}:
            return _field(value, at)
        case dict():
            return _with_fields(value, at)
        case str() | bool() | int() | list():
            return value
        case _:
            raise _BadKey(f"{at}: a constant is text, an integer, true or false, a list or a table")


def _field(table: dict[str, Any], at: str) -> Field:
    try:
        field = msgspec.convert(table, Field)
    except msgspec.ValidationError as reason:
        raise _BadKey(_words(reason, at)) from None
    if field.type != "amount_minor":
        if field.currency or field.currency_column:
            raise _BadKey(f"{at}: a currency belongs to the type amount_minor")
    elif (field.currency is None) == (field.currency_column is None):
        raise _BadKey(f"{at}: an amount needs either currency or currency_column")
    elif field.currency is not None and field.currency not in MINOR_UNITS:
        close = get_close_matches(field.currency, CURRENCIES, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise _BadKey(f"{at}.currency: {field.currency} is not an ISO 4217 currency that has a minor unit{hint}")
    return field


def _columns_of_data(table: dict[str, Any], at: str, found: dict[str, str]) -> None:
    for name, value in table.items():
        match value:
            case Field():
                found.setdefault(value.column, f"{at}.{name}.column")
                if value.currency_column:
                    found.setdefault(value.currency_column, f"{at}.{name}.currency_column")
            case dict():
                _columns_of_data(value, f"{at}.{name}", found)


def _words(reason: msgspec.ValidationError, at: str = "") -> str:
    """msgspec names the place last, as `$.time.zone`."""
    text, _, place = str(reason).partition(" - at `$")
    key = ".".join(filter(None, (at, place.strip("`.").replace("`", ""))))
    text = text.replace("Object", "the table").replace("`", "")
    return f"{key}: {text}" if key else text
