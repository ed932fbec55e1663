"""Apache Kafka's jars, fetched by Maven coordinate: where from is for the machine's own Maven settings to say."""

import fcntl
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import structlog

from libs.embedded.errors import KafkaUnavailable

log = structlog.get_logger(__name__)

VERSION = "4.4.0"
JAVA_MAJOR_MIN = 17
JAVA_TIMEOUT_S = 20
FETCH_TIMEOUT_S = 600  # 43 MB
INSTALL_JAVA = "install a Java runtime, on Debian and Ubuntu with `apt install openjdk-17-jre-headless`"
INSTALL_MAVEN = "install Maven, on Debian and Ubuntu with `apt install maven`"
# The second one writes the broker's log to its standard error; its version is that of the first one's SLF4J.
COORDINATES = (("org.apache.kafka", "kafka_2.13", VERSION), ("org.slf4j", "slf4j-simple", "1.7.36"))


class Java(NamedTuple):
    """The program, and which version it is."""

    program: str
    version: str


def java() -> Java:
    """Raises KafkaUnavailable where there is none, or one that is too old."""
    program = shutil.which("java")
    if program is None:
        raise KafkaUnavailable(f"Apache Kafka needs Java {JAVA_MAJOR_MIN}, and there is no `java` here", INSTALL_JAVA)
    try:
        said = subprocess.run([program, "-version"], capture_output=True, text=True, check=True, timeout=JAVA_TIMEOUT_S)
    except (OSError, subprocess.SubprocessError) as error:
        raise KafkaUnavailable(f"{program} cannot be run ({error})", INSTALL_JAVA) from error
    version = re.search(r'version "((?:1\.)?(\d+)[\w.+-]*)"', said.stderr)
    if version is None or int(version[2]) < JAVA_MAJOR_MIN:
        found = said.stderr.partition("\n")[0]
        raise KafkaUnavailable(f"Apache Kafka needs Java {JAVA_MAJOR_MIN}, and {program} is {found}", INSTALL_JAVA)
    return Java(program, version[1])


def kafka_jars(cache: Path) -> Path:
    """The folder of the jars, below `cache`: fetched once, by one process at a time. Raises KafkaUnavailable."""
    folder = cache / f"kafka-{VERSION}"
    if folder.exists():
        return folder
    maven = shutil.which("mvn")
    if maven is None:
        raise KafkaUnavailable(f"Apache Kafka {VERSION} is not in {cache}, and there is no `mvn` here", INSTALL_MAVEN)
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    with one_at_a_time(cache):
        if not folder.exists():
            _fetch(maven, folder)
    return folder


@contextmanager
def one_at_a_time(cache: Path) -> Iterator[None]:
    """While the block runs no other process makes what many share."""
    with (cache / "kafka-jars.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch(maven: str, folder: Path) -> None:
    """Made aside and renamed: a folder that has its name is whole."""
    log.info("fetching_kafka", version=VERSION, into=str(folder))
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".kafka-") as draft:
        pom, jars = Path(draft, "pom.xml"), Path(draft, "jars")
        pom.write_text(_pom())
        order = ["dependency:copy-dependencies", f"-DoutputDirectory={jars}", "-DincludeScope=runtime"]
        try:
            done = subprocess.run(
                [maven, "-q", "-B", "-f", str(pom), *order],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                timeout=FETCH_TIMEOUT_S,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise KafkaUnavailable(f"`mvn` did not fetch Apache Kafka {VERSION}", str(error)) from error
        if done.returncode != 0 or not (jars / f"kafka_2.13-{VERSION}.jar").exists():
            raise KafkaUnavailable(f"`mvn` could not fetch Apache Kafka {VERSION}", done.stdout.strip())
        jars.chmod(0o700)
        jars.rename(folder)


def _pom() -> str:
    dependencies = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version></dependency>"
        for group, artifact, version in COORDINATES
    )
    own = "<groupId>rapport</groupId><artifactId>kafka-jars</artifactId><version>1</version><packaging>pom</packaging>"
    return f"<project><modelVersion>4.0.0</modelVersion>{own}<dependencies>{dependencies}</dependencies></project>"
