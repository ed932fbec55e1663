import os
import select
from collections.abc import Iterable

import psutil


def all_ended(processes: Iterable[psutil.Process], within_s: float = 10) -> bool:
    """A zombie has ended too: when its parent was killed, the system's first process collects it in its own time."""
    return all(_ended(each, within_s) for each in processes)


def _ended(process: psutil.Process, within_s: float) -> bool:
    try:
        file = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return True
    try:
        return not process.is_running() or bool(select.select([file], [], [], within_s)[0])
    finally:
        os.close(file)
