"""The broker of docker-compose.yml, set up by the program that its image sets it up with, from the same environment."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from libs.embedded.kafka import JAVA_OPTIONS, LOG_OPTIONS
from libs.embedded.kafka_jars import java, kafka_jars
from libs.embedded.kafka_probe import brokers_seen
from libs.embedded.ports import free_ports
from libs.embedded.tether import start_tethered
from libs.events.clock import monotonic_s
from tests.integration.composed import services
from tests.integration.conftest import RAPPORT
from tests.integration.providers import kafka_cache

READY_WITHIN_S, ANSWER_WITHIN_S, LOOK_AGAIN_S, STOP_WITHIN_S = 60.0, 2.0, 0.1, 30.0
# What the image brings along, of which the setup makes copies.
DEFAULTS = ("server.properties", "log4j2.yaml", "tools-log4j2.yaml")


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Where it listens."""
    command = [java().program, *JAVA_OPTIONS, *LOG_OPTIONS, "-cp", f"{kafka_jars(kafka_cache())}/*"]
    clients, controller = free_ports(2)
    set_up(command, tmp_path, environment(tmp_path, clients, controller))
    with (tmp_path / "broker.log").open("wb") as log:
        program = [*command, "kafka.Kafka", str(tmp_path / "final" / "server.properties")]
        broker = start_tethered(program, log.fileno(), log.fileno(), tmp_path, {"PATH": os.environ["PATH"]})
    try:
        deadline_s = monotonic_s() + READY_WITHIN_S
        while 1 not in brokers_seen(clients, ANSWER_WITHIN_S):
            with suppress(subprocess.TimeoutExpired):
                broker.wait(LOOK_AGAIN_S)
            alive = broker.returncode is None and monotonic_s() < deadline_s
            assert alive, (tmp_path / "broker.log").read_text()
        yield clients
    finally:
        broker.terminate()
        broker.wait(STOP_WITHIN_S)


def environment(folder: Path, clients: int, controller: int) -> dict[str, str]:
    """That of the file, on ports and in a folder of this test."""
    here = {
        r"(?<=://)(?=:)|\bkafka(?=:)|\blocalhost(?=:)": "127.0.0.1",
        ":9092": f":{clients}",
        ":9093": f":{controller}",
        "/var/lib/kafka": str(folder),
    }
    found: dict[str, str] = services()["kafka"]["environment"]
    for name, value in found.items():
        for pattern, text in here.items():
            value = re.sub(pattern, text, value)  # noqa: PLW2901 - one after another
        found[name] = value
    return found


def set_up(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    for name in ("default", "mounted", "final"):
        (folder / name).mkdir()
    for name in DEFAULTS:
        (folder / "default" / name).touch()
    folders = [f"--{name}-configs-dir={folder / name}" for name in ("default", "mounted", "final")]
    done = subprocess.run(
        [*command, "kafka.docker.KafkaDockerWrapper", "setup", *folders],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_takes_the_topics_of_a_log_whose_secret_is_made_once(port: int, tmp_path: Path) -> None:
    secret = tmp_path / "identity.secret"
    done = ensure_topics(port, secret)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "data" / "identity-0").is_dir()
    secret.unlink()
    refused = ensure_topics(port, secret)
    assert refused.returncode == 1
    assert f"{secret} is missing, and this log has a name already" in refused.stderr
    assert not secret.exists()


def ensure_topics(port: int, secret: Path) -> "subprocess.CompletedProcess[str]":
    """The job that makes them."""
    return subprocess.run(
        [RAPPORT, *services()["topics"]["command"]],
        env={
            "PATH": os.environ["PATH"],
            "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{port}",
            "RAPPORT_IDENTITY_SECRET_FILE": str(secret),
        },
        cwd=secret.parent,
        capture_output=True,
        text=True,
        check=False,
    )
