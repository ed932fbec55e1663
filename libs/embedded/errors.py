"""What can go wrong on one machine.

EmbeddedError
├── HomeUnusable        the data folder cannot be made, read or trusted
├── AlreadyRunning      another system holds the data folder
├── PostgresFailed      the server would not start, stop or do as told
│   └── PostgresUnavailable  it cannot be reached now, or is still starting
├── KafkaUnavailable    what a broker needs is not here: Java, or its jars and Maven to fetch them
├── KafkaFailed         the broker would not start
└── ChildRefused        a service refuses to run, so nothing runs
"""

from pathlib import Path


class EmbeddedError(Exception):
    pass


class HomeUnusable(EmbeddedError):
    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path}: {reason}")


class AlreadyRunning(EmbeddedError):
    def __init__(self, pid: int | None) -> None:
        self.pid = pid
        super().__init__("a system is already running here" + (f" (process {pid})" if pid else ""))


class PostgresFailed(EmbeddedError):
    """`tail` holds the last lines of the server's log."""

    def __init__(self, reason: str, tail: str = "") -> None:
        self.reason = reason
        self.tail = tail
        super().__init__(f"{reason}\n{tail}" if tail else reason)


class PostgresUnavailable(PostgresFailed):
    """Asking again may help."""


class KafkaUnavailable(EmbeddedError):
    """`cure` says what to install or to mend."""

    def __init__(self, reason: str, cure: str) -> None:
        self.reason = reason
        self.cure = cure
        super().__init__(f"{reason}: {cure}")


class KafkaFailed(EmbeddedError):
    """`tail` holds the last lines of the broker's output."""

    def __init__(self, reason: str, tail: str = "") -> None:
        self.reason = reason
        self.tail = tail
        super().__init__(f"{reason}\n{tail}" if tail else reason)


class ChildRefused(EmbeddedError):
    """`reason` is the last line that the child logged."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(f"{name} refuses to run: {reason}")
