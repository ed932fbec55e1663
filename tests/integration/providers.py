"""Where the servers come from that tests use: what the environment names, else a Docker engine, else this machine.

For each server the first that can be had; RAPPORT_TEST_PROVIDER=env, testcontainers or local forces one. A test whose
server cannot be had is skipped with the reason; it fails where one is forced, and in CI.
"""

import asyncio
import os
import re
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Literal, NoReturn, Protocol, Self, cast, get_args
from urllib.parse import urlsplit

import asyncpg
import pytest

from libs.embedded.errors import KafkaUnavailable
from libs.embedded.kafka import EmbeddedKafka
from libs.embedded.kafka_jars import java, kafka_jars
from libs.embedded.kafka_settings import Node
from libs.embedded.postgres import EmbeddedPostgres

Provider = Literal["env", "testcontainers", "local"]
FORCED = "RAPPORT_TEST_PROVIDER"
BOOTSTRAP_SERVERS = "KAFKA_BOOTSTRAP_SERVERS"
DATABASE_URL = "DATABASE_URL"
# conftest.py keeps the three from the tests under these names, which the workers of xdist inherit.
KEPT = "TESTS_{}"
# It asks for the engine's version at once.
ASK_ENGINE = "from testcontainers.core.docker_client import DockerClient; DockerClient(timeout=5)"
PATIENCE_S = 20
# Shared with `rapport kafka` in this checkout: the jars are fetched once.
CACHE = Path(__file__).parents[2] / ".rapport"


class PostgresServer(Protocol):
    """A name stands for one database of this test process, whoever else uses the server."""

    def url(self, database: str) -> str: ...

    def ensure_databases(self, names: Sequence[str]) -> None: ...


@dataclass(frozen=True, slots=True)
class Broker:
    """`embedded` is there where this process started it: such a broker can be killed, frozen and started again."""

    bootstrap: str
    embedded: EmbeddedKafka | None = None


class SharedPostgres:
    """A server that others may use too: databases get a prefix of this process, and are dropped at the end."""

    def __init__(self, admin_url: str) -> None:
        self._admin_url = re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", admin_url)
        self._prefix = f"rapport_test_{secrets.token_hex(4)}_"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._drop())

    def url(self, database: str) -> str:
        """`postgres` stands for the database of the administrator."""
        if database == "postgres":
            return self._admin_url
        return urlsplit(self._admin_url)._replace(path=f"/{self._prefix}{database}").geturl()

    def ensure_databases(self, names: Sequence[str]) -> None:
        self._run(self._create(names))

    async def _create(self, names: Sequence[str]) -> None:
        async with self._admin() as admin:
            there = {row["datname"] for row in await admin.fetch("SELECT datname FROM pg_database")}
            for name in dict.fromkeys(f"{self._prefix}{name}" for name in names):
                if name not in there:
                    await admin.execute(f'CREATE DATABASE "{name}"')

    async def _drop(self) -> None:
        async with self._admin() as admin:
            ours = await admin.fetch("SELECT datname FROM pg_database WHERE starts_with(datname, $1)", self._prefix)
            for row in ours:
                await admin.execute(f'DROP DATABASE "{row["datname"]}" WITH (FORCE)')

    @asynccontextmanager
    async def _admin(self) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
        connection = await asyncpg.connect(self._admin_url)
        try:
            yield connection
        finally:
            await connection.close()

    def _run(self, work: Coroutine[None, None, None]) -> None:
        with ThreadPoolExecutor(1) as other_thread:  # a test may have its loop in this one
            other_thread.submit(asyncio.run, work).result()


def kept(variable: str) -> str | None:
    """What the person who started the tests had set."""
    return os.environ.get(KEPT.format(variable)) or None


def forced() -> Provider | None:
    name = kept(FORCED)
    if name is not None and name not in get_args(Provider):
        raise pytest.UsageError(f"{FORCED}={name}: it is one of {', '.join(get_args(Provider))}")
    return cast("Provider | None", name)


def chosen(variable: str) -> Provider:
    """For the server whose address that variable holds."""
    if provider := forced():
        return provider
    if kept(variable):
        return "env"
    return "testcontainers" if engine_answers() else "local"


def engine_used() -> bool:
    """Whether any server would come from a Docker engine; the tests that need one are deselected elsewhere."""
    return "testcontainers" in {chosen(BOOTSTRAP_SERVERS), chosen(DATABASE_URL)}


@cache
def engine_answers() -> bool:
    """Asked in a process of its own: without an engine the client leaves a socket open, which is an error here."""
    try:
        asked = subprocess.run([sys.executable, "-c", ASK_ENGINE], capture_output=True, check=False, timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        return False
    return asked.returncode == 0


@contextmanager
def broker(folder: Path) -> Iterator[Broker]:
    """A broker of its own below `folder` where this machine or a Docker engine runs it."""
    match chosen(BOOTSTRAP_SERVERS):
        case "env":
            yield Broker(_named(BOOTSTRAP_SERVERS))
        case "testcontainers":
            with _containers().KafkaContainer() as container:
                yield Broker(container.bootstrap)
        case "local":
            with embedded_kafka(folder) as kafka:
                yield Broker(kafka.bootstrap, kafka)


@contextmanager
def embedded_kafka(folder: Path, node: Node | None = None) -> Iterator[EmbeddedKafka]:
    """One of this machine, whatever the provider: for tests that kill it, freeze it or put a proxy in front."""
    with EmbeddedKafka(folder, kafka_cache(), node) as kafka:
        yield kafka


def kafka_cache() -> Path:
    """Where the jars are, with a Java to run them."""
    try:
        java()
        kafka_jars(CACHE)
    except KafkaUnavailable as reason:
        _lacking("local", f"{reason}. Or name a broker in {BOOTSTRAP_SERVERS}")
    return CACHE


@contextmanager
def postgres_server(folder: Path) -> Iterator[PostgresServer]:
    """The one of the wheel lies below `folder`."""
    match chosen(DATABASE_URL):
        case "env":
            with SharedPostgres(_named(DATABASE_URL)) as named:
                yield named
        case "testcontainers":
            with _containers().postgres_container() as container, SharedPostgres(container.get_connection_url()) as own:
                yield own
        case "local":
            with EmbeddedPostgres(folder) as embedded:
                yield embedded


def _named(variable: str) -> str:
    address = kept(variable)
    if address is None:
        _lacking("env", f"{FORCED}=env, and {variable} is not set")
    return address


def _containers() -> ModuleType:
    if not engine_answers():
        _lacking("testcontainers", f"{FORCED}=testcontainers, and no Docker engine answers")
    return import_module("tests.integration.containers")


def _lacking(provider: Provider, reason: str) -> NoReturn:
    if forced() == provider or os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
