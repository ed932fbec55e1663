import os
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from libs.embedded.errors import AlreadyRunning, HomeUnusable
from libs.embedded.home import Home, Runtime, ServiceRuntime

RUNTIME = Runtime(
    pid=17,
    log_url="postgresql:///log",
    services={"interactions": ServiceRuntime(port=8002, database_url="postgresql:///interactions", pid=18)},
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_folder_is_private_and_an_existing_one_stays_as_it_was(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    assert mode(Home.at(tmp_path / "new").path) == 0o700
    assert mode(Home.at(shared).path) == 0o755


def test_the_folder_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Home.at().path == tmp_path / ".rapport"
    monkeypatch.setenv("RAPPORT_DATA", str(tmp_path / "elsewhere"))
    assert Home.at().path == tmp_path / "elsewhere"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HomeUnusable, match="file/below: cannot be made"):
        Home.at(tmp_path / "file" / "below")


@pytest.mark.parametrize(
    ("file", "read"), [("identity.secret", Home.identity_secret), ("postgres.password", Home.password)]
)
def test_a_secret_is_made_once_whoever_asks(tmp_path: Path, file: str, read: Callable[[Home], bytes | str]) -> None:
    home = Home.at(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(read, [home] * 32))) == 1
    assert mode(tmp_path / file) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == [file]


def test_an_identity_secret_that_was_cut_is_refused(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    (tmp_path / "identity.secret").write_bytes(home.identity_secret()[:31])
    with pytest.raises(HomeUnusable, match="32 bytes"):
        home.identity_secret()


def test_a_second_system_learns_which_process_holds_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("libs.embedded.home.LOCK_PATIENCE_S", 0.05)
    home = Home.at(tmp_path)
    program = "import sys; from libs.embedded.home import Home\nwith Home.at(sys.argv[1]).lock(): pass"
    with home.lock():
        second = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=False)
        with pytest.raises(AlreadyRunning, match=str(os.getpid())), home.lock():
            pass
    assert f"AlreadyRunning: a system is already running here (process {os.getpid()})" in second.stderr
    with home.lock():
        pass


def test_the_runtime_file_tells_what_runs_and_what_ran(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    assert home.read_runtime() is None
    with home.lock():
        home.write_runtime(RUNTIME)
        assert home.read_runtime() == RUNTIME
        assert mode(tmp_path / "runtime.json") == 0o600
    stale = home.read_runtime()
    assert stale is not None
    assert (stale.running, stale.services) == (False, RUNTIME.services)


def test_a_runtime_file_that_is_no_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "runtime.json").write_text("{")
    with pytest.raises(HomeUnusable, match=r"runtime\.json: cannot be read"):
        Home.at(tmp_path).read_runtime()
