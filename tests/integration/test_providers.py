"""Where the servers of the tests come from, by what the environment says."""

import asyncio
import os
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from libs.embedded.tests.kafka_clients import append, create, delete, first
from libs.events.ids import new_id
from tests.integration import providers
from tests.integration.providers import Broker, PostgresServer, SharedPostgres, broker, chosen, postgres_server

ADDRESSES = {
    "KAFKA_BOOTSTRAP_SERVERS": "kafka.example.org:9092",
    "DATABASE_URL": "postgres://admin:secret@db.example.org:5433/main?sslmode=require",
}
FORCED = "RAPPORT_TEST_PROVIDER"
BOTH = ["KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL"]


class Environment:
    """What the person who starts the tests has set; no engine answers unless it is said."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch
        self.engine(answers=False)
        for name in ("CI", *(f"TESTS_{each}" for each in (*BOTH, FORCED))):
            patch.delenv(name, raising=False)

    def set(self, **variables: str) -> None:
        for name, value in variables.items():
            self._patch.setenv(name if name in {"CI", "PATH"} else f"TESTS_{name}", value)

    def engine(self, *, answers: bool) -> None:
        self._patch.setattr(providers, "engine_answers", lambda: answers)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Environment:
    return Environment(monkeypatch)


def server(variable: str, folder: Path) -> AbstractContextManager[Any]:
    return broker(folder) if variable == "KAFKA_BOOTSTRAP_SERVERS" else postgres_server(folder)


@pytest.mark.parametrize("variable", BOTH)
def test_the_first_that_can_be_had_is_chosen(environment: Environment, variable: str) -> None:
    assert chosen(variable) == "local"
    environment.engine(answers=True)
    assert chosen(variable) == "testcontainers"
    environment.set(**{variable: ADDRESSES[variable]})
    assert chosen(variable) == "env"


@pytest.mark.parametrize("variable", BOTH)
@pytest.mark.parametrize("name", ["env", "testcontainers", "local"])
def test_one_may_be_forced(environment: Environment, variable: str, name: str) -> None:
    environment.engine(answers=True)
    environment.set(**ADDRESSES, RAPPORT_TEST_PROVIDER=name)
    assert chosen(variable) == name


def test_an_unknown_provider_is_refused(environment: Environment) -> None:
    environment.set(RAPPORT_TEST_PROVIDER="docker")
    with pytest.raises(
        pytest.UsageError, match="RAPPORT_TEST_PROVIDER=docker: it is one of env, testcontainers, local"
    ):
        chosen("DATABASE_URL")


@pytest.mark.parametrize(
    ("settings", "answers", "used"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"DATABASE_URL": "set"}, True, True),
        ({"DATABASE_URL": "set", "KAFKA_BOOTSTRAP_SERVERS": "set"}, True, False),
        ({FORCED: "local"}, True, False),
        ({FORCED: "testcontainers"}, False, True),
    ],
)
def test_an_engine_is_used_where_a_server_comes_from_it(
    environment: Environment, settings: dict[str, str], answers: bool, used: bool
) -> None:
    environment.engine(answers=answers)
    environment.set(**settings)
    assert providers.engine_used() is used


def test_what_the_environment_names_is_taken_as_it_is(environment: Environment, tmp_path: Path) -> None:
    environment.set(**ADDRESSES)
    with broker(tmp_path) as found:
        assert found == Broker("kafka.example.org:9092", embedded=None)


@pytest.mark.parametrize("variable", BOTH)
@pytest.mark.parametrize(
    ("name", "reason"),
    [("env", "RAPPORT_TEST_PROVIDER=env, and {} is not set"), ("testcontainers", "and no Docker engine answers")],
)
def test_what_is_forced_and_cannot_be_had_fails(
    environment: Environment, tmp_path: Path, variable: str, name: str, reason: str
) -> None:
    environment.set(RAPPORT_TEST_PROVIDER=name)
    with pytest.raises(pytest.fail.Exception, match=reason.format(variable)), server(variable, tmp_path):
        pass


@pytest.mark.parametrize(
    ("settings", "outcome"),
    [({}, pytest.skip.Exception), ({FORCED: "local"}, pytest.fail.Exception), ({"CI": "true"}, pytest.fail.Exception)],
)
def test_without_a_broker_a_test_is_skipped_but_not_in_ci(
    environment: Environment, tmp_path: Path, settings: dict[str, str], outcome: type[BaseException]
) -> None:
    environment.set(PATH=str(tmp_path), **settings)
    with pytest.raises(outcome, match=r"no `java` here.* Or name a broker"), broker(tmp_path):
        pass


def test_a_database_url_of_any_spelling_serves_every_name() -> None:
    shared = SharedPostgres(ADDRESSES["DATABASE_URL"])
    assert shared.url("postgres") == "postgresql://admin:secret@db.example.org:5433/main?sslmode=require"
    made = urlsplit(shared.url("stage_log"))
    assert (made.scheme, made.netloc, made.query) == (
        "postgresql",
        "admin:secret@db.example.org:5433",
        "sslmode=require",
    )
    assert made.path.endswith("_stage_log")
    assert made.path != urlsplit(SharedPostgres(ADDRESSES["DATABASE_URL"]).url("stage_log")).path
    assert SharedPostgres("postgresql+asyncpg://db/main").url("postgres") == "postgresql://db/main"


def ours(server: PostgresServer) -> set[str]:
    async def ask() -> set[str]:
        connection = await asyncpg.connect(server.url("postgres"))
        rows = await connection.fetch("SELECT datname FROM pg_database WHERE datname LIKE '%shared-_'")
        await connection.close()
        return {row["datname"] for row in rows}

    return asyncio.run(ask())


def test_databases_on_a_shared_server_are_this_process_s_own_and_are_dropped(
    postgres: PostgresServer, environment: Environment, tmp_path: Path
) -> None:
    environment.set(DATABASE_URL=postgres.url("postgres"))
    with postgres_server(tmp_path) as one, postgres_server(tmp_path) as other:
        one.ensure_databases(["shared-1", "shared-2"])
        one.ensure_databases(["shared-1"])
        other.ensure_databases(["shared-1"])
        assert ours(postgres) == {urlsplit(url).path[1:] for url in (
            one.url("shared-1"), one.url("shared-2"), other.url("shared-1"),
        )}  # fmt: skip
    assert ours(postgres) == set()


@pytest.mark.asyncio
async def test_kafka_of_the_tests_takes_and_gives_records(kafka: Broker) -> None:
    topic = f"rapport-test-{new_id()}"  # the broker may be one that others use too
    await create(kafka.bootstrap, topic)
    assert await append(kafka.bootstrap, topic, b"record") == 0
    assert await first(kafka.bootstrap, topic) == b"record"
    await delete(kafka.bootstrap, topic)
    assert (kafka.embedded is not None) == (chosen("KAFKA_BOOTSTRAP_SERVERS") == "local")


def test_a_test_of_containers_is_deselected_where_no_engine_is_used() -> None:
    """Through conftest.py, which takes the variable away from all other tests."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "engine", __file__],
        env={**os.environ, FORCED: "local"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "test_containers_hold" not in done.stdout
    assert "deselected" in done.stdout


@pytest.mark.engine
@pytest.mark.asyncio
async def test_containers_hold_servers_like_those_of_this_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(f"TESTS_{FORCED}", "testcontainers")
    with broker(tmp_path) as found, postgres_server(tmp_path) as server:
        await create(found.bootstrap, "contained")
        assert await append(found.bootstrap, "contained", b"record") == 0
        server.ensure_databases(["contained"])
        connection = await asyncpg.connect(server.url("contained"))
        locale = "SELECT datlocale FROM pg_database WHERE datname = current_database()"
        assert await connection.fetchval(locale) == "C.UTF-8"
        await connection.close()
