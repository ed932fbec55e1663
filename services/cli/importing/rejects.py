"""Lines that were not taken: counted, the first ones shown, all of them kept in a file."""

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec
from rich.table import Table

from services.cli.errors import Failure
from services.cli.importing.rows import Fault, Row
from services.cli.tables import table
from services.cli.words import printable

SHOWN = 10

_encode = msgspec.json.Encoder().encode


class Kept(msgspec.Struct, omit_defaults=True):
    """One line of the file; `also` are the further things that are wrong with it, `conflict` waits for a person."""

    line: int
    pointer: str
    code: str
    detail: str
    text: str
    also: list[dict[str, str]] = []
    conflict: str = ""


class Rejects:
    """Opens its file at the first line that it keeps; what an earlier import kept there is gone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self.conflicts = 0
        self._first: list[tuple[int, Fault]] = []
        self._file: BinaryIO | None = None
        path.unlink(missing_ok=True)

    def keep(self, row: Row, faults: Sequence[Fault]) -> None:
        """Raises Failure when the file cannot be written."""
        first, *others = faults
        self.count += 1
        self.conflicts += bool(first.conflict)
        self._first = sorted([*self._first, (row.number, first)])[:SHOWN]
        text = row.line.decode(errors="backslashreplace")
        also = [{"pointer": fault.pointer, "code": fault.code, "detail": fault.detail} for fault in others]
        kept = Kept(row.number, first.pointer, first.code, first.detail, text, also, first.conflict)
        try:
            if self._file is None:
                self._file = self.path.open("wb")
            self._file.write(_encode(kept) + b"\n")
        except OSError as reason:
            raise Failure(f"{self.path}: {reason.strerror}; --rejects names another file") from None

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def table(self) -> Table:
        """The first ones, by line."""
        made = table(
            ">line",
            "where",
            "code",
            "why",
            title=f"{self.count:,} not taken" if self.conflicts else f"{self.count:,} rejected",
        )
        for number, fault in self._first:
            made.add_row(f"{number:,}", printable(fault.pointer) or "the line", fault.code, printable(fault.detail))
        return made
