"""A broker of our own: what it keeps, how it ends, and what it says where it cannot be had."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from aiokafka.client import AIOKafkaClient

from libs.embedded import kafka as embedded
from libs.embedded.errors import KafkaFailed, KafkaUnavailable
from libs.embedded.kafka import EmbeddedKafka, keep_classes
from libs.embedded.kafka_jars import VERSION, kafka_jars
from libs.embedded.kafka_probe import brokers_seen
from libs.embedded.kafka_settings import Node
from libs.embedded.tests.kafka_clients import ANSWERS_WITHIN_S, append, create, first
from libs.embedded.tests.processes import all_ended
from tests.integration.providers import embedded_kafka, kafka_cache

ROOT = Path(__file__).parents[3]
ADVERTISED_PORT = 14_999  # nothing has to listen there


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    """Each test leaves it running."""
    node = Node.alone(advertised=f"127.0.0.1:{ADVERTISED_PORT}")
    with embedded_kafka(tmp_path_factory.mktemp("kafka"), node) as kafka:
        yield kafka


def process_of(kafka: EmbeddedKafka) -> psutil.Process:
    assert kafka.pid is not None
    return psutil.Process(kafka.pid)


@pytest.mark.asyncio
async def test_a_record_outlives_a_kill_and_a_restart(own: EmbeddedKafka) -> None:
    """Started from inside a running loop, as tests do."""
    await create(own.bootstrap, "kept")
    assert await append(own.bootstrap, "kept", b"first") == 0
    bootstrap, killed = own.bootstrap, process_of(own)
    own.kill()
    assert (own.alive(), own.pid) == (False, None)
    assert all_ended([killed], within_s=0)
    own.start()
    assert await first(own.bootstrap, "kept") == b"first"
    own.restart()
    assert await append(own.bootstrap, "kept", b"second") == 1
    assert (own.alive(), own.bootstrap) == (True, bootstrap)
    assert own.log.read_text().count("Kafka Server started") == 3


def test_it_starts_with_the_classes_that_an_earlier_broker_left(own: EmbeddedKafka) -> None:
    (kept,) = kafka_jars(kafka_cache()).glob("classes-*.jsa")
    assert f"-XX:SharedArchiveFile={kept}" in process_of(own).cmdline()
    assert str(kept) in {each.path for each in process_of(own).memory_maps()}


def test_it_starts_without_them_where_they_cannot_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jars = tmp_path / "cache" / f"kafka-{VERSION}"
    jars.mkdir(parents=True)
    (tmp_path / "kept").mkdir()
    keep_classes(jars.parent, tmp_path / "kept" / "classes.jsa")  # there is no broker in an empty folder
    assert [each.name for each in (tmp_path / "kept").iterdir()] == ["classes.none"]
    assert not [*jars.iterdir()]
    for jar in kafka_jars(kafka_cache()).glob("*.jar"):
        (jars / jar.name).symlink_to(jar)
    monkeypatch.setattr(embedded, "keep_classes", lambda _cache, _kept: None)
    with EmbeddedKafka(tmp_path / "kafka", jars.parent) as kafka:
        assert not any("SharedArchiveFile" in word for word in process_of(kafka).cmdline())


def test_a_frozen_broker_answers_when_it_is_thawed(own: EmbeddedKafka) -> None:
    own.freeze()
    assert own.alive()
    assert brokers_seen(own.node.port, timeout_s=0.2) == set()
    own.thaw()
    assert brokers_seen(own.node.port, timeout_s=ANSWERS_WITHIN_S) == {1}


def test_who_comes_through_the_proxy_is_sent_to_it_again(own: EmbeddedKafka) -> None:
    async def addresses(bootstrap: str) -> set[tuple[str, int]]:
        client = AIOKafkaClient(bootstrap_servers=bootstrap)
        await client.bootstrap()
        seen = {(each.host, each.port) for each in client.cluster.brokers()}
        await client.close()
        return seen

    assert asyncio.run(addresses(own.behind_proxy)) == {("127.0.0.1", ADVERTISED_PORT)}
    assert asyncio.run(addresses(own.bootstrap)) == {("127.0.0.1", own.node.port)}


def test_a_second_broker_on_the_same_data_or_port_says_why_and_ends(own: EmbeddedKafka, tmp_path: Path) -> None:
    taken = EmbeddedKafka(tmp_path, kafka_cache(), Node.alone(port=own.node.port))
    with pytest.raises(KafkaFailed, match=rf"cannot listen on 127\.0\.0\.1:{own.node.port} \(Address already in use\)"):
        taken.start()
    same = EmbeddedKafka(own.log.parent, kafka_cache())
    with pytest.raises(KafkaFailed, match="another broker runs in"):
        same.start()
    assert (taken.alive(), same.alive(), own.alive()) == (False, False, True)


OWNER = """
import sys, threading
from pathlib import Path
from libs.embedded.kafka import EmbeddedKafka
kafka = EmbeddedKafka(Path(sys.argv[1]), Path(sys.argv[2]))
thread = threading.Thread(target=kafka.start)
thread.start()
thread.join()
print("broker", kafka.pid, kafka.alive(), flush=True)
sys.stdin.read()
"""


def test_a_broker_ends_with_its_process_but_not_with_a_thread(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OWNER, str(tmp_path), str(kafka_cache())]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout
        said = next(line for line in owner.stdout if line.startswith("broker"))
        broker = psutil.Process(int(said.split()[1]))
        assert said.endswith("True\n")
        assert os.getsid(broker.pid) == broker.pid
        owner.send_signal(signal.SIGKILL)
    os.close(EmbeddedKafka(tmp_path, kafka_cache())._lock_when_empty())  # as a start at once would
    assert all_ended([broker], within_s=1)


def test_stop_ends_a_frozen_broker_too_and_a_failed_start_leaves_nothing(tmp_path: Path) -> None:
    kafka = EmbeddedKafka(tmp_path, kafka_cache())
    kafka.start()
    process = process_of(kafka)
    kafka.freeze()
    kafka.stop()
    assert all_ended([process], within_s=0)
    (tmp_path / "data" / "meta.properties").write_text("version=1\nnode.id=7\ncluster.id=other\n")
    with pytest.raises(KafkaFailed, match="node id 7 doesn't match previous node id 1"):
        kafka.start()
    assert kafka.pid is None


def test_without_java_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KafkaUnavailable, match="needs Java 17, and there is no `java` here: install a Java runtime"):
        EmbeddedKafka(tmp_path / "kafka", tmp_path).start()


def test_an_old_java_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "java"
    old.write_text("""#!/bin/sh\necho 'openjdk version "11.0.2" 2019-01-15' >&2\n""")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KafkaUnavailable, match=r'needs Java 17, and .*/java is openjdk version "11\.0\.2"'):
        EmbeddedKafka(tmp_path / "kafka", tmp_path).start()


