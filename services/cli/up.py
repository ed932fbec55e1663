"""`rapport up`: PostgreSQL and every service on this machine, in the foreground."""

import asyncio
import os
import socket
from functools import partial

import httpx
from rich.console import Console
from rich.table import Table

from libs.embedded.errors import AlreadyRunning, EmbeddedError
from libs.embedded.home import Home, Runtime, ServiceRuntime
from libs.embedded.postgres import EmbeddedPostgres
from libs.embedded.supervisor import Child, Supervisor
from libs.events.identifiers import Nodes
from libs.events.log import LogError
from libs.events.log_created import ensure_topics
from libs.events.postgres_log.adapter import open_postgres_log
from libs.service.logs import configure
from libs.service.serving import serve
from libs.service.settings import Settings
from services.cli.errors import Failure, settings_or_failure
from services.cli.services import SERVICES, ServiceEntry, log_database

READY_TIMEOUT_S = 1.0

console = Console()


def up() -> None:
    """Start everything, say where it listens, and stay until Ctrl-C. Raises Failure."""
    settings = settings_or_failure()
    configure("rapport", settings.log_level, settings.log_format)
    try:
        home = Home.at(settings.data)
        with home.lock(), EmbeddedPostgres(home) as postgres:
            _require_free_ports(settings.host)
            postgres.ensure_databases([log_database(), *(entry.database for entry in SERVICES.values())])
            asyncio.run(_ensure_topics(postgres.url(log_database()), home))
            _supervise(home, postgres, settings)
    except AlreadyRunning as reason:
        raise Failure(f"{reason}; `rapport status` shows it") from None
    except (EmbeddedError, LogError) as reason:
        raise Failure(str(reason)) from None


def _supervise(home: Home, postgres: EmbeddedPostgres, settings: Settings) -> None:
    client = httpx.Client(timeout=READY_TIMEOUT_S, trust_env=False, verify=False)  # noqa: S501  loopback, no TLS
    children = [
        Child(entry.name, partial(_serve, entry, home, postgres), partial(_is_ready, client, entry, settings.host))
        for entry in SERVICES.values()
    ]
    for entry in SERVICES.values():
        entry.app()
    supervisor = Supervisor(children, watched=[postgres])

    def note() -> None:
        _write_runtime(home, postgres, supervisor)

    def announce() -> None:
        note()
        _announce(home, settings.host)

    supervisor.run(announce, note)
    console.print("Stopped; everything is kept for the next start.")


def _serve(entry: ServiceEntry, home: Home, postgres: EmbeddedPostgres) -> None:
    os.environ.update(
        RAPPORT_PORT=str(entry.port),
        RAPPORT_LOG_URL=postgres.url(log_database()),
        DATABASE_URL=postgres.url(entry.database),
        RAPPORT_IDENTITY_SECRET=home.identity_secret().hex(),
    )
    os.environ.setdefault("RAPPORT_INSTANCE", f"embedded-{entry.name}")
    raise SystemExit(serve(entry.app(), entry.port))


def _is_ready(client: httpx.Client, entry: ServiceEntry, host: str) -> bool:
    try:
        return client.get(f"http://{host}:{entry.port}/readyz").status_code == 200
    except httpx.HTTPError:
        return False


async def _ensure_topics(url: str, home: Home) -> None:
    async with open_postgres_log(url) as log:
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


def _write_runtime(home: Home, postgres: EmbeddedPostgres, supervisor: Supervisor) -> None:
    pids = supervisor.pids()
    services = {
        entry.name: ServiceRuntime(
            port=entry.port, database_url=postgres.url(entry.database), pid=pids.get(entry.name, 0)
        )
        for entry in SERVICES.values()
    }
    home.write_runtime(Runtime(pid=os.getpid(), log_url=postgres.url(log_database()), services=services))


def _announce(home: Home, host: str) -> None:
    table = Table("service", "listens on", "", title="Rapport is ready", title_justify="left", title_style="bold")
    for entry in SERVICES.values():
        address = f"http://{host}:{entry.port}"
        table.add_row(entry.name, address, f"{address}/docs")
    table.add_row("data", str(home.path), "log and databases")
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
