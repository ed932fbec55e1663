"""Processes that are forked from one that has imported everything, so that a start takes a moment.

What runs in them is what `rapport` runs, in an environment of their own.
"""

import ctypes
import faulthandler
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from services.cli.services import SERVICES

PATIENCE_S = 120.0
PR_SET_PDEATHSIG = 1

_forks = multiprocessing.get_context("forkserver")
# No module of the command line: some look at their terminal when they are imported.
_forks.set_forkserver_preload(
    [*(f"services.{name}.wiring" for name in SERVICES), "libs.service.serving", "rich.progress", "typer", "tests.forks"]
)


def forked(work: Callable[..., None], *arguments: Any) -> ForkServerProcess:
    """A process that does this, and dies with the one that has imported everything. Not started yet."""
    return _forks.Process(target=_begin, args=(work, arguments), daemon=True)


def _begin(work: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    work(*arguments)


def start_over(environment: Mapping[str, str], stdin: str, stdout: str, stderr: str) -> None:
    """In a process that was forked: these are its environment and its streams, the last two growing."""
    for number, name in enumerate((stdin, stdout, stderr)):
        file = os.open(name, os.O_WRONLY | os.O_APPEND | os.O_CREAT if number else os.O_RDONLY, 0o600)
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()


def rapport(
    args: Sequence[str], env: Mapping[str, str], *, stdin: bytes = b"", timeout_s: float = PATIENCE_S
) -> "subprocess.CompletedProcess[str]":
    """`rapport ARGS`, and its streams as text. Raises TimeoutExpired."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        streams = [folder / each for each in ("stdin", "stdout", "stderr")]
        streams[0].write_bytes(stdin)
        process = forked(_command, list(args), dict(env), [str(each) for each in streams])
        process.start()
        process.join(timeout_s)
        if (code := process.exitcode) is None:
            assert process.pid
            os.kill(process.pid, signal.SIGABRT)  # it says where it stands
            process.join()
        stdout, stderr = (stream.read_bytes().decode() for stream in streams[1:])
        if code is None:
            late = subprocess.TimeoutExpired(["rapport", *args], timeout_s)
            late.add_note(f"It said:\n{stdout}\n{stderr}")
            raise late
        return subprocess.CompletedProcess(args, code, stdout, stderr)


def _command(args: list[str], environment: dict[str, str], streams: list[str]) -> None:
    start_over(environment, *streams)
    faulthandler.enable(2)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115  multiprocessing has put another in its place
    sys.argv = ["rapport", *args]
    from services.cli.main import main

    main()
