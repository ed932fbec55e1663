"""`rapport kafka`: a broker in the foreground."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import psutil
import pytest

from libs.embedded.kafka_jars import kafka_jars
from libs.embedded.kafka_probe import brokers_seen
from libs.embedded.ports import free_ports
from libs.embedded.tests.processes import all_ended
from tests.faults.deadlines import until
from tests.integration.conftest import RAPPORT
from tests.integration.providers import kafka_cache

ANSWERS_WITHIN_S = 60.0
ENDS_WITHIN_S = 15.0


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """With the jars that others have fetched."""
    jars = kafka_jars(kafka_cache())
    (tmp_path / jars.name).symlink_to(jars)
    return tmp_path


@pytest.fixture
def port() -> int:
    return free_ports(1)[0]


@pytest.fixture
def command(data: Path, port: int) -> Iterator["subprocess.Popen[str]"]:
    environment = {**os.environ, "RAPPORT_DATA": str(data), "COLUMNS": "200"}
    order = [str(RAPPORT), "kafka", "--port", str(port)]
    with subprocess.Popen(order, env=environment, stdout=subprocess.PIPE, text=True) as started:
        yield started
        started.kill()


def broker_of(command: "subprocess.Popen[str]") -> psutil.Process:
    (broker,) = [each for each in psutil.Process(command.pid).children() if each.name() == "java"]
    return broker


@pytest.mark.asyncio
async def test_it_says_where_it_listens_revives_its_broker_and_ends_with_ctrl_c(
    command: "subprocess.Popen[str]", port: int, data: Path
) -> None:
    assert command.stdout
    said = "".join(takewhile(lambda line: line != "Ctrl-C stops it.\n", command.stdout))
    assert f"Apache Kafka listens on 127.0.0.1:{port}; what it says stands in {data / 'kafka' / 'kafka.log'}\n" in said
    assert f"  KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:{port} make run-kafka\n" in said
    assert brokers_seen(port, ANSWERS_WITHIN_S) == {1}
    broker_of(command).kill()
    await until(lambda: brokers_seen(port, 0.5) == set(), ANSWERS_WITHIN_S, "the broker is dead")
    await until(lambda: brokers_seen(port, 0.5) == {1}, ANSWERS_WITHIN_S, "the broker is back")
    broker = broker_of(command)
    command.send_signal(signal.SIGINT)
    rest, _ = command.communicate(timeout=ENDS_WITHIN_S)
    assert command.returncode == 0
    assert rest.endswith("Stopped; everything is kept for the next start.\n")
    assert all_ended([broker], within_s=0)


def test_a_port_that_is_taken_is_named(data: Path, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        done = subprocess.run(
            [RAPPORT, "kafka", "--port", str(port)],
            env={**os.environ, "RAPPORT_DATA": str(data)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == f"rapport: Apache Kafka cannot listen on 127.0.0.1:{port} (Address already in use)\n"
