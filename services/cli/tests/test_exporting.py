"""Only the network is made up here; that the service streams so is tested in tests/integration."""

import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest
from typer.testing import CliRunner, Result

from services.cli.errors import Failure
from services.cli.main import app
from services.cli.tests.answering import URL, answering, refusal

RAPPORT = Path(sys.executable).with_name("rapport")
CSV = b"contact,identifiers\r\n1,crm:1\r\n2,crm:2 tel:+442079460018\r\n"


class Broken(httpx.SyncByteStream):
    """Breaks off after a row and a half."""

    def __iter__(self) -> Iterator[bytes]:
        yield CSV[:40]
        raise httpx.RemoteProtocolError("peer closed connection")


def streamed(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, headers={"content-type": "text/csv; charset=utf-8", "rapport-total": "2"}, content=CSV)


def broken(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, headers={"content-type": "text/csv"}, stream=Broken())


def ran(*args: str) -> Result:
    return CliRunner().invoke(app, ["export", "scores", *args, "--url", URL], catch_exceptions=False)


def there(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_to_stdout_byte_for_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answering(monkeypatch, streamed)
    assert ran("--band", "lost", "--currency", "GBP").stdout_bytes == CSV
    assert [str(each.url) for each in asked] == [f"{URL}/v1/scores.csv?definition=rfm&band=lost&currency=GBP"]


def test_to_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answering(monkeypatch, streamed)
    file = tmp_path / "scores.csv"
    file.write_bytes(b"of yesterday")
    result = ran("--output", str(file))
    assert (result.exit_code, result.output) == (0, f"2 rows in {file}\n")
    assert there(tmp_path) == {"scores.csv": CSV}
    assert file.stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    os.umask(now := os.umask(0))
    return now


@pytest.mark.parametrize("before", [{}, {"scores.csv": b"of yesterday"}])
def test_a_list_that_breaks_off_leaves_what_was_there(
    before: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answering(monkeypatch, broken)
    for name, content in before.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(Failure, match=r"^the list broke off after 1 row \(RemoteProtocolError\)$"):
        ran("--output", str(tmp_path / "scores.csv"))
    assert there(tmp_path) == before


def test_a_pipe_is_written_to_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answering(monkeypatch, streamed)
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    ran("--output", str(tmp_path / "pipe"))
    assert os.read(reader, 1_000) == CSV
    os.close(reader)
    assert [file.name for file in tmp_path.iterdir()] == ["pipe"]


def test_a_file_that_cannot_be_written_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answering(monkeypatch, streamed)
    with pytest.raises(Failure, match=r"missing/scores.csv: No such file or directory; --output names another file"):
        ran("--output", str(tmp_path / "missing" / "scores.csv"))


def test_a_refusal_leaves_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answering(monkeypatch, lambda _: refusal(400, "currency_needed", "name one of EUR, GBP"))
    with pytest.raises(Failure, match=r"^name one of EUR, GBP$"):
        ran("--output", str(tmp_path / "scores.csv"))
    assert there(tmp_path) == {}


def test_something_else_that_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, lambda _: httpx.Response(200, text="hello"))
    with pytest.raises(Failure, match=r"^http://scoring/v1/scores.csv answers 200: no reason given$"):
        ran()


class EndlessRows(BaseHTTPRequestHandler):
    """Streams rows for as long as anybody reads them."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/csv")
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"1,crm:1\r\n" * 1_000)
        except OSError:
            return

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


def test_who_stops_reading_sees_no_traceback() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), EndlessRows) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        command: list[str | Path] = [RAPPORT, "export", "scores", "--url", f"http://127.0.0.1:{server.server_port}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout
            assert process.stderr
            assert process.stdout.readline() == b"1,crm:1\r\n"
            process.stdout.close()
            assert (process.wait(20), process.stderr.read()) == (1, b"")
        server.shutdown()
