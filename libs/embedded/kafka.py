"""An Apache Kafka broker of our own below a folder, on loopback. Blocks; needs no event loop, and no Docker."""

import fcntl
import os
import shutil
import signal
import subprocess
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

import structlog

from libs.embedded.errors import KafkaFailed
from libs.embedded.kafka_jars import Java, java, kafka_jars, one_at_a_time
from libs.embedded.kafka_probe import brokers_seen
from libs.embedded.kafka_settings import Node
from libs.embedded.ports import HOST, listening
from libs.embedded.server_log import ServerLog
from libs.embedded.tether import start_tethered
from libs.events.clock import monotonic_s

log = structlog.get_logger(__name__)

# The quick compiler alone: most brokers of ours end before the slow one would pay.
JAVA_OPTIONS = [
    "-Xms256m",
    "-Xmx384m",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Djava.net.preferIPv4Stack=true",
]
LOG_OPTIONS = [
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
]
# Nothing else: JAVA_TOOL_OPTIONS and its like would change what the programs do.
ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"}
DATA, DRAFT = "data", "data.new"
PROPERTIES = "server.properties"
FORMAT_TIMEOUT_S = 60
READY_TIMEOUT_S = 60
ANSWER_TIMEOUT_S = 2.0
STOP_PATIENCE_S = 10.0
ENDED_IN_ORDER = 128 + signal.SIGTERM  # as Java says it
GIVING_PATIENCE_S = 60.0
NO_TALK = "-Xlog:disable"  # of classes that cannot be kept
ORPHAN_PATIENCE_S = 2.0  # a broker whose owner was killed is gone a moment later
POLL_S = 0.02


