"""Serves one app in this process until it is told to stop."""

import asyncio
import signal
import sys

import uvicorn
from pydantic import ValidationError

from libs.service.faults import faults_of
from libs.service.runtime import EXIT_REFUSED, State
from libs.service.settings import Settings
from libs.service.shell import Shell

SHUTDOWN_S = 3  # requests under way may finish; Ctrl-C promises an end within 5 s
BACKLOG = 1_024
EXIT_CODES = {State.REFUSED: EXIT_REFUSED, State.DIED: 1}


def serve(app: Shell, default_port: int) -> int:
    """The exit code: 0 after an orderly end, 1 after an unforeseen one, 78 where starting again would not help."""
    try:
        settings = Settings()
    except ValidationError as reason:
        sys.stderr.writelines(f"rapport: {fault}\n" for fault in faults_of(reason, "RAPPORT"))
        return EXIT_REFUSED
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=default_port if settings.port is None else settings.port,
        loop="uvloop",
        http="httptools",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        date_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )
    server = uvicorn.Server(config)

    def end() -> None:
        server.should_exit = True

    app.service.end_process = end
    # uvicorn has handlers of its own while it serves, and hands the signal on when it has ended: to these, so that an
    # orderly end is no death by a signal.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: end())
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(server.serve())
    return EXIT_CODES.get(app.service.state, 0)
