"""Cells of a table as values. Numbers are read as text, digit by digit: no float, no rounding."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from libs.events.currencies import MINOR_UNITS
from services.cli.importing.fields import Field, pieces
from services.cli.importing.rows import Fault

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_DECIMAL = re.compile(r"([+-]?)([0-9]{1,18})(?:\.([0-9]{1,18}))?")
_ABSENT = object()

Cells = Sequence[str]
Read = Callable[[Cells], Any]
ReadText = Callable[[Cells], str]


class BadCell(ValueError):
    """A cell that does not become what the mapping says."""

    def __init__(self, column: str, code: str, detail: str) -> None:
        super().__init__(detail)
        self.fault = Fault(f"column {column}", code, detail)


class Columns:
    """Finds cells by the names of their columns. What it gives is prepared once and reads every row of the table."""

    def __init__(self, names: Sequence[str]) -> None:
        self._count = len(names)
        self._at = {name: index for index, name in enumerate(names)}

    def require_all(self, cells: Cells) -> None:
        """Raises BadCell for a row that is shorter or longer than the header."""
        if len(cells) != self._count:
            raise BadCell("1", "columns", f"the row has {len(cells)} columns, the header has {self._count}")

    def is_empty(self, column: str) -> Callable[[Cells], bool]:
        index = self._at[column]
        return lambda cells: not cells[index].strip()

    def text(self, column: str) -> ReadText:
        """Raises BadCell for an empty cell, as everything does that is read from it."""
        index = self._at[column]

        def read(cells: Cells) -> str:
            if text := cells[index].strip():
                return text
            raise BadCell(column, "empty", "the cell is empty")

        return read

    def template(self, template: str) -> ReadText:
        parts = [(text, None if column is None else self.text(column)) for text, column in pieces(template)]
        return lambda cells: "".join(text + ("" if cell is None else cell(cells)) for text, cell in parts)

    def object(self, table: dict[str, Any]) -> Read:
        """Without the optional fields whose cells are empty."""
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
                return self.object(value)
            case _:
                return lambda cells: value

    def _field(self, field: Field) -> Read:
        cell, is_empty = self.text(field.column), self.is_empty(field.column)
        currency = self.text(field.currency_column) if field.currency_column else None

        def read(cells: Cells) -> Any:
            if field.optional and is_empty(cells):
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
