"""Service processes that a test starts, lets die and starts again: what runs in them is `rapport serve SERVICE`."""

import os
import sys
from collections.abc import Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import httpx

from libs.service.runtime import EXIT_REFUSED
from tests.faults.deadlines import until
from tests.forks import forked, start_over

READY_WITHIN_S = 20.0  # of a test's own starts; where the time to ready is the fault's goal the test says so
ENDS_WITHIN_S = 20.0


def serve_in_child(service: str, environment: Mapping[str, str], log: str) -> None:
    """The forked child: settings that are read at import are read again."""
    start_over({**os.environ, **environment}, os.devnull, log, log)
    from libs.events import clock, failpoints
    from libs.service.garbage import collect_seldom
    from libs.service.serving import serve
    from services.cli import services

    failpoints._left = failpoints._read(os.environ.get("RAPPORT_FAILPOINTS", ""))
    clock.OFFSET_MS = int(os.environ.get("RAPPORT_CLOCK_OFFSET_MS") or 0)
    entry = services.SERVICES[service]
    collect_seldom()
    sys.exit(serve(entry.app(), entry.port))


class ServiceProcess:
    """One service on a port of its own; `log` has all that it and its successors said."""

    def __init__(self, service: str, port: int, environment: Mapping[str, str], log: Path) -> None:
        self.service = service
        self.url = f"http://127.0.0.1:{port}"
        self.log = log
        self._environment = {**environment, "RAPPORT_PORT": str(port), "RAPPORT_INSTANCE": f"{service}-{port}"}
        self._process: ForkServerProcess | None = None

    def start(self, **environment: str) -> None:
        """With settings for this life only; does not wait until it is ready."""
        assert self._process is None or not self._process.is_alive()
        given = {**self._environment, **environment}
        self._process = forked(serve_in_child, self.service, given, str(self.log))
        self._process.start()

    def client(self) -> httpx.AsyncClient:
        """Loads no certificates, which would take longer than the request."""
        return httpx.AsyncClient(base_url=self.url, trust_env=False, verify=False)

    @property
    def pid(self) -> int:
        assert self._process
        assert self._process.pid
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.is_alive()

    async def ready(self, within_s: float = READY_WITHIN_S) -> None:
        await until(self.is_ready, within_s, f"{self.service} is ready; it said:\n{self.said}")

    async def is_ready(self) -> bool:
        if not self.alive:
            raise AssertionError(f"{self.service} ended with {self.exit_code}:\n{self.said}")
        return (await self.checks()) == {}

    async def checks(self) -> dict[str, object]:
        """What `/readyz` finds fault with."""
        async with self.client() as client:
            try:
                answer = await client.get("/readyz")
            except httpx.TransportError as reason:
                return {"transport": str(reason)}
        return {name: check for name, check in answer.json()["checks"].items() if not check["ok"]}

    async def ends(self, within_s: float = ENDS_WITHIN_S) -> int:
        """Its exit code, once it has ended by itself; the negative number of the signal that killed it."""
        await until(lambda: not self.alive, within_s, f"{self.service} ends; it said:\n{self.said}")
        assert self.exit_code is not None
        return self.exit_code

    async def refuses(self) -> str:
        """Why it refuses to run."""
        assert await self.ends() == EXIT_REFUSED, self.said
        return self.said

    @property
    def exit_code(self) -> int | None:
        return self._process.exitcode if self._process else None

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")[-3_000:] if self.log.exists() else ""

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()

    async def stop(self) -> None:
        """SIGTERM, as a supervisor would."""
        if self._process is not None and self._process.is_alive():
            self._process.terminate()
            await self.ends()
