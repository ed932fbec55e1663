"""Rows of a table as events or as contacts, by a mapping."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from libs.events.identifiers import BadIdentifier, parse
from libs.events.times import BadTime, canonical, utc_text
from services.cli.errors import Failure
from services.cli.importing.cells import BadCell, Cells, Columns, ReadText
from services.cli.importing.contact_mapping import KINDS, ContactMapping
from services.cli.importing.contacts import contact_body
from services.cli.importing.fields import columns_in
from services.cli.importing.mapping import Mapping, TimeRule
from services.cli.importing.rows import CsvRow, Row, Source, csv_rows

CACHED_TIMES = 4_096  # a table repeats its days

_encode = msgspec.json.Encoder().encode

Render = Callable[[Cells], bytes]
"""The body of a row: the same for the same row, always. Raises BadCell."""


def mapped_rows(source: Source, mapping: Mapping | ContactMapping, mapping_name: str) -> Iterator[Row]:
    """Every row after the header. Raises Failure for a table without a column that the mapping names."""
    rows = csv_rows(source, mapping.csv.delimiter, mapping.csv.encoding)
    header = next(rows, None)
    if header is None:
        raise Failure(f"{source.path}: has no header line")
    if header.fault:
        raise Failure(f"{source.path}: its header cannot be read: {header.fault.detail}")
    columns = Columns(_header(source, header, mapping.columns, mapping_name))
    render = _contact(mapping, columns) if isinstance(mapping, ContactMapping) else _event(mapping, columns)
    return (_row(columns, render, row) for row in rows)


def _header(source: Source, header: CsvRow, wanted: dict[str, str], mapping_name: str) -> list[str]:
    columns = [cell.strip() for cell in header.cells]
    for column, key in wanted.items():
        if column not in columns:
            there = ", ".join(columns)
            raise Failure(f"{mapping_name}: {key}: {source.path} has no column {column}; it has {there}")
        if columns.count(column) > 1:
            raise Failure(f"{mapping_name}: {key}: {source.path} has the column {column} more than once")
    return columns


def _row(columns: Columns, render: Render, row: CsvRow) -> Row:
    if row.fault:
        return Row(row.number, row.line, b"", row.fault)
    try:
        columns.require_all(row.cells)
        return Row(row.number, row.line, render(row.cells))
    except BadCell as reason:
        return Row(row.number, row.line, b"", reason.fault)


def _event(mapping: Mapping, columns: Columns) -> Render:
    constants = {"specversion": "1.0", "source": mapping.source, "type": mapping.type}
    id_, subject = columns.template(mapping.id), columns.template(mapping.subject)
    time = None if mapping.time is None else _moment(mapping.time, columns)
    data = columns.object(mapping.data)

    def render(cells: Cells) -> bytes:
        event: dict[str, Any] = {"id": id_(cells), **constants, "subject": subject(cells)}
        if time is not None:
            event["time"] = time(cells)
        event["data"] = data(cells)
        return _encode(event)

    return render


def _contact(mapping: ContactMapping, columns: Columns) -> Render:
    rule = mapping.contact
    names = [_name(template, columns) for template in rule.identifiers]
    first_column = columns_in(rule.identifiers[0])[0]
    kind_and_traits = columns.object({"kind": rule.kind, "traits": rule.traits})

    def render(cells: Cells) -> bytes:
        identifiers = [name for read in names if (name := read(cells)) is not None]
        if not identifiers:
            raise BadCell(first_column, "empty", "every identifier of the row would be made of an empty cell")
        contact = kind_and_traits(cells)
        kind = contact.get("kind", KINDS[0])
        if kind not in KINDS:
            raise BadCell(rule.kind.column, "not_allowed", f"must be {' or '.join(KINDS)}")
        return contact_body(kind, identifiers, contact["traits"])

    return render


def _name(template: str, columns: Columns) -> Callable[[Cells], str | None]:
    """The identifier in its normal form; None where a cell that it is made of is empty."""
    text = columns.template(template)
    made_of = columns_in(template)
    any_empty = [columns.is_empty(column) for column in made_of]

    def read(cells: Cells) -> str | None:
        if any(is_empty(cells) for is_empty in any_empty):
            return None
        try:
            return str(parse(text(cells)))
        except BadIdentifier as reason:
            raise BadCell(made_of[0], reason.code, reason.detail) from None

    return read


def _moment(rule: TimeRule, columns: Columns) -> ReadText:
    text = columns.text(rule.column)
    parse_time = _time_parser(rule)

    def read(cells: Cells) -> str:
        try:
            return parse_time(text(cells))
        except BadTime as reason:
            raise BadCell(rule.column, "bad_time", str(reason)) from None

    return read


def _time_parser(rule: TimeRule) -> Callable[[str], str]:
    zone = ZoneInfo(rule.zone)

    @lru_cache(CACHED_TIMES)
    def parse(text: str) -> str:
        if rule.format is None:
            return canonical(text)
        try:
            moment = datetime.strptime(text, rule.format)  # noqa: DTZ007  the zone follows
            return utc_text(moment if moment.tzinfo else moment.replace(tzinfo=zone))
        except (ValueError, OverflowError):
            raise BadTime(f"is not a time written as {rule.format}") from None

    return parse
