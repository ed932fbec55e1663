"""Services as a cluster runs them: each a guarded process of its own, told nothing but what it cannot do without."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import asyncpg
import httpx

from libs.embedded.home import Home, Runtime, ServiceRuntime
from libs.embedded.postgres import EmbeddedPostgres
from tests.faults.deadlines import until
from tests.forks import forked
from tests.integration.conftest import START_PATIENCE_S, STOP_PATIENCE_S, System
from tests.integration.guarded import serve_guarded


@dataclass
class GuardedSystem(System):
    """Its log is in Kafka, and its databases are on a server that has no others. `process` stays None."""

    postgres: EmbeddedPostgres = field(kw_only=True)
    processes: dict[str, ForkServerProcess] = field(default_factory=dict)

    @property
    def secret(self) -> str:
        return Home.at(self.data).identity_secret().hex()

    @property
    def refused(self) -> Path:
        """What the services tried although they may not."""
        return self.data.parent / "refused"

    @property
    def prefix(self) -> str:
        return self.environment["RAPPORT_PREFIX"]

    @property
    def runtime(self) -> Runtime:
        services = {
            name: ServiceRuntime(port=port, database_url=self.postgres.url(f"{self.prefix}{name}"), pid=0)
            for name, port in self.ports.items()
        }
        bootstrap = self.environment["KAFKA_BOOTSTRAP_SERVERS"]
        return Runtime(pid=0, kafka=bootstrap, prefix=self.prefix, services=services)

    @property
    def env(self) -> dict[str, str]:
        """What an operator has set."""
        urls = {f"RAPPORT_URL_{name.upper()}": url for name, url in self.urls.items()}
        databases = {
            f"DATABASE_URL_{name.upper()}": service.database_url for name, service in self.runtime.services.items()
        }
        operator = {**os.environ, "RAPPORT_DATA": "/nowhere", "RAPPORT_IDENTITY_SECRET": self.secret}
        return {**operator, **urls, **databases, **self.environment}

    def environment_of(self, service: str) -> dict[str, str]:
        """All that a service is told."""
        return {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": self.runtime.services[service].database_url,
            "KAFKA_BOOTSTRAP_SERVERS": self.environment["KAFKA_BOOTSTRAP_SERVERS"],
            "RAPPORT_IDENTITY_SECRET": self.secret,
            "RAPPORT_PREFIX": self.prefix,
            "RAPPORT_PORT": str(self.ports[service]),
        }

    def launch(self, service: str, environment: dict[str, str], refused: Path) -> None:
        assert service not in self.processes, "it runs already"
        self.processes[service] = forked(serve_guarded, service, environment, refused, self.log)
        self.processes[service].start()

    async def begin(self, *services: str) -> None:
        """Returns when they are ready."""
        for service in services:
            self.launch(service, self.environment_of(service), self.refused)
        await asyncio.gather(*(self._ready(service) for service in services))

    async def _ready(self, service: str) -> None:
        await until(lambda: self.is_ready(service), START_PATIENCE_S, f"{service} is ready")

    async def is_ready(self, service: str) -> bool:
        assert self.processes[service].is_alive(), self.log.read_text(errors="replace")
        return (await self.checks(service)).get("state") == {"ok": True, "state": "ready", "reason": "ready"}

    async def checks(self, service: str) -> dict[str, dict[str, object]]:
        """What `/readyz` looked at; nothing before the service listens."""
        async with httpx.AsyncClient(trust_env=False) as client:
            try:
                answer = await client.get(f"{self.urls[service]}/readyz")
            except httpx.TransportError:
                return {}
        found: dict[str, dict[str, object]] = answer.json()["checks"]
        return found

    def end(self, *services: str) -> None:
        """In order, at a supervisor's wish."""
        for service in services:
            self.processes[service].terminate()
        for service in services:
            process = self.processes.pop(service)
            process.join(STOP_PATIENCE_S)
            assert process.exitcode == 0, self.log.read_text(errors="replace")

    def kill(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.join()

    async def databases(self) -> set[str]:
        """All that the server has, beside its own."""
        async with self.administrator() as admin:
            rows = await admin.fetch(
                "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'"
            )
        return {row["datname"] for row in rows}

    async def empty(self, services: Iterable[str]) -> None:
        """Services that are stopped lose their databases and get new ones."""
        async with self.administrator() as admin:
            for service in services:
                await admin.execute(f'DROP DATABASE "{self.prefix}{service}"')
                await admin.execute(f'CREATE DATABASE "{self.prefix}{service}"')

    @asynccontextmanager
    async def administrator(self) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
        connection = await asyncpg.connect(self.postgres.url("postgres"))
        try:
            yield connection
        finally:
            await connection.close()
