"""How the rows of a table become events: a TOML file, read strictly. (Contacts: contact_mapping.py.)

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

import tomllib
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from libs.events.catalog.registry import Kind, find
from libs.events.examine import OUR_PREFIX, is_foreign_source, is_uri_reference
from services.cli.errors import Failure
from services.cli.importing.contact_mapping import ContactMapping, contact_mapping
from services.cli.importing.fields import (
    BadKey,
    CsvRule,
    check_csv,
    check_template,
    columns_in,
    first_keys,
    read_by,
    with_fields,
    words,
)


class TimeRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    column: str
    format: str | None = None
    zone: str = "UTC"


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    type: str
    source: str
    id: str
    subject: str
    time: TimeRule | None = None
    data: dict[str, Any] = {}
    csv: CsvRule = CsvRule()

    @property
    def columns(self) -> dict[str, str]:
        """Every column that is read, with the key that first names it."""
        return first_keys(self._columns())

    def _columns(self) -> Iterator[tuple[str, str]]:
        for key in ("id", "subject"):
            for column in columns_in(getattr(self, key)):
                yield column, key
        if self.time:
            yield self.time.column, "time.column"
        yield from read_by(self.data, "data")


def read_mapping(path: Path) -> Mapping | ContactMapping:
    """Raises Failure that names the file, the key and the reason."""
    try:
        document = tomllib.loads(path.read_text())
        return contact_mapping(document) if "contact" in document else _event_mapping(document)
    except OSError as reason:
        raise Failure(f"{path}: {reason.strerror}") from None
    except UnicodeDecodeError:
        raise Failure(f"{path}: is not UTF-8") from None
    except tomllib.TOMLDecodeError as reason:
        raise Failure(f"{path}: is not TOML: {reason}") from None
    except msgspec.ValidationError as reason:
        raise Failure(f"{path}: {words(reason)}") from None
    except BadKey as reason:
        raise Failure(f"{path}: {reason}") from None


def _event_mapping(document: dict[str, Any]) -> Mapping:
    mapping = msgspec.convert(document, Mapping)
    for key in ("id", "subject"):
        check_template(getattr(mapping, key), key)
    if not is_uri_reference(mapping.source) or not is_foreign_source(mapping.source):
        raise BadKey("source: must be a URI reference, such as urn:example:shop, and none of Rapport's own paths")
    if mapping.time:
        _check_time(mapping.time)
    check_csv(mapping.csv)
    _check_type(mapping)
    return msgspec.structs.replace(mapping, data=with_fields(mapping.data, "data"))


def _check_time(rule: TimeRule) -> None:
    try:
        ZoneInfo(rule.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadKey(f"time.zone: {rule.zone} is not in the time zone database of this machine") from None
    if rule.format is not None and "%" not in rule.format:
        raise BadKey("time.format: is written as strptime takes it, such as %Y-%m-%d")


def _check_type(mapping: Mapping) -> None:
    found = find(mapping.type)
    if found is None:
        if mapping.type.startswith(OUR_PREFIX):
            raise BadKey(f"type: there is no type {mapping.type}; `rapport events list` lists them")
        return
    if found.kind is not Kind.OBSERVATION:
        raise BadKey(f"type: {mapping.type} is a {found.kind}, which only Rapport writes")
    fields = {field.encode_name: field for field in msgspec.structs.fields(found.data)}
    for name in mapping.data:
        if name not in fields:
            close = get_close_matches(name, fields, n=1)
            hint = f"; did you mean {close[0]}?" if close else f"; it has {', '.join(fields)}"
            raise BadKey(f"data.{name}: is not a field of {mapping.type}{hint}")
    if missing := [name for name, field in fields.items() if field.required and name not in mapping.data]:
        raise BadKey(f"data.{missing[0]}: {mapping.type} requires it")
