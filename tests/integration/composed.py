"""What docker-compose.yml says, and its services without an engine: their own commands, environments and health checks.

Only names are changed: where the broker, the PostgreSQL and the services listen, and where the secret lies.
"""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from multiprocessing.connection import Client, Listener
from pathlib import Path
from threading import Thread
from typing import Any, Final, cast
from urllib.parse import urlsplit

import asyncpg
import yaml

from libs.embedded.ports import free_ports
from libs.events.clock import monotonic_s
from tests.integration.conftest import RAPPORT
from tests.integration.providers import Broker, PostgresServer

ROOT: Final = Path(__file__).parents[2]
FILE: Final = ROOT / "docker-compose.yml"
# `${NAME:-default}`, the one form that needs nothing to be set.
VARIABLE: Final = re.compile(r"\$\{(\w+):-([^}]*)\}")
SERVERS: Final = ("kafka", "postgres")
HEALTHY_WITHIN_S, END_WITHIN_S, JOB_WITHIN_S = 60.0, 10.0, 90.0

_LOOK_S = 0.2
# A command like `docker compose`, for scripts: what it is given is done by the test's process, which says how it went.
_ASK = """
import sys
from multiprocessing.connection import Client
with Client(("127.0.0.1", int(sys.argv[1]))) as asking:
    asking.send(sys.argv[2:])
    code, said = asking.recv()
print(said, end="")
sys.exit(code)
"""

Service = dict[str, Any]


def services() -> dict[str, Service]:
    """Of a clean clone, where no variable is set."""
    found: dict[str, Service] = yaml.safe_load(VARIABLE.sub(r"\2", FILE.read_text()))["services"]
    return found


def listening() -> list[str]:
    """Our services, as other systems see them."""
    return [name for name, service in services().items() if "ports" in service]


class Failed(Exception):
    """A job or a service did not do what it is there for; the text is its output."""


@dataclass
class Composed:
    """The services of the file. All they make lies in `folder` and behind a prefix, and what they say in `folder`."""

    kafka: Broker
    postgres: PostgresServer
    folder: Path
    prefix: str
    services: dict[str, Service] = field(default_factory=services)
    ports: dict[str, int] = field(init=False)
    _running: "dict[str, subprocess.Popen[bytes]]" = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ports = dict(zip(names := listening(), free_ports(len(names)), strict=True))

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def log(self, name: str) -> str:
        file = self.folder / f"{name}.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def environment(self, name: str) -> dict[str, str]:
        """Its own, with the names that hold on this machine."""
        own = {variable: self._here(value) for variable, value in self.services[name]["environment"].items()}
        if "RAPPORT_PORT" in own:
            own["RAPPORT_PORT"] = str(self.ports[name])
        return {"PATH": os.environ["PATH"], "COLUMNS": "200", "RAPPORT_PREFIX": self.prefix, **own}

    def _here(self, value: str) -> str:
        match urlsplit(value):
            case ("postgresql", "rapport:rapport@postgres:5432", path, _, _):
                return self.postgres.url(f"composed_{path.removeprefix('/')}")
            case ("http", address, _, _, _):
                return self.url(address.partition(":")[0])
        return value.replace("kafka:9092", self.kafka.bootstrap).replace("/var/lib/rapport", str(self.folder))

    def up(self) -> None:
        """What `up --wait` does: jobs to their end, services until they are healthy. Raises Failed."""
        waits_for = {name: set(service.get("depends_on", {})) for name, service in self.services.items()}
        for name in TopologicalSorter(waits_for).static_order():
            if name in self.ports:
                self._start(name)
            elif name not in SERVERS and "profiles" not in self.services[name]:
                self.run(name)
        for name in self.ports:
            self._until_healthy(name)

    def run(self, name: str, *arguments: str) -> str:
        """A job, with its own arguments or others; what it printed. Raises Failed."""
        done = subprocess.run(
            [RAPPORT, *(arguments or self.services[name]["command"])],
            env=self.environment(name),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=JOB_WITHIN_S,
        )
        if done.returncode != 0:
            raise Failed(f"{name} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def stop(self, *names: str) -> None:
        for name in names or tuple(self._running):
            if process := self._running.pop(name, None):
                process.terminate()
                # uvicorn hands the signal on when all is in order.
                if process.wait(END_WITHIN_S) not in {0, -signal.SIGTERM}:
                    raise Failed(f"{name} ended with {process.returncode}:\n{self.log(name)}")

    def drop(self, database: str) -> None:
        url = self.postgres.url(f"composed_{database}")
        asyncio.run(_drop(self.postgres.url("postgres"), urlsplit(url).path.removeprefix("/")))

    def _start(self, name: str) -> None:
        if name not in self._running:
            with (self.folder / f"{name}.log").open("ab") as log:
                self._running[name] = subprocess.Popen(
                    [RAPPORT, *self.services[name]["command"]],
                    env=self.environment(name),
                    cwd=self.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )

    def _until_healthy(self, name: str) -> None:
        """By its own check, from where the image has it."""
        how, program, *rest = self.services[name]["healthcheck"]["test"]
        assert (how, program) == ("CMD", "python")
        deadline_s = monotonic_s() + HEALTHY_WITHIN_S
        answer = ""
        while monotonic_s() < deadline_s:
            asked = subprocess.run(
                [sys.executable, *rest],
                env=self.environment(name),
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
            if asked.returncode == 0:
                return
            answer = asked.stdout
            try:
                code = self._running[name].wait(_LOOK_S)
            except subprocess.TimeoutExpired:
                continue
            raise Failed(f"{name} ended with {code}:\n{self.log(name)}")
        raise Failed(f"{name} is not healthy: {answer}\n{self.log(name)}")

    @contextmanager
    def command(self) -> Iterator[list[str]]:
        """A command that takes some of what `docker compose` takes, and does it here."""
        with Listener(("127.0.0.1", 0)) as listener:
            Thread(target=self._answer, args=(listener,), daemon=True).start()
            address = cast("tuple[str, int]", listener.address)
            yield [sys.executable, "-c", _ASK, str(address[1])]
            with Client(address) as asking:
                asking.send([])

    def _answer(self, listener: Listener) -> None:
        while True:
            with listener.accept() as asked:
                if not (arguments := asked.recv()):
                    return
                try:
                    asked.send((0, self._do(arguments)))
                except Failed as reason:
                    asked.send((1, str(reason)))

    def _do(self, arguments: Sequence[str]) -> str:
        said = ""
        match arguments:
            case ["up", "--wait"]:
                self.up()
            case ["stop", *names]:
                self.stop(*names)
            case ["run", "--rm", name, *others]:
                said = self.run(name, *others)
            case ["exec", "-T", "postgres", "dropdb", "--username=rapport", "--force", database]:
                self.drop(database)
            case _:
                raise Failed(f"compose is not known to take {arguments}")
        return said


async def _drop(admin_url: str, database: str) -> None:
    admin = await asyncpg.connect(admin_url)
    await admin.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
    await admin.close()
