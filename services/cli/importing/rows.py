"""A file as rows, read as a stream: memory does not grow with the file, and a bad line spoils only itself."""

import codecs
import csv
import gzip
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import msgspec

from libs.events import strict_json
from libs.events.examine import MAX_EVENT_BYTES
from libs.events.strict_json import NotJson, UnsafeJson
from services.cli.errors import Failure

_decode_raw = msgspec.json.Decoder(msgspec.Raw).decode


class Fault(NamedTuple):
    """Why a line is not taken; `pointer` says where in it, or which column of the row; `conflict` is the id of one."""

    pointer: str
    code: str
    detail: str
    conflict: str = ""


TOO_LONG = Fault("", "line_too_long", f"a line is at most {MAX_EVENT_BYTES // 1024} KiB")
NOT_UTF8 = Fault("", "not_utf8", "the line is not UTF-8")
NOT_TEXT = Fault("", "encoding", "the line is not in the encoding that the mapping names")


class Row(NamedTuple):
    """One event or contact of the file: its line, as it stands there, and its bytes or why there are none."""

    number: int
    line: bytes
    body: bytes
    fault: Fault | None = None


@dataclass(slots=True)
class Source:
    """An open file; `position` of `size` bytes have been read (compressed ones in a `.gz`); 0 of 0 of a pipe."""

    path: Path
    size: int
    raw: BinaryIO
    stream: BinaryIO

    @property
    def position(self) -> int:
        return self.raw.tell() if self.raw.seekable() else 0

    def lines(self) -> Iterator[tuple[int, bytes, bool]]:
        """Number from 1, the line without its end, and whether it was too long and is cut. Empty lines are there."""
        number = 0
        try:
            while piece := self.stream.readline(MAX_EVENT_BYTES + 2):
                number += 1
                line = piece.rstrip(b"\r\n")
                if number == 1:
                    line = line.removeprefix(codecs.BOM_UTF8)
                is_cut = len(line) > MAX_EVENT_BYTES
                yield number, line[:MAX_EVENT_BYTES], is_cut
                while piece and not piece.endswith(b"\n"):
                    piece = self.stream.readline(MAX_EVENT_BYTES)
        except (OSError, EOFError) as reason:  # a .gz that is none, or is cut off
            raise Failure(f"{self.path} cannot be read after line {number}: {reason}") from None


def opened(path: Path, closing: ExitStack) -> Source:
    """Raises Failure where there is no such file."""
    try:
        raw = closing.enter_context(path.open("rb"))
        stream = gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else raw
        return Source(path, path.stat().st_size, raw, cast(BinaryIO, stream))
    except OSError as reason:
        raise Failure(f"{path}: {reason.strerror}") from None


def ndjson_rows(source: Source) -> Iterator[Row]:
    """One event a line; empty lines are passed over."""
    for number, line, is_cut in source.lines():
        if not line.strip():
            continue
        fault = TOO_LONG if is_cut else _json_fault(line)
        yield Row(number, line, b"" if fault else line, fault)


def _json_fault(line: bytes) -> Fault | None:
    """What would spoil the whole batch; the service says everything else."""
    try:
        line.decode()
    except UnicodeDecodeError:
        return NOT_UTF8
    try:
        _decode_raw(line)
    except (msgspec.MsgspecError, RecursionError):
        return _json_problem(line)
    return None


def _json_problem(line: bytes) -> Fault:
    try:
        strict_json.loads(line)
    except NotJson as reason:
        return Fault("", "not_json", str(reason))
    except UnsafeJson as reason:
        first = reason.problems[0]
        return Fault(first.pointer, first.code, first.detail)
    return Fault("", "not_json", "is not JSON that can be sent")


class CsvRow(NamedTuple):
    """One row of a table: the line it begins at, its text, and its cells or why there are none."""

    number: int
    line: bytes
    cells: list[str]
    fault: Fault | None = None


class _Lines:
    """Feeds csv.reader with text, and remembers what the row that is being read was made of."""

    def __init__(self, source: Source, encoding: str) -> None:
        self._lines = source.lines()
        self._encoding = encoding
        self.number = 0
        self.taken: list[bytes] = []
        self.fault: Fault | None = None

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        number, line, is_cut = next(self._lines)
        if not self.taken:
            self.number = number
        self.taken.append(line)
        try:
            text = line.decode(self._encoding)
        except UnicodeDecodeError:
            text = line.decode(self._encoding, errors="replace")
            self.fault = NOT_TEXT
        if is_cut:
            self.fault = TOO_LONG
        return f"{text}\n"

    def begin_row(self) -> None:
        self.taken, self.fault = [], None


def csv_rows(source: Source, delimiter: str, encoding: str) -> Iterator[CsvRow]:
    """The header first; rows without any text are passed over."""
    csv.field_size_limit(MAX_EVENT_BYTES)
    lines = _Lines(source, encoding)
    reader = csv.reader(lines, delimiter=delimiter)
    while True:
        lines.begin_row()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as reason:
            yield CsvRow(lines.number, _text_of(lines), [], Fault("", "not_csv", str(reason)))
            continue
        if lines.fault or any(cells):
            yield CsvRow(lines.number, _text_of(lines), cells, lines.fault)


def _text_of(lines: _Lines) -> bytes:
    return b"\n".join(lines.taken)[:MAX_EVENT_BYTES]
