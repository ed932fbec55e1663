"""A service with one route more, which the product has not: a constant answer of any size.

It is what pages are held against: the same process, the same server, no query and nothing to join.
"""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from benchmarks.system import answers, environment, stop
from libs.embedded.child import freeze
from libs.embedded.ports import free_ports
from libs.service.serving import serve
from libs.service.shell import Receive, Scope, Send, send_body

PATH = "/constant"
FOLD_TIMEOUT_S = 600
POLL_S = 0.1


class PageServer(NamedTuple):
    """Where it listens, its process, and how long it took until everything was folded."""

    port: int
    pid: int
    folded_s: float


@contextmanager
def serving(service: str, folder: Path, settings: Mapping[str, str]) -> Iterator[PageServer]:
    """One of a service, once it has folded everything."""
    (port,), began_s = free_ports(1), time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.page_server", service],
        env=environment(folder, {**settings, "RAPPORT_PORT": str(port)}),
        stdin=subprocess.DEVNULL,
    )
    try:
        while not answers(port, "/readyz"):
            if process.poll() is not None or time.monotonic() > began_s + FOLD_TIMEOUT_S:
                raise RuntimeError("the page server did not become ready")
            time.sleep(POLL_S)
        yield PageServer(port, process.pid, time.monotonic() - began_s)
    finally:
        stop(process)


async def constant(scope: Scope, _receive: Receive, send: Send) -> None:
    """As many bytes as the query says."""
    await send_body(send, 200, _page(scope["query_string"]), b"application/json")


@cache
def _page(query: bytes) -> bytes:
    return b" " * int(query)


def main(service: str) -> int:
    wiring = import_module(f"services.{service}.wiring")
    wiring.app.hot = {**wiring.app.hot, ("GET", PATH): constant}
    freeze()
    return serve(wiring.app, wiring.PORT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
