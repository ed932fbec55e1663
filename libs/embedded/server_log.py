"""What a server of ours says: one file for all its lives, begun anew at a start when it has grown too long."""

import os
from pathlib import Path

BYTES_MAX = 10_000_000
TAIL_LINES = 15
STACK_FRAME = "\tat "


class ServerLog:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._start = 0

    def open(self) -> int:
        """A file for a life that begins. Raises OSError."""
        too_long = self.path.exists() and self.path.stat().st_size > BYTES_MAX
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | (os.O_TRUNC if too_long else 0)
        descriptor = os.open(self.path, flags, 0o600)
        self._start = os.fstat(descriptor).st_size
        return descriptor

    def tail(self) -> str:
        """The last lines of this life, without the frames of Java's stacks."""
        if not self.path.exists():
            return ""
        with self.path.open("rb") as file:
            file.seek(self._start)
            lines = file.read().decode(errors="replace").splitlines()
        return "\n".join([line for line in lines if not line.startswith(STACK_FRAME)][-TAIL_LINES:])
