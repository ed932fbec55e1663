import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Self

import psutil
import pytest

from libs.embedded.supervisor import BACKOFF_MAX_S, STABLE_AFTER_S, Backoff
from libs.embedded.tests.processes import all_ended

ROOT = Path(__file__).parents[3]
DEADLINE_S = 10


class Program:
    """A supervisor in a process of its own, and what it has printed."""

    def __init__(self, *arguments: str | Path) -> None:
        command = (sys.executable, "-m", "libs.embedded.tests.supervised", *arguments)
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert self._process.stdout is not None
        self._output = self._process.stdout
        self.pid = self._process.pid
        self.text = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._output.close()

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def code(self) -> int:
        return self._process.wait(DEADLINE_S)

    def until(self, pattern: str, times: int = 1) -> list[re.Match[str]]:
        """The matches, as soon as there are so many."""
        deadline = monotonic() + DEADLINE_S
        while len(found := list(re.finditer(pattern, self.text))) < times:
            chunk = b""
            if select.select([self._output], [], [], max(0.0, deadline - monotonic()))[0]:
                chunk = os.read(self._output.fileno(), 65536)
            assert chunk, f"no {times} times {pattern!r} in:\n{self.text}"
            self.text += chunk.decode()
        return found

    def child(self, name: str, times: int = 1) -> psutil.Process:
        return psutil.Process(int(self.until(rf"{name} running (\d+)", times)[-1][1]))


@pytest.fixture
def steady() -> Iterator[Program]:
    with Program("steady") as program:
        program.until("ready\n")
        yield program


def test_each_child_has_a_session_of_its_own(steady: Program) -> None:
    found = steady.until(r"(alpha|beta) running (\d+) (\d+)\n", times=2)
    assert {match[1] for match in found} == {"alpha", "beta"}
    assert all(match[2] == match[3] for match in found)
    assert steady.text.count("ready\n") == 1


def test_a_killed_child_is_started_again(steady: Program) -> None:
    first = steady.child("alpha")
    first.kill()
    again = steady.child("alpha", times=2)
    assert again.pid != first.pid
    beta = steady.child("beta")
    steady.until(f"changed: {{'alpha': {again.pid}, 'beta': {beta.pid}}}\n")
    steady.until("child_ended .*child=alpha code=-9 .*next_in_s=0.2")
    assert steady.text.count("beta running") == steady.text.count("ready\n") == 1


def test_a_child_that_crashes_at_once_is_started_ever_more_slowly() -> None:
    with Program("crashing") as program:
        program.until("crashing running", times=3)
        assert [match[1] for match in program.until(r"next_in_s=(\S+)", times=2)] == ["0.2", "0.4"]
        program.until("ValueError: told so")
        program.signal(signal.SIGTERM)
        assert program.code() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_everything(steady: Program, number: signal.Signals) -> None:
    children = steady.child("alpha"), steady.child("beta")
    began = monotonic()
    steady.signal(number)
    steady.until("stopped\n")
    assert steady.code() == 0
    assert monotonic() - began < 2
    assert all_ended(children, within_s=0)


def test_under_nohup_the_end_of_the_terminal_ends_nothing() -> None:
    with Program("nohup") as program:
        program.until("ready\n")
        program.signal(signal.SIGHUP)
        program.child("alpha").kill()
        program.child("alpha", times=2)
        assert "stopped" not in program.text
        program.signal(signal.SIGTERM)
        program.until("stopped\n")
        assert program.code() == 0


def test_a_child_that_does_not_stop_is_killed_in_time() -> None:
    with Program("stubborn", "1") as program:
        program.until("ready\n")
        stubborn = program.child("beta")
        began = monotonic()
        program.signal(signal.SIGTERM)
        assert program.code() == 0
        assert 1 <= monotonic() - began < 2
        assert all_ended([stubborn], within_s=0)
        program.until(r"children_killed .*children=\['beta'\]")


def test_a_second_interrupt_kills_at_once() -> None:
    with Program("stubborn", "4") as program:
        program.until("ready\n")
        children = program.child("alpha"), program.child("beta")
        began = monotonic()
        program.signal(signal.SIGINT)
        assert all_ended([children[0]])
        program.signal(signal.SIGINT)
        assert program.code() == 0
        assert monotonic() - began < 3
        assert all_ended(children, within_s=0)


def test_a_child_that_refuses_to_run_stops_the_system_with_its_reason() -> None:
    with Program("refusing") as program:
        assert "log_replaced" in program.until("refused: broken refuses to run: (.*)\n")[0][1]
        assert program.code() == 78
        assert program.text.count("child=broken") == 2  # started and ended once


def test_children_die_with_a_supervisor_that_is_killed(steady: Program) -> None:
    children = steady.child("alpha"), steady.child("beta")
    steady.signal(signal.SIGKILL)
    assert all_ended(children)


def test_an_idle_supervisor_sleeps(steady: Program) -> None:
    before = psutil.Process(steady.pid).cpu_times()
    steady.child("alpha").kill()
    steady.child("alpha", times=2)
    after = psutil.Process(steady.pid).cpu_times()
    assert after.user + after.system - before.user - before.system < 0.1


def test_a_killed_postgres_is_started_again_within_a_second(tmp_path: Path) -> None:
    with Program("postgres", tmp_path / "home") as program:
        server = psutil.Process(int(program.until(r"postgres (\d+)\n")[0][1]))
        program.until("ready\n")
        began = monotonic()
        server.kill()
        again = psutil.Process(int(program.until(r"postgres_started .*pid=(\d+)", times=2)[-1][1]))
        assert monotonic() - began < 1
        program.signal(signal.SIGINT)
        assert program.code() == 0
        assert all_ended([server, again], within_s=0)
    assert "watched_died" in program.text


def test_delays_double_up_to_a_limit_and_begin_again_after_a_stable_time() -> None:
    backoff = Backoff()
    backoff.start()
    assert [backoff.end() for _ in range(6)] == [0.2, 0.4, 0.8, 1.6, BACKOFF_MAX_S, BACKOFF_MAX_S]
    backoff.started_s -= STABLE_AFTER_S
    assert backoff.end() == 0.2
