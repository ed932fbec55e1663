import gzip
from contextlib import ExitStack
from pathlib import Path

import pytest

from libs.events.examine import MAX_EVENT_BYTES
from services.cli.errors import Failure
from services.cli.importing.rows import Row, ndjson_rows, opened


def rows(folder: Path, content: bytes, name: str = "events.ndjson") -> list[Row]:
    path = folder / name
    path.write_bytes(content)
    with ExitStack() as closing:
        return list(ndjson_rows(opened(path, closing)))


def test_lines_as_they_come(tmp_path: Path) -> None:
    found = rows(tmp_path, b'\xef\xbb\xbf{"a":1}\r\n\r\n   \n{"b":2}\n[3]')
    assert found == [Row(1, b'{"a":1}', b'{"a":1}'), Row(4, b'{"b":2}', b'{"b":2}'), Row(5, b"[3]", b"[3]")]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b'{"a":1', "not_json"),
        (b'{"a":1},{"b":2}', "not_json"),
        (b"]", "not_json"),
        (b'{"a":NaN}', "not_json"),
        (b'{"a":"\xff"}', "not_utf8"),
        (b"[" * 5_000, "too_deep"),
    ],
)
def test_a_line_that_would_spoil_its_batch_is_kept_out(tmp_path: Path, line: bytes, code: str) -> None:
    bad, good = rows(tmp_path, line + b"\n{}\n")
    assert bad.fault
    assert (bad.number, bad.fault.code, bad.body, bad.line) == (1, code, b"", line)
    assert good.fault is None


def test_a_line_may_have_256_kib(tmp_path: Path) -> None:
    fits = b'{"a":"' + b"x" * (MAX_EVENT_BYTES - 8) + b'"}'
    found = rows(tmp_path, fits + b"\r\n" + fits + b" \n" + b"y" * 5_000_000 + b"\n{}\n")
    assert [row.fault and row.fault.code for row in found] == [None, "line_too_long", "line_too_long", None]
    assert [row.number for row in found] == [1, 2, 3, 4]
    assert max(len(row.line) for row in found) == MAX_EVENT_BYTES


def test_compressed_files(tmp_path: Path) -> None:
    packed = gzip.compress(b'{"a":1}\n' * 1_000, mtime=0)
    assert len(rows(tmp_path, packed, "events.ndjson.gz")) == 1_000
    with pytest.raises(Failure, match="cannot be read after line"):
        rows(tmp_path, packed[:-20], "events.ndjson.gz")
    with pytest.raises(Failure, match="cannot be read after line 0"):
        rows(tmp_path, b"plain", "events.ndjson.gz")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with ExitStack() as closing, pytest.raises(Failure, match="No such file"):
        opened(tmp_path / "none", closing)
    with ExitStack() as closing, pytest.raises(Failure, match="directory"):
        opened(tmp_path, closing)