class EmbeddedKafka:
    """A broker that is its own controller: alone, or a node of an EmbeddedCluster.

    It keeps its data, its ports and its `log` over any number of starts. On Linux it dies with this process.
    """

    patience_s = STOP_PATIENCE_S

    def __init__(self, folder: Path, cache: Path, node: Node | None = None) -> None:
        """Its data lies below `folder`, and the jars, which many may share, below `cache`."""
        self.node = node or Node.alone()
        self._folder = folder.absolute()
        self._cache = cache.absolute()
        self._log = ServerLog(self._folder / "kafka.log")
        self._broker: subprocess.Popen[bytes] | None = None
        self.ended_in_order = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def bootstrap(self) -> str:
        """Where it listens itself, whatever it advertises."""
        return f"{HOST}:{self.node.port}"

    @property
    def behind_proxy(self) -> str:
        """Where a proxy forwards to: whoever comes this way is sent to the advertised address."""
        if self.node.proxied is None:
            raise KafkaFailed("it was given no address to advertise")
        return f"{HOST}:{self.node.proxied.port}"

    @property
    def log(self) -> Path:
        """What the broker said, in all its lives."""
        return self._log.path

    @property
    def pid(self) -> int | None:
        return self._broker.pid if self._broker else None

    def alive(self) -> bool:
        """Also while it is frozen."""
        return self._broker is not None and self._broker.poll() is None

    def start(self) -> None:
        """Returns when the cluster lets it serve; after a failure nothing is left running.

        Raises KafkaUnavailable without Java or the jars, and KafkaFailed.
        """
        with ExitStack() as on_failure:
            on_failure.callback(self.kill)
            self.revive()
            self._wait_until_ready()
            on_failure.pop_all()

    def revive(self) -> None:
        """Starts the broker without waiting until it is ready."""
        if self.alive():
            return
        command = self._java_command(java(), kafka_jars(self._cache))
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = self._lock_when_empty()
            try:
                if not (self._folder / DATA).exists():
                    self._format(command)
                self._launch(command, lock)
            finally:
                os.close(lock)
        except OSError as error:
            raise KafkaFailed(f"{error.filename or self._folder}: {error.strerror}") from error

    def stop(self) -> None:
        """In order, a frozen one too: returns when the process is gone."""
        if self._broker is None:
            return
        self.thaw()
        self._broker.terminate()
        try:
            self.ended_in_order = self._broker.wait(self.patience_s) == ENDED_IN_ORDER
        except subprocess.TimeoutExpired:
            log.warning("kafka_does_not_stop", pid=self._broker.pid)
        self.kill()

    def restart(self) -> None:
        """In order, on the same data and ports."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """It dies at once: only what the system had of it by then is kept."""
        if self._broker is not None:
            self._broker.kill()
            self._broker.wait()
            self._broker = None

    def freeze(self) -> None:
        """It keeps its connections and answers nothing, until `thaw`; returns when the last of its threads stands."""
        self._signal(signal.SIGSTOP)
        if self._broker is not None:
            os.waitid(os.P_PID, self._broker.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._broker is not None:
            self._broker.send_signal(number)

    def _lock_when_empty(self) -> int:
        """An open file that a broker inherits: whoever gets the lock knows that none lives in this folder.

        Kafka's own lock comes too late: by then a second controller has written into the first one's metadata.
        """
        lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline_s = monotonic_s() + ORPHAN_PATIENCE_S
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return lock
            except BlockingIOError:
                if monotonic_s() > deadline_s:
                    os.close(lock)
                    raise KafkaFailed(f"another broker runs in {self._folder}") from None
            time.sleep(POLL_S)

    def _java_command(self, machine: Java, jars: Path) -> list[str]:
        options = [*JAVA_OPTIONS, *self._class_options(machine, jars), *LOG_OPTIONS]
        return [machine.program, *options, "-cp", f"{jars}/*"]

    def _class_options(self, machine: Java, jars: Path) -> list[str]:
        """With the classes of an earlier broker, as Java held them in memory, a start takes half the time (JEP 350).

        They are for one set of jars and one version of Java. Java would crash over half of them.
        """
        kept = jars / f"classes-{machine.version}.jsa"
        if not kept.exists():
            with one_at_a_time(self._cache):
                if not (kept.exists() or _not_to_be_had(kept).exists()):
                    keep_classes(self._cache, kept)
        return [f"-XX:SharedArchiveFile={kept}"] if kept.exists() else []

    def _format(self, command: list[str]) -> None:
        """Made aside and renamed: data that has its name is whole."""
        draft = self._folder / DRAFT
        if draft.exists():
            shutil.rmtree(draft)
        (self._folder / PROPERTIES).write_text(self.node.properties(DRAFT))
        order = ["kafka.tools.StorageTool", "format", "-t", self.node.cluster_id, "-c", PROPERTIES]
        order += [word for user in self.node.users for word in ("--add-scram", user)]
        try:
            done = subprocess.run(
                [*command, *order],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                env=ENVIRONMENT,
                text=True,
                check=False,
                timeout=FORMAT_TIMEOUT_S,
            )
        except subprocess.TimeoutExpired as error:
            raise KafkaFailed(f"the data folder was not made: {error}") from error
        if done.returncode != 0:
            raise KafkaFailed("the data folder was not made", done.stdout.strip())
        draft.rename(self._folder / DATA)

    def _launch(self, command: list[str], lock: int) -> None:
        for port in self.node.ports:
            try:
                listening(port).close()
            except OSError as error:
                raise KafkaFailed(f"Apache Kafka cannot listen on {HOST}:{port} ({error.strerror})") from error
        (self._folder / PROPERTIES).write_text(self.node.properties(DATA))
        output = self._log.open()
        try:
            order = [*command, "kafka.Kafka", PROPERTIES]
            self._broker = start_tethered(order, output, lock, self._folder, ENVIRONMENT)
        finally:
            os.close(output)
        log.info("kafka_started", pid=self._broker.pid, data=str(self._folder / DATA), port=self.node.port)

    def _wait_until_ready(self) -> None:
        """A broker sees itself as soon as its controller lets it serve."""
        deadline_s = monotonic_s() + READY_TIMEOUT_S
        while self.node.id not in brokers_seen(self.node.port, ANSWER_TIMEOUT_S):
            if self._broker is None or self._broker.poll() is not None:
                code = self._broker.returncode if self._broker else None
                raise KafkaFailed(f"the broker ended with code {code}", self._log.tail())
            if monotonic_s() > deadline_s:
                raise KafkaFailed(f"the broker is not ready after {READY_TIMEOUT_S} s", self._log.tail())
            time.sleep(POLL_S)


class _Giver(EmbeddedKafka):
    """Leaves its classes behind when it ends, which takes a while."""

    patience_s = GIVING_PATIENCE_S

    def __init__(self, folder: Path, cache: Path) -> None:
        super().__init__(folder, cache)
        self.classes = folder / "classes"

    def _class_options(self, _machine: Java, _jars: Path) -> list[str]:
        return [f"-XX:ArchiveClassesAtExit={self.classes.absolute()}", NO_TALK]


def keep_classes(cache: Path, kept: Path) -> None:
    """Start a broker and end it for its classes; brokers start without them where that fails."""
    log.info("preparing_kafka", into=str(kept))
    with TemporaryDirectory(dir=cache, prefix=".kafka-") as folder, suppress(KafkaFailed, OSError):
        giver = _Giver(Path(folder, "kafka"), cache)
        with giver:
            pass
        if giver.ended_in_order:
            with giver.classes.open("rb") as classes:
                os.fsync(classes.fileno())
            giver.classes.rename(kept)
            return
    with suppress(OSError):
        _not_to_be_had(kept).touch()


def _not_to_be_had(kept: Path) -> Path:
    """Where it is kept that a broker left none: it is not tried at every start."""
    return kept.with_suffix(".none")
