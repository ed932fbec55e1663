"""The running systems that all integration tests of a process share: one on each kind of log."""

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from libs.embedded.home import Home, Runtime
from libs.embedded.ports import free_ports
from libs.events.identifiers import Nodes
from libs.events.kafka_log.place import KafkaPlace
from libs.events.log_created import COUNTS, recognise
from libs.events.opening import LogPlace, open_log
from libs.events.position import encode
from libs.events.topics import CONTACTS, FEEDBACK, IDENTITY, INTERACTIONS, SCORING
from tests.forks import rapport

if TYPE_CHECKING:
    from tests.integration.providers import Broker

RAPPORT = Path(sys.executable).with_name("rapport")
READY_LINE = "Ctrl-C stops everything."
START_PATIENCE_S = 60.0
STOP_PATIENCE_S = 5.0
SERVICES = ("contacts", "interactions", "feedback", "scoring", "timeline")
WRITTEN = (IDENTITY, CONTACTS, INTERACTIONS, FEEDBACK, SCORING)


@dataclass
class System:
    """`rapport up` in a data folder of its own; all it logs is in `log`."""

    data: Path
    ports: dict[str, int]
    environment: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def contacts(self) -> str:
        return f"http://127.0.0.1:{self.ports['contacts']}"

    @property
    def interactions(self) -> str:
        return f"http://127.0.0.1:{self.ports['interactions']}"

    @property
    def feedback(self) -> str:
        return f"http://127.0.0.1:{self.ports['feedback']}"

    @property
    def scoring(self) -> str:
        return f"http://127.0.0.1:{self.ports['scoring']}"

    @property
    def timeline(self) -> str:
        return f"http://127.0.0.1:{self.ports['timeline']}"

    @property
    def urls(self) -> dict[str, str]:
        return {name: f"http://127.0.0.1:{port}" for name, port in self.ports.items()}

    @property
    def log(self) -> Path:
        return self.data.parent / f"{self.data.name}.log"

    @property
    def runtime(self) -> Runtime:
        found = Home.at(self.data).read_runtime()
        assert found is not None
        return found

    @property
    def log_place(self) -> LogPlace:
        """Where its log is."""
        runtime = self.runtime
        if runtime.kafka is None:
            assert runtime.log_url is not None
            return runtime.log_url
        return KafkaPlace(runtime.kafka, runtime.prefix, single_broker=True)

    @property
    def env(self) -> dict[str, str]:
        """What a command needs to find this system."""
        ports = {f"RAPPORT_PORT_{name.upper()}": str(port) for name, port in self.ports.items()}
        return {**os.environ, "RAPPORT_DATA": str(self.data), **ports, **self.environment}

    def run(
        self, *args: str, env: dict[str, str] | None = None, stdin: bytes = b""
    ) -> "subprocess.CompletedProcess[str]":
        """`rapport ARGS` against this system; its streams as text, wide enough that no cell of a table is cut."""
        return rapport(args, {**self.env, "COLUMNS": "200", **(env or {})}, stdin=stdin)

    def position(self) -> str:
        """The end of the log now, as a `min_position`: who asks with it sees all that was written before."""
        with ThreadPoolExecutor(1) as other_thread:  # a test may have its loop in this one
            return other_thread.submit(asyncio.run, self._end_of_log()).result()

    async def _end_of_log(self) -> str:
        async with open_log(self.log_place) as log:
            await recognise(log, Nodes(Home.at(self.data).identity_secret()).check_value())
            return encode(log.log_id, await log.ends([topic.name for topic in WRITTEN]))

    def start(self) -> None:
        """Returns when the system says that it is ready."""
        self.process = subprocess.Popen(
            [RAPPORT, "up"], env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        ready_or_ended = threading.Event()
        threading.Thread(target=self._keep_log, args=(self.process, ready_or_ended), daemon=True).start()
        ready_or_ended.wait(START_PATIENCE_S)
        log = self.log.read_text(errors="replace")
        if READY_LINE not in log:
            self.process.kill()
            pytest.fail(f"rapport up is not ready; it ended with {self.process.wait()}:\n{log}")

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Ctrl-C; the exit code. Fails when it takes longer than it may."""
        assert self.process
        self.process.send_signal(number)
        try:
            return self.process.wait(STOP_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            pytest.fail(f"rapport up did not stop in {STOP_PATIENCE_S} s:\n{self.log.read_text(errors='replace')}")
        finally:
            self.process = None

    def _keep_log(self, process: "subprocess.Popen[bytes]", ready_or_ended: threading.Event) -> None:
        assert process.stdout
        with self.log.open("wb", buffering=0) as log, process.stdout:
            for line in process.stdout:
                log.write(line)
                if line.strip() == READY_LINE.encode():
                    ready_or_ended.set()
        ready_or_ended.set()


def new_system(data: Path, environment: dict[str, str] | None = None) -> System:
    """Not started yet."""
    return System(data, dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True)), environment or {})


@pytest.fixture(scope="session")
def postgres_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Its log is in PostgreSQL."""
    yield from running(new_system(tmp_path_factory.mktemp("system") / "data"))


@pytest.fixture(scope="session")
def kafka_system(kafka: "Broker", tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Its log is in Apache Kafka."""
    with kafka_environment(kafka.bootstrap) as environment:
        yield from running(new_system(tmp_path_factory.mktemp("kafka-system") / "data", environment))


@pytest.fixture(scope="module")
def system(request: pytest.FixtureRequest) -> System:
    """Shared by all tests: whoever needs an empty or a stopped one takes `new_system`.

    Its log is in PostgreSQL; tests that are marked `on_each_log` run once more on Apache Kafka.
    """
    found: System = request.getfixturevalue(getattr(request, "param", "postgres_system"))
    return found


on_each_log = pytest.mark.parametrize(
    "system", ["postgres_system", "kafka_system"], ids=["postgres", "kafka"], indirect=True
)
on_each_log_slowly = pytest.mark.parametrize(
    "system",
    ["postgres_system", pytest.param("kafka_system", marks=pytest.mark.slow)],
    ids=["postgres", "kafka"],
    indirect=True,
)
"""On Kafka only with the slow tests, where others show the same quickly."""


@pytest.fixture(scope="session")
def newborn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """For tests that publish statistics: from then on, whatever anybody does may change their class."""
    yield from running(new_system(tmp_path_factory.mktemp("scored") / "data"))


@pytest.fixture(scope="session")
def of_nobody(newborn: System) -> dict[str, httpx.Response]:
    """What a system in which nothing ever happened says of scores."""
    from tests.integration.scoring import asked_of_nobody

    return asked_of_nobody(newborn)


@pytest.fixture(scope="session")
def postgres_scored(newborn: System, of_nobody: dict[str, httpx.Response]) -> System:
    return newborn


@pytest.fixture(scope="session")
def postgres_whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """For a whole year of invoices."""
    yield from running(new_system(tmp_path_factory.mktemp("whole") / "data"))


@pytest.fixture(scope="session")
def kafka_scored(kafka: "Broker", tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with kafka_environment(kafka.bootstrap) as environment:
        yield from running(new_system(tmp_path_factory.mktemp("kafka-scored") / "data", environment))


@pytest.fixture(scope="module")
def scored(request: pytest.FixtureRequest) -> System:
    """As `system`, but shared only by tests of scoring; `on_each_scored` runs them on Apache Kafka, too."""
    found: System = request.getfixturevalue(getattr(request, "param", "postgres_scored"))
    return found


on_each_scored = pytest.mark.parametrize(
    "scored",
    ["postgres_scored", pytest.param("kafka_scored", marks=pytest.mark.slow)],
    ids=["postgres", "kafka"],
    indirect=True,
)


@pytest.fixture
def environment(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """What gives a `new_system` the kind of log that the test is parametrised with: postgres or kafka."""
    with log_environment(request) as found:
        yield found


@contextmanager
def log_environment(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The same, for a fixture that is parametrised with the kind of log itself."""
    if getattr(request, "param", "postgres") == "postgres":
        yield {}
        return
    with kafka_environment(request.getfixturevalue("kafka").bootstrap) as found:
        yield found


def running(made: System) -> Iterator[System]:
    """A fixture's life: started before, stopped in order after."""
    made.start()
    yield made
    if made.process:
        assert made.stop() == 0, made.log.read_text(errors="replace")


@contextmanager
def kafka_environment(bootstrap: str) -> Iterator[dict[str, str]]:
    """What makes a system use these brokers, under names of its own; its topics are removed after the block."""
    prefix = f"Test-{secrets.token_hex(4)}_"  # of all that a prefix may have
    yield {"KAFKA_BOOTSTRAP_SERVERS": bootstrap, "RAPPORT_PREFIX": prefix, "RAPPORT_SINGLE_BROKER": "1"}
    with ThreadPoolExecutor(1) as other_thread, suppress(KafkaError, OSError):  # the brokers may be gone
        other_thread.submit(asyncio.run, remove_topics(bootstrap, prefix)).result()


async def remove_topics(bootstrap: str, prefix: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        await admin.delete_topics([f"{prefix}{topic}" for topic in COUNTS])
    finally:
        await admin.close()
