"""`python -m tests.faults`: injects every fault and prints what was survived. Arguments are pytest's."""

import sys
from dataclasses import dataclass, field

import pytest
from rich.console import Console
from rich.table import Table

from tests.faults.logs import log_of

# The whole contract of each adapter is run by F33's own test.
PLACES = ["tests/faults"]


@dataclass
class Line:
    """A fault as it is told: one line of the table for all tests of one name on one log."""

    id: str
    fault: str
    log: str
    times: int = 0
    seconds: float = 0.0
    failed: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        if self.failed:
            return f"[red]fail[/] {', '.join(self.failed)}"
        if self.known:
            return f"[yellow]known bug[/] {', '.join(self.known)}"
        return "[green]pass[/]" if self.times else "[yellow]not run[/]"


class Survey:
    """A pytest plugin that gathers the lines."""

    def __init__(self) -> None:
        self.lines: dict[tuple[str, str, str], Line] = {}
        self._of: dict[str, tuple[Line, int]] = {}

    @pytest.hookimpl(trylast=True)  # what is deselected is no line
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            mark = item.get_closest_marker("faults")
            if mark is None or not mark.args:
                continue
            what = (str(mark.args[0]), str(mark.kwargs["fault"]), str(mark.kwargs.get("log") or log_of(item)))
            line = self.lines.setdefault(what, Line(*what))
            self._of[item.nodeid] = line, _times(item, mark.kwargs.get("times", 1))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.nodeid not in self._of:
            return
        line, times = self._of[report.nodeid]
        line.seconds += report.duration
        name = report.nodeid.rpartition("::")[2]
        if report.failed:
            line.failed.append(name)
        elif report.when == "call":
            line.times += times
            if hasattr(report, "wasxfail"):
                line.known.append(f"{name}: {report.wasxfail}")

    def show(self) -> None:
        table = Table("id", "fault", "log", "times", "seconds", "verdict", title="Faults", title_justify="left")
        for _, line in sorted(self.lines.items()):
            table.add_row(line.id, line.fault, line.log, str(line.times), f"{line.seconds:.1f}", line.verdict)
        Console(width=None if sys.stdout.isatty() else 160).print(table)


def _times(item: pytest.Item, times: int | str) -> int:
    """A number, or the name of the parameter that says it."""
    if isinstance(times, int):
        return times
    callspec = getattr(item, "callspec", None)
    return int(callspec.params[times]) if callspec else 1


def main(arguments: list[str]) -> int:
    survey = Survey()
    code = pytest.main(["-m", "faults", "-q", "-p", "no:cacheprovider", *(arguments or PLACES)], plugins=[survey])
    survey.show()
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
