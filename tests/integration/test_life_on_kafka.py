"""What a system on Apache Kafka is made of, and what is said where it cannot be had."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from libs.embedded.ports import free_ports
from tests.forks import rapport
from tests.integration.conftest import System, kafka_environment, new_system

ENDS_WITHIN_S = 30
SECRET = "00" * 32


def run(folder: Path, *args: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    env: Mapping[str, str] = new_system(folder / "data").env | {"RAPPORT_IDENTITY_SECRET": SECRET} | variables
    return rapport(args, env, timeout_s=ENDS_WITHIN_S)


@pytest.fixture(scope="module")
def nobody_there() -> str:
    (port,) = free_ports(1)
    return f"127.0.0.1:{port}"


@pytest.mark.asyncio
async def test_no_database_holds_a_log(kafka_system: System) -> None:
    services = kafka_system.runtime.services
    assert kafka_system.runtime.log_url is None
    connection = await asyncpg.connect(services["timeline"].database_url)
    rows = await connection.fetch("SELECT datname FROM pg_database WHERE NOT datistemplate")
    await connection.close()
    prefix = kafka_system.environment["RAPPORT_PREFIX"]
    assert {row["datname"] for row in rows} == {"postgres", *(f"{prefix}{name}_kafka" for name in services)}


@pytest.mark.slow
def test_a_folder_that_has_known_both_logs_serves_each(kafka_system: System, tmp_path: Path) -> None:
    """As somebody does who tries `make run` and then `make run-kafka`."""
    with kafka_environment(kafka_system.environment["KAFKA_BOOTSTRAP_SERVERS"]) as on_kafka:
        embedded = {"RAPPORT_PREFIX": on_kafka["RAPPORT_PREFIX"]}
        for environment in [embedded, on_kafka, embedded, on_kafka]:
            system = new_system(tmp_path / "data", environment)
            system.start()
            assert system.run("verify", "timeline").returncode == 0
            assert (system.runtime.kafka is None) is (environment is embedded)
            assert system.stop() == 0


def test_a_service_is_rebuilt_from_kafka_while_it_runs(kafka_system: System) -> None:
    assert kafka_system.run("demo").returncode == 0
    rebuilt = kafka_system.run("rebuild", "timeline", "--yes")
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert "timeline is rebuilt: " in rebuilt.stdout
    verified = kafka_system.run("verify", "timeline")
    assert verified.returncode == 0, verified.stdout
    assert "timeline: equal" in verified.stdout


@pytest.mark.parametrize("command", ["up", "status", "tail", "verify"])
def test_brokers_that_are_away_are_told_of_in_a_line(tmp_path: Path, nobody_there: str, command: str) -> None:
    done = run(tmp_path, command, KAFKA_BOOTSTRAP_SERVERS=nobody_there)
    assert done.returncode == 1
    assert done.stderr.startswith(f"rapport: Kafka at {nobody_there} (KAFKA_BOOTSTRAP_SERVERS) cannot be reached")
    assert done.stderr.count("\n") == 1
    assert ("`rapport kafka` starts one here" in done.stderr) is (command == "up")


def slowly(command: str, variables: dict[str, str], said: str) -> Any:
    return pytest.param(command, variables, said, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("command", "variables", "said"),
    [
        ("up", {"KAFKA_BOOTSTRAP_SERVERS": "broker"}, "KAFKA_BOOTSTRAP_SERVERS: "),
        ("status", {"KAFKA_BOOTSTRAP_SERVERS": "a:1 b:1"}, "KAFKA_BOOTSTRAP_SERVERS: "),
        ("verify", {"RAPPORT_PREFIX": "a.b"}, "RAPPORT_PREFIX: "),
        # Without a command: libs/service/tests/test_kafka_settings.py.
        slowly("up", {"KAFKA_SECURITY_PROTOCOL": "TLS"}, "KAFKA_SECURITY_PROTOCOL: "),
        slowly(
            "tail", {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}, "KAFKA_SECURITY_PROTOCOL=SASL_SSL needs KAFKA_SASL_PLAIN_"
        ),
        slowly("status", {"KAFKA_SASL_MECHANISM": "GSSAPI"}, "KAFKA_SASL_MECHANISM: "),
        slowly("up", {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CAFILE": "/nowhere"}, "KAFKA_SSL_CAFILE=/nowhere: "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else None,
)
def test_a_wrong_setting_is_refused_by_its_name(
    tmp_path: Path, nobody_there: str, command: str, variables: dict[str, str], said: str
) -> None:
    done = run(tmp_path, command, **{"KAFKA_BOOTSTRAP_SERVERS": nobody_there, **variables})
    assert done.returncode == 1
    assert done.stderr.startswith(f"rapport: {said}")
    assert done.stderr.count("\n") == 1
