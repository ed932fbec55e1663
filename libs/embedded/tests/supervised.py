"""A program under a supervisor, for its tests: `python -m libs.embedded.tests.supervised MODE [PATIENCE | FOLDER]`.

It prints a line for whatever happens: `NAME running PID SESSION`, `ready`, `refused: REASON`, `stopped`.
"""

import os
import signal
import sys
from collections.abc import Callable
from functools import partial

import structlog

from libs.embedded import supervisor
from libs.embedded.child import REFUSES_TO_RUN
from libs.embedded.errors import ChildRefused
from libs.embedded.postgres import EmbeddedPostgres
from libs.embedded.supervisor import Child, Supervisor


def say(*words: object) -> None:
    """In one write, so that lines of several processes do not mix."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def serve(name: str, term: signal.Handlers = signal.SIG_DFL) -> None:
    assert signal.getsignal(signal.SIGINT) == signal.SIG_DFL
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()
    signal.signal(signal.SIGTERM, term)
    say(name, "running", os.getpid(), os.getsid(0))
    while True:
        signal.pause()


def refuse() -> None:
    structlog.get_logger().error("log_replaced", log="another")
    raise SystemExit(REFUSES_TO_RUN)


def crash() -> None:
    say("crashing running", os.getpid(), os.getsid(0))
    raise ValueError("told so")


def supervise(children: dict[str, Callable[[], None]], postgres: EmbeddedPostgres | None = None) -> None:
    asked = iter([False, False, True])
    made = [Child(name, run, partial(next, asked, True)) for name, run in children.items()]
    try:
        supervisor_ = Supervisor(made, [postgres] if postgres else [])
        supervisor_.run(lambda: say("ready"), lambda: say("changed:", supervisor_.pids()))
        say("stopped")
    except ChildRefused as refused:
        say("refused:", refused)
        raise SystemExit(REFUSES_TO_RUN) from None


def main(mode: str, *data: str) -> None:
    alpha = partial(serve, "alpha")
    signal.signal(signal.SIGHUP, signal.SIG_IGN if mode == "nohup" else signal.SIG_DFL)  # whatever the tests run under
    match mode:
        case "steady" | "nohup":
            supervise({"alpha": alpha, "beta": partial(serve, "beta")})
        case "stubborn":
            supervisor.STOP_PATIENCE_S = float(data[0])
            supervise({"alpha": alpha, "beta": partial(serve, "beta", signal.SIG_IGN)})
        case "refusing":
            supervise({"alpha": alpha, "broken": refuse})
        case "crashing":
            supervise({"alpha": alpha, "crashing": crash})
        case "postgres":
            with EmbeddedPostgres(*data) as postgres:
                say("postgres", postgres.pid)
                supervise({"alpha": alpha}, postgres)


if __name__ == "__main__":
    main(*sys.argv[1:])
