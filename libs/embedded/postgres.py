"""A PostgreSQL of our own below the data folder, reached through a Unix socket. Blocks; needs no event loop."""

import asyncio
import os
import re
import signal
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import structlog

from libs.embedded.binaries import Account, Binaries
from libs.embedded.cluster import ENVIRONMENT, POLL_S, USER, Cluster, known_as
from libs.embedded.databases import ensure_database
from libs.embedded.errors import PostgresFailed
from libs.embedded.home import Home
from libs.embedded.server_log import ServerLog
from libs.events.clock import monotonic_s

log = structlog.get_logger(__name__)

DATABASE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}")
READY_TIMEOUT_S = 120  # recovering `max_wal_size` on a slow disk
FAST_STOP_S = 8
QUICK_STOP_S = 6  # the server kills its children after 5


def shared_buffers_mb() -> int:
    """An eighth of the machine's memory, from 128 MB to 1 GB. Shared between all processes, and taken as it is used."""
    memory_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    return max(128, min(1_024, memory_mb // 8))


# On the command line, so that a new version's settings hold for old clusters and no file weakens the first three.
SETTINGS = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "shared_buffers": f"{shared_buffers_mb()}MB",
    # Five services of up to 14 each, commands beside them, 3 kept back; one that nobody uses takes 0.1 MB.
    "max_connections": "80",
    # The log is written once and never updated: rare checkpoints write each page once.
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": "0.9",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "update_process_title": "off",
}


class EmbeddedPostgres:
    """The caller holds the home's lock: what still runs in this cluster at a start is a leftover, and is stopped."""

    def __init__(self, home: Home | Path | str) -> None:
        self._home = home if isinstance(home, Home) else Home.at(home)
        self._cluster = Cluster(self._home.path / "postgres", self._home.path / "postgres.lock")
        self._log = ServerLog(self._home.path / "postgres.log")
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        return self._server.pid if self._server else None

    def url(self, database: str) -> str:
        """For asyncpg; for SQLAlchemy with the scheme `postgresql+asyncpg`."""
        return f"postgresql://{USER}:{quote(self._home.password())}@/{database}?host={quote(self._socket_folder)}"

    def alive(self) -> bool:
        return self._server is not None and self._server.poll() is None

    def start(self) -> None:
        """Returns when connections are accepted; after a failure nothing is left running."""
        self.revive()
        ready = False
        try:
            self._wait_until_ready()
            ready = True
        finally:
            if not ready:
                self.stop()

    def revive(self) -> None:
        """Starts the server without waiting for its recovery: clients get in when it is ready."""
        if self.alive():
            return
        try:
            self._launch_over_remains()
        except OSError as error:
            raise PostgresFailed(f"{error.filename or self._home.path}: {error.strerror}") from error

    def stop(self) -> None:
        """Fast shutdown: returns when the server and every process of it are gone."""
        if self._server is None:
            return
        for request, patience_s in ((signal.SIGINT, FAST_STOP_S), (signal.SIGQUIT, QUICK_STOP_S), (signal.SIGKILL, 1)):
            self._server.send_signal(request)
            try:
                self._server.wait(patience_s)
                break
            except subprocess.TimeoutExpired:
                log.warning("postgres_does_not_stop", pid=self._server.pid, signal=request.name)
        os.close(self._cluster.lock_when_empty())
        if self._cluster.socket_folder != self._cluster.path:
            with suppress(OSError):
                self._cluster.socket_folder.rmdir()
        self._server = None

    def kill(self) -> None:
        """For fault tests: the server dies at once, its children a moment later."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()

    def ensure_databases(self, names: Sequence[str]) -> None:
        for name in names:
            if not DATABASE_NAME.fullmatch(name):
                raise PostgresFailed(f"{name!r} cannot be a database's name")
        try:
            with ThreadPoolExecutor(1) as other_thread:  # the caller may have an event loop in this one
                other_thread.submit(asyncio.run, self._make_missing(names)).result()
        except PostgresFailed as error:
            raise PostgresFailed(f"the databases were not made: {error}", self._log.tail()) from error

    async def _make_missing(self, names: Sequence[str]) -> None:
        for name in names:
            await ensure_database(self.url(name))

    @property
    def _socket_folder(self) -> str:
        return str(self._cluster.socket_folder)

    def _launch_over_remains(self) -> None:
        wheel = Binaries.of_wheel()
        account = Account.for_cluster(self._cluster.path)
        lock = self._cluster.lock_when_empty()
        try:
            binaries = wheel.reachable_for(account)
            if not self._cluster.path.exists():
                self._cluster.make(binaries, account, self._home.password(), lock)
            self._cluster.check_version(wheel.major)
            self._cluster.clear(account)
            self._launch(binaries, account, lock)
        finally:
            os.close(lock)

    def _launch(self, binaries: Binaries, account: Account, lock: int) -> None:
        in_cluster = self._cluster.socket_folder == self._cluster.path
        settings = SETTINGS | {
            "unix_socket_directories": "." if in_cluster else self._socket_folder,
            "wal_compression": "lz4" if binaries.has_lz4 else "off",
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        log_file = self._log.open()
        try:
            self._server = subprocess.Popen(
                [binaries.bin / "postgres", "-D", known_as(self._cluster.path, account), *options],
                stdin=subprocess.DEVNULL,
                stdout=log_file,
                stderr=log_file,
                cwd=self._cluster.path,
                env=ENVIRONMENT,
                start_new_session=True,  # Ctrl-C is for the supervisor, which stops the server last
                pass_fds=(lock,),
                **account.options,
            )
        except OSError as error:
            raise PostgresFailed(f"the server was not started: {error}") from error
        finally:
            os.close(log_file)
        log.info("postgres_started", pid=self._server.pid, cluster=str(self._cluster.path))

    def _wait_until_ready(self) -> None:
        deadline = monotonic_s() + READY_TIMEOUT_S
        while self._server is not None and not self._cluster.is_ready(self._server.pid):
            if self._server.poll() is not None:
                raise PostgresFailed(f"the server ended with code {self._server.returncode}", self._log.tail())
            if monotonic_s() > deadline:
                raise PostgresFailed(f"the server is not ready after {READY_TIMEOUT_S} s", self._log.tail())
            time.sleep(POLL_S)
