"""The real services, started the way `make run` starts them, in a folder and on ports of their own."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil
import uvloop

from libs.embedded.ports import free_ports

Result = TypeVar("Result")

SERVICES = ("contacts", "interactions", "feedback", "scoring", "timeline")
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 20
POLL_S = 0.02


class NotStarted(Exception):
    """Its text is the end of what the system wrote."""


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """On uvloop, as the services run."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="rapport-bench-") as folder:
        yield Path(folder)


log_settings: dict[str, str] = {}
"""Of every system that is started: empty, or the Kafka that holds its log."""


def environment(folder: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """Nothing of the caller's own settings."""
    theirs = ("RAPPORT_", "DATABASE_URL", "KAFKA_")
    ours = {name: value for name, value in os.environ.items() if not name.startswith(theirs)}
    return ours | {"RAPPORT_DATA": str(folder), "RAPPORT_LOG_LEVEL": "warning", **_log_of(folder), **extra}


def _log_of(folder: Path) -> Mapping[str, str]:
    """Each folder's log is another one, also where they share a broker."""
    return log_settings and {**log_settings, "RAPPORT_PREFIX": f"{folder.parent.name}-{folder.name}-"}


@dataclass(frozen=True, slots=True)
class System:
    folder: Path
    process: "subprocess.Popen[bytes]"
    ports: Mapping[str, int]

    def wait(self, service: str, path: str) -> None:
        """Until the service answers 200. Raises NotStarted."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while not answers(self.ports[service], path):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise NotStarted((self.folder / "output").read_text(errors="replace")[-2_000:])
            time.sleep(POLL_S)

    def wait_until_ready(self) -> None:
        for service in SERVICES:
            self.wait(service, "/readyz")

    def pid(self, service: str) -> int:
        """Of the process that listens on the service's port."""
        for child in psutil.Process(self.process.pid).children(recursive=True):
            if any(c.laddr.port == self.ports[service] for c in child.net_connections("tcp") if c.status == "LISTEN"):
                return child.pid
        raise NotStarted(f"nobody listens for {service}")

    def postgres_pids(self) -> list[int]:
        """The server and its processes."""
        (server,) = (c for c in psutil.Process(self.process.pid).children() if c.name() == "postgres")
        return [server.pid, *(child.pid for child in server.children(recursive=True))]


RAPPORT_UP = ("-c", "from services.cli.main import main; main()", "up")


@contextmanager
def running(folder: Path, command: Sequence[str] = RAPPORT_UP, **settings: str) -> Iterator[System]:
    """`rapport up`; not ready yet when the block begins, gone when it has ended."""
    ports = dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True))
    extra = {f"RAPPORT_PORT_{service.upper()}": str(port) for service, port in ports.items()}
    own = environment(folder, extra | settings)
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *command], env=own, stdout=output, stderr=output, stdin=subprocess.DEVNULL
        )
    try:
        yield System(folder, process, ports)
    finally:
        stop(process)


def stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def answers(port: int, path: str, status: int = 200) -> bool:
    try:
        return _client().get(f"http://127.0.0.1:{port}{path}").status_code == status
    except httpx.HTTPError:
        return False


@cache
def _client() -> httpx.Client:
    """One for all: making one takes longer than most of what it is asked."""
    return httpx.Client(timeout=1, trust_env=False, verify=False)
