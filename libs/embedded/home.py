"""The data folder of one system: its lock, its secrets, and the file that says what runs."""

import fcntl
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from libs.embedded.errors import AlreadyRunning, HomeUnusable
from libs.events.clock import monotonic_s
from libs.events.ids import random_token

IDENTITY_SECRET_BYTES = 32
# A reader of the runtime file holds the lock for a moment, and so do the children of a system that was just killed.
LOCK_PATIENCE_S = 0.5
LOCK_POLL_S = 0.02


class ServiceRuntime(msgspec.Struct, frozen=True, kw_only=True):
    port: int
    database_url: str
    pid: int


class Runtime(msgspec.Struct, frozen=True, kw_only=True):
    """`running` is not stored: a reader learns it from the lock. The log is in PostgreSQL or in Kafka."""

    pid: int
    log_url: str | None = None
    kafka: str | None = None
    prefix: str = ""
    services: dict[str, ServiceRuntime]
    running: bool = True


@dataclass(frozen=True, slots=True)
class Home:
    path: Path

    @classmethod
    def at(cls, path: Path | str | None = None) -> "Home":
        """Makes the folder where it is missing; without a path $RAPPORT_DATA, else `.rapport`."""
        home = cls((Path(path) if path else default_path()).absolute())
        try:
            home.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise HomeUnusable(home.path, f"cannot be made: {error.strerror}") from error
        return home

    @contextmanager
    def lock(self) -> Iterator[None]:
        """One system a folder. The processes that it forks hold the lock too, until the last of them is gone."""
        with _opened(self.path / "lock") as lock:
            deadline = monotonic_s() + LOCK_PATIENCE_S
            while not _taken(lock, fcntl.LOCK_EX):
                if monotonic_s() > deadline:
                    raise AlreadyRunning(_pid_in(lock))
                time.sleep(LOCK_POLL_S)
            os.ftruncate(lock, 0)
            os.pwrite(lock, str(os.getpid()).encode(), 0)
            yield

    def identity_secret(self) -> bytes:
        """Made once. Whoever loses it can no longer find anyone by name in this log."""
        secret = self._kept("identity.secret", lambda: secrets.token_bytes(IDENTITY_SECRET_BYTES))
        if len(secret) != IDENTITY_SECRET_BYTES:
            raise HomeUnusable(self.path / "identity.secret", f"does not hold {IDENTITY_SECRET_BYTES} bytes")
        return secret

    def password(self) -> str:
        return self._kept("postgres.password", lambda: random_token().encode()).decode()

    def write_runtime(self, runtime: Runtime) -> None:
        written = {name: value for name, value in msgspec.structs.asdict(runtime).items() if name != "running"}
        draft = _draft(self.path, msgspec.json.format(msgspec.json.encode(written)))
        try:
            draft.replace(self.path / "runtime.json")
        except OSError as error:
            draft.unlink()
            raise HomeUnusable(self.path / "runtime.json", str(error.strerror)) from error

    def read_runtime(self) -> Runtime | None:
        """What runs here; what ran here last, with `running=False`, when nobody holds the lock."""
        file = self.path / "runtime.json"
        try:
            runtime = msgspec.json.decode(file.read_bytes(), type=Runtime)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            raise HomeUnusable(file, f"cannot be read: {error}") from error
        return msgspec.structs.replace(runtime, running=self._locked())

    def _locked(self) -> bool:
        with _opened(self.path / "lock") as lock:
            return not _taken(lock, fcntl.LOCK_SH)

    def _kept(self, name: str, make: Callable[[], bytes]) -> bytes:
        return kept(self.path / name, make)


def kept(file: Path, make: Callable[[], bytes]) -> bytes:
    """What is in the file, made where it is missing, with mode 600.

    Of several processes that make it at once, the first one's holds: a link never overwrites. Raises HomeUnusable.
    """
    try:
        if not file.exists():
            draft = _draft(file.parent, make())
            try:
                with suppress(FileExistsError):
                    os.link(draft, file)
            finally:
                draft.unlink()
        return file.read_bytes()
    except OSError as error:
        raise HomeUnusable(file, str(error.strerror)) from error


def _draft(folder: Path, content: bytes) -> Path:
    """Mode 600 and on disk, so that a file that has its final name is whole."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".draft-", delete=False) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise HomeUnusable(folder, f"cannot be written: {error.strerror}") from error
    return Path(file.name)


def default_path() -> Path:
    return Path(os.environ.get("RAPPORT_DATA") or ".rapport")


@contextmanager
def _opened(file: Path) -> Iterator[int]:
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise HomeUnusable(file, str(error.strerror)) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _taken(lock: int, kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _pid_in(lock: int) -> int | None:
    text = os.pread(lock, 32, 0)
    return int(text) if text.isdigit() else None
