"""One process that forks the services, keeps them running and ends with all of them.

Signals arrive through a pipe, so the one loop sleeps in `select` until something happens or is due.
"""

import os
import select
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import structlog

from libs.embedded.child import REFUSES_TO_RUN, STOP_SIGNALS, SUPERVISED_SIGNALS, Child, exit_code, fork, freeze
from libs.embedded.errors import ChildRefused, EmbeddedError
from libs.events.clock import monotonic_s

__all__ = ["Child", "Supervisor", "Watched"]

log = structlog.get_logger(__name__)

BACKOFF_FIRST_S = 0.2
BACKOFF_MAX_S = 2.0  # a service that is killed again and again is still back within the 5 s that it has
STABLE_AFTER_S = 30.0
STOP_PATIENCE_S = 4.0  # of the 5 s that a stop may take; the rest is PostgreSQL's
READY_POLL_S = 0.03
WATCH_POLL_S = 0.5  # a dead child of ours rings at once; this is for what is not our child


class Watched(Protocol):
    """What runs beside the children and is started again when it dies, such as EmbeddedPostgres."""

    def alive(self) -> bool: ...

    def revive(self) -> None:
        """Does not wait until it is ready; an EmbeddedError is logged, and it is tried again."""


@dataclass(slots=True)
class Backoff:
    """When the next start is due: doubling delays, from the first again after a stable time."""

    started_s: float = 0.0
    delay_s: float = BACKOFF_FIRST_S
    due_s: float = 0.0

    def start(self) -> None:
        self.started_s = monotonic_s()

    def end(self) -> float:
        now_s = monotonic_s()
        if now_s - self.started_s >= STABLE_AFTER_S:
            self.delay_s = BACKOFF_FIRST_S
        delay_s, self.delay_s = self.delay_s, min(self.delay_s * 2, BACKOFF_MAX_S)
        self.due_s = now_s + delay_s
        return delay_s


@dataclass(slots=True)
class Running:
    child: Child
    pid: int = 0  # 0 while it waits for its next start
    last_words: int = -1
    ready: bool = False
    backoff: Backoff = field(default_factory=Backoff)


class Supervisor:
    """Forks from the main thread of a process without other threads."""

    def __init__(self, children: Sequence[Child], watched: Sequence[Watched] = ()) -> None:
        self._running = [Running(child) for child in children]
        self._watched = [(each, Backoff(started_s=monotonic_s())) for each in watched]
        self._files: tuple[int, ...] = ()
        self._reader = -1

    def pids(self) -> dict[str, int]:
        return {each.child.name: each.pid for each in self._running if each.pid}

    def run(self, on_ready: Callable[[], None], on_restart: Callable[[], None] | None = None) -> None:
        """Returns after SIGINT or SIGTERM, with every child gone; raises ChildRefused likewise.

        `on_ready` is called once, when every child has been ready; `on_restart` whenever `pids` has changed since.
        """
        freeze()
        with self._signals():
            try:
                self._serve(on_ready, on_restart)
            finally:
                self._stop()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        unheard = {signal.SIGHUP} if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN else set()  # nohup
        previous = {number: signal.signal(number, _ring) for number in SUPERVISED_SIGNALS if number not in unheard}
        previous_fd = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        self._reader, self._files = reader, (reader, writer)
        try:
            yield
        finally:
            signal.set_wakeup_fd(previous_fd)
            for number, handler in previous.items():
                signal.signal(number, handler)
            os.close(reader)
            os.close(writer)

    def _serve(self, on_ready: Callable[[], None], on_restart: Callable[[], None] | None) -> None:
        announced = False
        while True:
            self._reap()
            if self._start_due() and announced and on_restart:
                on_restart()
            self._revive_watched()
            if not announced and self._all_ready():
                announced = True
                on_ready()
            if set(STOP_SIGNALS) & self._wait(self._sleep_s(announced)):
                return

    def _sleep_s(self, announced: bool) -> float | None:
        due_s = [each.backoff.due_s for each in self._running if not each.pid]
        sleeps_s = [max(0.0, due - monotonic_s()) for due in due_s]
        if not announced:
            sleeps_s.append(READY_POLL_S)
        if self._watched:
            sleeps_s.append(WATCH_POLL_S)
        return min(sleeps_s, default=None)

    def _wait(self, timeout_s: float | None) -> set[int]:
        """The signals that came, if any."""
        select.select([self._reader], [], [], timeout_s)
        with suppress(BlockingIOError):
            return set(os.read(self._reader, 512))
        return set()

    def _start_due(self) -> bool:
        due = [each for each in self._running if not each.pid and monotonic_s() >= each.backoff.due_s]
        for each in due:
            readers = [other.last_words for other in self._running if other.pid]
            each.pid, each.last_words = fork(partial(_life, each.child), (*self._files, *readers))
            each.backoff.start()
            log.info("child_started", child=each.child.name, pid=each.pid)
        return bool(due)

    def _reap(self) -> None:
        for each in self._running:
            if (code := _ended_with(each)) is None:
                continue
            reason = _last_words(each)
            log.warning("child_ended", child=each.child.name, pid=each.pid, code=code, next_in_s=self._ended(each))
            if code == REFUSES_TO_RUN:
                raise ChildRefused(each.child.name, reason or "see its log")

    def _ended(self, each: Running) -> float:
        os.close(each.last_words)
        each.pid = 0
        return each.backoff.end()

    def _revive_watched(self) -> None:
        for watched, backoff in self._watched:
            if watched.alive() or monotonic_s() < backoff.due_s:
                continue
            log.warning("watched_died", watched=type(watched).__name__)
            try:
                watched.revive()
            except EmbeddedError as error:
                log.error("watched_not_revived", watched=type(watched).__name__, reason=str(error))  # noqa: TRY400
            backoff.end()
            backoff.start()

    def _all_ready(self) -> bool:
        for each in self._running:
            if each.pid and not each.ready:
                each.ready = each.child.ready is None or each.child.ready()
        return all(each.ready for each in self._running)

    def _stop(self) -> None:
        """SIGTERM, then SIGKILL when the patience is over or a second Ctrl-C comes."""
        self._signal(signal.SIGTERM)
        deadline = monotonic_s() + STOP_PATIENCE_S
        while self._any_left():
            signals = self._wait(max(0.0, deadline - monotonic_s()))
            if signal.SIGINT in signals or monotonic_s() >= deadline:
                log.warning("children_killed", children=sorted(self.pids()))
                self._signal(signal.SIGKILL)
                self._await_all()
        log.info("children_gone")

    def _signal(self, number: signal.Signals) -> None:
        for pid in self.pids().values():
            os.kill(pid, number)

    def _any_left(self) -> bool:
        for each in self._running:
            if _ended_with(each) is not None:
                self._ended(each)
        return bool(self.pids())

    def _await_all(self) -> None:
        for each in self._running:
            if each.pid:
                os.waitpid(each.pid, 0)
                self._ended(each)


def _life(child: Child) -> int:
    try:
        child.run()
    except SystemExit as exit_:
        return exit_code(exit_)
    except BaseException:
        log.exception("child_crashed", child=child.name)
        return 1
    return 0


def _ended_with(each: Running) -> int | None:
    """None while it runs; the negative number of the signal that killed it."""
    if not each.pid:
        return None
    pid, status = os.waitpid(each.pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if pid else None


def _last_words(each: Running) -> str:
    with suppress(BlockingIOError):
        return os.read(each.last_words, 8192).decode(errors="replace")
    return ""


def _ring(_number: int, _frame: object) -> None:
    """The signal's number is in the pipe already."""