def test_without_maven_it_says_so_unless_the_jars_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KafkaUnavailable, match="there is no `mvn` here: install Maven"):
        kafka_jars(tmp_path)
    (tmp_path / f"kafka-{VERSION}").mkdir()
    assert kafka_jars(tmp_path) == tmp_path / f"kafka-{VERSION}"


def test_what_maven_says_is_passed_on_and_nothing_half_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = tmp_path / "mvn"
    failing.write_text("#!/bin/sh\necho no way to the registry\nexit 1\n")
    failing.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KafkaUnavailable, match=r"could not fetch Apache Kafka .*: no way to the registry"):
        kafka_jars(tmp_path / "cache")
    assert [each.name for each in (tmp_path / "cache").iterdir()] == ["kafka-jars.lock"]


FETCHING = """#!/bin/sh
echo called >> {calls}
for each; do case $each in -DoutputDirectory=*) mkdir ${{each#*=}} && : > ${{each#*=}}/{jar};; esac; done
"""


def test_of_several_that_need_the_jars_at_once_one_fetches_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maven, calls, cache = tmp_path / "mvn", tmp_path / "calls", tmp_path / "cache"
    maven.write_text(FETCHING.format(calls=calls, jar=f"kafka_2.13-{VERSION}.jar"))
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(kafka_jars, [cache] * 4))
    assert found == [cache / f"kafka-{VERSION}"] * 4
    assert calls.read_text() == "called\n"
    assert [each.name for each in found[0].iterdir()] == [f"kafka_2.13-{VERSION}.jar"]
