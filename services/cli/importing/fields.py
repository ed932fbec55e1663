"""What every mapping is written in, of events and of contacts: templates, and tables of constants and columns."""

import codecs
import string
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Annotated, Any, Literal

import msgspec

from libs.events.currencies import CURRENCIES, MINOR_UNITS


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


class BadKey(ValueError):
    """Something in a mapping that cannot be; the text begins with its key."""


def pieces(template: str) -> list[tuple[str, str | None]]:
    """`a-{b}` as [("a-", "b")]: text, then the column that follows it. Raises ValueError."""
    found = []
    for text, column, format_, conversion in string.Formatter().parse(template):
        if column == "" or format_ or conversion:
            raise ValueError("columns stand in braces by their names alone, such as {customer}; a brace itself is {{")
        found.append((text, column))
    return found


def columns_in(template: str) -> list[str]:
    """The columns of a template. Raises ValueError."""
    return [column for _, column in pieces(template) if column is not None]


def check_template(template: str, at: str) -> None:
    """Raises BadKey."""
    try:
        columns = columns_in(template)
    except ValueError as reason:
        raise BadKey(f"{at}: {reason}") from None
    if not columns:
        raise BadKey(f"{at}: names no column in braces, so that it would be the same for all rows")


def check_csv(rule: CsvRule) -> None:
    """Raises BadKey for an encoding in which a line does not end as it does everywhere."""
    try:
        if "a\n".encode(codecs.lookup(rule.encoding).name) != b"a\n":
            raise BadKey(f"csv.encoding: {rule.encoding} cannot be read line by line; convert the file to UTF-8")
    except LookupError:
        raise BadKey(f"csv.encoding: there is no encoding {rule.encoding}") from None


def with_fields(table: dict[str, Any], at: str) -> dict[str, Any]:
    """Tables that name a column become fields. Raises BadKey."""
    return {name: with_field(value, f"{at}.{name}") for name, value in table.items()}


def with_field(value: Any, at: str) -> Any:
    """A constant, a table of them, or a field. Raises BadKey."""
    match value:
        case {"column": _}:
            return _field(value, at)
        case dict():
            return with_fields(value, at)
        case str() | bool() | int() | list():
            return value
        case _:
            raise BadKey(f"{at}: a constant is text, an integer, true or false, a list or a table")


def _field(table: dict[str, Any], at: str) -> Field:
    try:
        field = msgspec.convert(table, Field)
    except msgspec.ValidationError as reason:
        raise BadKey(words(reason, at)) from None
    if field.type != "amount_minor":
        if field.currency or field.currency_column:
            raise BadKey(f"{at}: a currency belongs to the type amount_minor")
    elif (field.currency is None) == (field.currency_column is None):
        raise BadKey(f"{at}: an amount needs either currency or currency_column")
    elif field.currency is not None and field.currency not in MINOR_UNITS:
        close = get_close_matches(field.currency, CURRENCIES, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise BadKey(f"{at}.currency: {field.currency} is not an ISO 4217 currency that has a minor unit{hint}")
    return field


def read_by(value: Any, at: str) -> Iterator[tuple[str, str]]:
    """The columns that a value is read from, each with its key."""
    match value:
        case Field():
            yield value.column, f"{at}.column"
            if value.currency_column:
                yield value.currency_column, f"{at}.currency_column"
        case dict():
            for name, each in value.items():
                yield from read_by(each, f"{at}.{name}")


def first_keys(columns: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Every column once, with the key that names it first."""
    found: dict[str, str] = {}
    for column, key in columns:
        found.setdefault(column, key)
    return found


def words(reason: msgspec.ValidationError, at: str = "") -> str:
    """msgspec names the place last, as `$.time.zone`."""
    text, _, place = str(reason).partition(" - at `$")
    key = ".".join(filter(None, (at, place.strip("`.").replace("`", ""))))
    text = text.replace("Object", "the table").replace("`", "")
    return f"{key}: {text}" if key else text
