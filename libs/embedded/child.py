"""What a forked child does from its first to its last moment."""

import ctypes
import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn, TextIO, cast

REFUSES_TO_RUN = 78  # EX_CONFIG of sysexits.h: another try would end the same way
TAIL_CHARACTERS_MAX = 2_000
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SUPERVISED_SIGNALS = (*STOP_SIGNALS, signal.SIGCHLD)
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Child:
    """`run` serves until SIGTERM; SystemExit(78) from it means "refuses to run". `ready` is asked in the supervisor."""

    name: str
    run: Callable[[], None]
    ready: Callable[[], bool] | None = None


class Remembering:
    """A text stream; all of its kind together remember the end of what was written."""

    tail = ""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        Remembering.tail = (Remembering.tail + text)[-TAIL_CHARACTERS_MAX:]
        return self._stream.write(text)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


def freeze() -> None:
    """Called before the first fork: what is imported by now stays shared between parent and children."""
    gc.collect()
    gc.freeze()


def fork(work: Callable[[], int], inherited: Sequence[int]) -> tuple[int, int]:
    """The child's process id, and a pipe on which it leaves its last line when it refuses to run.

    `work` returns the exit code; `inherited` are files of the parent that the child closes.
    """
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    parent = os.getpid()
    # A signal between fork and the new handlers would be taken by the parent's handlers, in the child.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, SUPERVISED_SIGNALS)
    pid = os.fork()
    if pid == 0:
        _detach(parent, mask)
        for file in (reader, *inherited):
            os.close(file)
        _live(work, writer)
    os.close(writer)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return pid, reader


def _detach(parent: int, mask: set[int | signal.Signals]) -> None:
    os.setsid()
    signal.set_wakeup_fd(-1)
    for number in SUPERVISED_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before it could be watched
            os._exit(1)


def _live(work: Callable[[], int], last_words: int) -> NoReturn:
    sys.stdout = cast(TextIO, Remembering(sys.stdout))
    sys.stderr = cast(TextIO, Remembering(sys.stderr))
    code = 1
    try:
        code = work()
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        if code == REFUSES_TO_RUN:
            last_line = Remembering.tail.rstrip().rpartition("\n")[2]
            os.write(last_words, last_line.encode(errors="replace"))
        os._exit(code)


def exit_code(exit_: SystemExit) -> int:
    if exit_.code is None or isinstance(exit_.code, int):
        return exit_.code or 0
    sys.stderr.write(f"{exit_.code}\n")
    return 1
