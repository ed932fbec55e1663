"""A program that dies with the process that started it, however that process ends.

Theory. Linux can send a child a signal when its parent dies, but the parent is the *thread* that made the child: a
server that is started in a thread of a pool would die with that thread. So one thread, which lives as long as this
process, starts them all. A small program asks for the signal and becomes the server: nothing of ours runs between fork
and exec, where a lock that another thread held would be held for ever.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_starter = ThreadPoolExecutor(1, thread_name_prefix="tether")

# 1 is PR_SET_PDEATHSIG, 9 is SIGKILL. Whoever finds another parent has lost its own before it asked.
_BECOME = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9)
if os.getppid() != int(sys.argv[1]):
    sys.exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""


def start_tethered(
    command: Sequence[str], output: int, lock: int, folder: Path, environment: Mapping[str, str]
) -> "subprocess.Popen[bytes]":
    """In a session of its own: Ctrl-C in a terminal is for this process. The first of `command` is a path.

    It keeps the open file `lock` as long as it lives. Raises OSError. Only on Linux does it die with this process.
    """
    tether = [sys.executable, "-I", "-S", "-c", _BECOME, str(os.getpid())] if sys.platform == "linux" else []

    def start() -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [*tether, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            env=environment,
            start_new_session=True,
            pass_fds=(lock,),
        )

    return _starter.submit(start).result()
