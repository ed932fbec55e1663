"""Rows of a table as events, by a mapping. Numbers are read as text, digit by digit: no float, no rounding."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from libs.events.currencies import MINOR_UNITS
from libs.events.times import BadTime, canonical, utc_text
from services.cli.errors import Failure
from services.cli.importing.mapping import Field, Mapping, TimeRule, columns_of, pieces
from services.cli.importing.rows import CsvRow, Fault, Row, Source, csv_rows

CACHED_TIMES = 4_096  # a table repeats its days

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_DECIMAL = re.compile(r"([+-]?)([0-9]{1,18})(?:\.([0-9]{1,18}))?")
_encode = msgspec.json.Encoder().encode
_ABSENT = object()


class BadCell(ValueError):
    """A cell that does not become what the mapping says."""

    def __init__(self, column: str, code: str, detail: str) -> None:
        super().__init__(detail)
        self.fault = Fault(f"column {column}", code, detail)


def mapped_rows(source: Source, mapping: Mapping, mapping_name: str) -> Iterator[Row]:
    """Every row after the header as an event. Raises Failure for a table without a column that the mapping names."""
    rows = csv_rows(source, mapping.csv.delimiter, mapping.csv.encoding)
    header = next(rows, None)
    if header is None:
        raise Failure(f"{source.path}: has no header line")
    if header.fault:
        raise Failure(f"{source.path}: its header cannot be read: {header.fault.detail}")
    render = Renderer(mapping, _header(source, header, mapping, mapping_name))
    return (_row(render, row) for row in rows)


def _header(source: Source, header: CsvRow, mapping: Mapping, mapping_name: str) -> list[str]:
    columns = [cell.strip() for cell in header.cells]
    for column, key in columns_of(mapping).items():
        if column not in columns:
            there = ", ".join(columns)
            raise Failure(f"{mapping_name}: {key}: {source.path} has no column {column}; it has {there}")
        if columns.count(column) > 1:
            raise Failure(f"{mapping_name}: {key}: {source.path} has the column {column} more than once")
    return columns


def _row(render: "Renderer", row: CsvRow) -> Row:
    if row.fault:
        return Row(row.number, row.line, b"", row.fault)
    try:
        return Row(row.number, row.line, render(row.cells))
    except BadCell as reason:
        return Row(row.number, row.line, b"", reason.fault)


Cells = Sequence[str]
Read = Callable[[Cells], Any]


class Renderer:
    """Prepared once for a header, called for every row."""

    def __init__(self, mapping: Mapping, columns: Sequence[str]) -> None:
        self._count = len(columns)
        self._at = {column: index for index, column in enumerate(columns)}
        self._constants = {"specversion": "1.0", "source": mapping.source, "type": mapping.type}
        self._id = self._template(mapping.id)
        self._subject = self._template(mapping.subject)
        self._time = None if mapping.time is None else self._moment(mapping.time)
        self._data = self._object(mapping.data)

    def __call__(self, cells: Cells) -> bytes:
        """The event's bytes: the same for the same row, always. Raises BadCell."""
        if len(cells) != self._count:
            raise BadCell("1", "columns", f"the row has {len(cells)} columns, the header has {self._count}")
        event: dict[str, Any] = {"id": self._id(cells), **self._constants, "subject": self._subject(cells)}
        if self._time is not None:
            event["time"] = self._time(cells)
        event["data"] = self._data(cells)
        return _encode(event)

    def _template(self, template: str) -> Read:
        parts = [(text, None if column is None else self._cell(column)) for text, column in pieces(template)]
        return lambda cells: "".join(text + ("" if cell is None else cell(cells)) for text, cell in parts)

    def _cell(self, column: str) -> Callable[[Cells], str]:
        index = self._at[column]

        def read(cells: Cells) -> str:
            if text := cells[index].strip():
                return text
            raise BadCell(column, "empty", "the cell is empty")

        return read

    def _moment(self, rule: TimeRule) -> Read:
        cell = self._cell(rule.column)
        parse = _time_parser(rule)

        def read(cells: Cells) -> str:
            try:
                return parse(cell(cells))
            except BadTime as reason:
                raise BadCell(rule.column, "bad_time", str(reason)) from None

        return read

    def _object(self, table: dict[str, Any]) -> Read:
        fields = [(name, self._value(value)) for name, value in table.items()]

        def read(cells: Cells) -> dict[str, Any]:
            values = ((name, value(cells)) for name, value in fields)
            return {name: value for name, value in values if value is not _ABSENT}

        return read

    def _value(self, value: Any) -> Read:
        match value:
            case Field():
                return self._field(value)
            case dict():
                return self._object(value)
            case _:
                return lambda cells: value

    def _field(self, field: Field) -> Read:
        cell = self._cell(field.column)
        index = self._at[field.column]
        currency = self._cell(field.currency_column) if field.currency_column else None

        def read(cells: Cells) -> Any:
            if field.optional and not cells[index].strip():
                return _ABSENT
            text = cell(cells)
            match field.type:
                case "text":
                    return text
                case "integer":
                    return integer(text, field.column)
                case "amount_minor":
                    return amount_minor(text, currency(cells) if currency else field.currency or "", field.column)

        return read


def integer(text: str, column: str) -> int:
    """Raises BadCell."""
    if not _INTEGER.fullmatch(text):
        raise BadCell(column, "not_integer", "is not an integer written in digits, such as 12")
    return int(text)


def amount_minor(text: str, currency: str, column: str) -> int:
    """`12.3` GBP is 1230. Raises BadCell for what is no amount of whole minor units."""
    if currency not in MINOR_UNITS:
        raise BadCell(column, "currency", "is in no ISO 4217 currency that has a minor unit")
    matched = _DECIMAL.fullmatch(text)
    if matched is None:
        raise BadCell(column, "not_amount", "is not a decimal number such as 1234.50")
    sign, whole, fraction = matched[1], matched[2], (matched[3] or "").rstrip("0")
    if len(fraction) > MINOR_UNITS[currency]:
        raise BadCell(
            column, "not_amount", f"has more decimal places than {currency}, which has {MINOR_UNITS[currency]}"
        )
    return int(sign + whole + fraction.ljust(MINOR_UNITS[currency], "0"))


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
