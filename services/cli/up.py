"""`rapport up`: PostgreSQL and every service on this machine, in the foreground."""

import asyncio
import os
import socket
from dataclasses import dataclass
from functools import partial

import httpx
from rich.console import Console
from rich.table import Table

from libs.embedded.errors import AlreadyRunning, EmbeddedError
from libs.embedded.home import Home, Runtime, ServiceRuntime
from libs.embedded.ports import HOST
from libs.embedded.postgres import EmbeddedPostgres
from libs.embedded.supervisor import Child, Supervisor
from libs.events.identifiers import Nodes
from libs.events.log import LogError, LogForbidden, LogUnavailable
from libs.events.log_created import ensure_topics
from libs.events.opening import LogPlace, open_log
from libs.service.logs import configure
from libs.service.serving import serve
from libs.service.settings import Settings
from services.cli.errors import Failure, kafka_or_failure, settings_or_failure
from services.cli.services import SERVICES, ServiceEntry, log_database

READY_TIMEOUT_S = 1.0

console = Console()


def up() -> None:
    """Start everything, say where it listens, and stay until Ctrl-C. Raises Failure."""
    settings = settings_or_failure()
    kafka = kafka_or_failure().bootstrap_servers
    configure("rapport", settings.log_level, settings.log_format)
    try:
        home = Home.at(settings.data)
        with home.lock(), EmbeddedPostgres(home) as postgres:
            _require_free_ports(settings.host)
            log = _log(postgres, settings, kafka)
            postgres.ensure_databases(log.databases)
            asyncio.run(_ensure_topics(log.place, home))
            _supervise(home, postgres, log, settings)
    except AlreadyRunning as reason:
        raise Failure(f"{reason}; `rapport status` shows it") from None
    except (EmbeddedError, LogError) as reason:
        raise Failure(f"{reason}{_hint(reason, kafka)}") from None


def _hint(reason: Exception, kafka: str | None) -> str:
    """For whoever has not started a broker yet."""
    is_away = isinstance(reason, LogUnavailable) and not isinstance(reason, LogForbidden)
    is_here = kafka is not None and kafka.startswith((f"{HOST}:", "localhost:"))
    return "; `rapport kafka` starts one here" if is_away and is_here else ""


@dataclass(frozen=True, slots=True)
class Log:
    """The log of this system: in its own PostgreSQL, or in the Kafka that the environment names."""

    place: LogPlace
    url: str | None = None
    kafka: str | None = None

    @property
    def databases(self) -> list[str]:
        own = [] if self.url is None else [log_database()]
        return [*own, *(self.database_of(entry) for entry in SERVICES.values())]

    def database_of(self, entry: ServiceEntry) -> str:
        """What is folded from one log is not of another: a folder that has known both keeps them apart."""
        return entry.database if self.kafka is None else f"{entry.database}_kafka"

    @property
    def variables(self) -> dict[str, str]:
        """What services must be told; who Kafka is they read from the same environment."""
        return {} if self.url is None else {"RAPPORT_LOG_URL": self.url}


def _log(postgres: EmbeddedPostgres, settings: Settings, kafka: str | None) -> Log:
    if kafka:
        return Log(settings.log_place(), kafka=kafka)
    url = postgres.url(log_database())
    return Log(url, url=url)


def _supervise(home: Home, postgres: EmbeddedPostgres, log: Log, settings: Settings) -> None:
    client = httpx.Client(timeout=READY_TIMEOUT_S, trust_env=False, verify=False)  # noqa: S501  loopback, no TLS
    children = [
        Child(entry.name, partial(_serve, entry, home, postgres, log), partial(_is_ready, client, entry, settings.host))
        for entry in SERVICES.values()
    ]
    for entry in SERVICES.values():
        entry.app()
    supervisor = Supervisor(children, watched=[postgres])

    def note() -> None:
        _write_runtime(home, postgres, log, settings, supervisor)

    def announce() -> None:
        note()
        _announce(home, log, settings.host)

    supervisor.run(announce, note)
    console.print("Stopped; everything is kept for the next start.")


def _serve(entry: ServiceEntry, home: Home, postgres: EmbeddedPostgres, log: Log) -> None:
    os.environ.update(
        log.variables,
        RAPPORT_PORT=str(entry.port),
        DATABASE_URL=postgres.url(log.database_of(entry)),
        RAPPORT_IDENTITY_SECRET=home.identity_secret().hex(),
    )
    os.environ.setdefault("RAPPORT_INSTANCE", f"embedded-{entry.name}")
    raise SystemExit(serve(entry.app(), entry.port))


def _is_ready(client: httpx.Client, entry: ServiceEntry, host: str) -> bool:
    try:
        return client.get(f"http://{host}:{entry.port}/readyz").status_code == 200
    except httpx.HTTPError:
        return False


async def _ensure_topics(place: LogPlace, home: Home) -> None:
    async with open_log(place) as log:
        await ensure_topics(log, Nodes(home.identity_secret()).check_value())


def _require_free_ports(host: str) -> None:
    for entry in SERVICES.values():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, entry.port))
            except OSError as reason:
                variable = f"RAPPORT_PORT_{entry.name.upper()}"
                why = f"{entry.name} cannot listen on {host}:{entry.port} ({reason.strerror})"
                raise Failure(f"{why}; {variable} sets another port") from None


def _write_runtime(
    home: Home, postgres: EmbeddedPostgres, log: Log, settings: Settings, supervisor: Supervisor
) -> None:  # fmt: skip
    pids = supervisor.pids()
    services = {
        entry.name: ServiceRuntime(
            port=entry.port, database_url=postgres.url(log.database_of(entry)), pid=pids.get(entry.name, 0)
        )
        for entry in SERVICES.values()
    }
    home.write_runtime(
        Runtime(pid=os.getpid(), log_url=log.url, kafka=log.kafka, prefix=settings.prefix, services=services)
    )


def _announce(home: Home, log: Log, host: str) -> None:
    table = Table("service", "listens on", "", title="Rapport is ready", title_justify="left", title_style="bold")
    for entry in SERVICES.values():
        address = f"http://{host}:{entry.port}"
        table.add_row(entry.name, address, f"{address}/docs")
    table.add_row("data", str(home.path), "databases" if log.kafka else "log and databases")
    if log.kafka:
        table.add_row("log", log.kafka, "Apache Kafka")
    console.print(table)
    port = SERVICES["interactions"].port
    console.print("Post an event as another system would:\n", highlight=False)
    event = (
        '{"specversion":"1.0","id":"order-1","source":"urn:shop","type":"rapport.interactions.purchase.recorded.v1",'
        '"subject":"crm:4711","data":{"amount_minor":1230,"currency":"GBP","order":"1"}}'
    )
    console.print(
        f"  curl -H 'content-type: application/cloudevents+json' http://{host}:{port}/v1/events -d '{event}'",
        highlight=False, soft_wrap=True, markup=False,
    )  # fmt: skip
    console.print(
        f"  curl http://{host}:{SERVICES['timeline'].port}/v1/timeline/crm:4711", highlight=False, markup=False
    )
    console.print("\nCtrl-C stops everything.")
