"""TLS, and names with passwords: what a broker that wants them lets in, and what everyone else is told."""

import asyncio
import os
import subprocess
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from conftest import NewDatabase
from libs.embedded.ports import free_ports
from libs.events.identifiers import Nodes
from libs.events.log import AppendRefused, EventLog, LogUnavailable, Record
from libs.events.log_created import ensure_topics
from libs.events.opening import LogPlace, open_log
from libs.events.position import Partition
from libs.service.settings import Settings
from tests.faults.deadlines import until
from tests.integration.conftest import RAPPORT
from tests.integration.providers import embedded_kafka
from tests.integration.secured import PASSWORD, USER, Certificates, Doors

SECRET = bytes(range(32))
CHECK = Nodes(SECRET).check_value()
TOPIC = "interactions"
WRONG = "tr0ubador"
TOLD_WITHIN_S = 10.0
READY_WITHIN_S = 30.0
ENDS_WITHIN_S = 10.0
LOOK_AGAIN_S = 0.2

Variables = dict[str, str]


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    """One broker and one log for all these tests."""
    certificates = Certificates(tmp_path_factory.mktemp("certificates"))
    certificates.make()
    made = Doors.of(certificates)
    with embedded_kafka(tmp_path_factory.mktemp("secured"), made.node):
        yield made


def place_of(monkeypatch: pytest.MonkeyPatch, variables: Variables) -> LogPlace:
    for name, value in {"RAPPORT_SINGLE_BROKER": "1", **variables}.items():
        monkeypatch.setenv(name, value)
    return Settings().log_place()


async def appended(log: EventLog, value: bytes) -> tuple[Partition, int]:
    found = await log.append(TOPIC, [Record(b"ada", value)])
    ((number, span),) = found.spans.items()
    return Partition(TOPIC, number), span.first


async def followed(log: EventLog, partition: Partition, offset: int) -> Sequence[Record]:
    """What a reader with a doorbell sees there."""
    bell = log.doorbell()
    async with asyncio.timeout(TOLD_WITHIN_S):
        while not (slices := await log.read({partition: offset}, max_records=1, max_bytes=1, bell=bell)):
            await bell.wait(LOOK_AGAIN_S)
    bell.close()
    return slices[0].records


@pytest.mark.parametrize("way", ["TLS", "BOTH", "SCRAM", "PLAIN"])
@pytest.mark.asyncio
async def test_each_way_in_is_a_log(doors: Doors, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    async with open_log(place_of(monkeypatch, doors.way(way))) as log:
        await ensure_topics(log, CHECK)
        partition, offset = await appended(log, way.encode())
        (read,) = await log.read({partition: offset}, max_records=1, max_bytes=1)
        assert [record.value for record in read.records] == [way.encode()]
        assert await followed(log, partition, offset) == read.records
        assert log.trouble is None


@pytest.mark.parametrize(
    ("way", "instead", "reason"),
    [
        (
            "SCRAM",
            {"KAFKA_SASL_PLAIN_PASSWORD": WRONG},
            r"Kafka refuses who we say we are \(SaslAuthenticationFailed\): KAFKA_SASL_PLAIN_USERNAME or KAFKA_SASL_PL",
        ),
        ("SCRAM", {"KAFKA_SASL_PLAIN_USERNAME": "nobody"}, r"Kafka refuses who we say we are "),
        ("PLAIN", {"KAFKA_SASL_PLAIN_PASSWORD": WRONG}, r"Kafka refuses who we say we are "),
        ("SCRAM", {"KAFKA_SASL_MECHANISM": "PLAIN"}, r"Kafka at \S+ does not take KAFKA_SASL_MECHANISM=PLAIN "),
        (
            "TLS",
            {"KAFKA_SSL_CAFILE": "stranger.pem"},
            r"Kafka at 127\.0\.0\.1:\d+ is not whom KAFKA_SSL_CAFILE vouches for \(unable to get local issuer",
        ),
        (
            "BOTH",
            {"KAFKA_SSL_CERTFILE": "", "KAFKA_SSL_KEYFILE": "", "KAFKA_SSL_PASSWORD": ""},
            r"Kafka refuses our certificate \(\w+\): KAFKA_SSL_CERTFILE and KAFKA_SSL_KEYFILE",
        ),
        (
            "BOTH",
            {"KAFKA_SSL_CERTFILE": "stranger.pem", "KAFKA_SSL_KEYFILE": "stranger.key"},
            r"Kafka refuses our certificate ",
        ),
        (
            "TLS",
            {"KAFKA_SECURITY_PROTOCOL": "PLAINTEXT"},
            r"Kafka at \S+ hangs up on us, or does not listen there for KAFKA_SECURITY_PROTOCOL=PLAINTEXT ",
        ),
        ("PLAIN", {"KAFKA_SECURITY_PROTOCOL": "PLAINTEXT"}, r"Kafka .* listen there for KAFKA_SECURITY_PROTOCOL=PLAI"),
        ("PLAIN", {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}, r"Kafka .* listen there for KAFKA_SECURITY_PROTOCOL=SASL_S"),
        ("SCRAM", {"KAFKA_SECURITY_PROTOCOL": "SSL"}, r"Kafka .* listen there for KAFKA_SECURITY_PROTOCOL=SSL "),
        (
            "TLS",
            {
                "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
                "KAFKA_SASL_PLAIN_USERNAME": USER,
                "KAFKA_SASL_PLAIN_PASSWORD": PASSWORD,
            },
            r"Kafka .* listen there for KAFKA_SECURITY_PROTOCOL=SASL_SSL \(IllegalSaslStateError\)",
        ),
    ],
)
@pytest.mark.asyncio
async def test_who_is_not_let_in_is_told_why_within_seconds(
    doors: Doors,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    *,
    way: str,
    instead: Variables,
    reason: str,
) -> None:
    """An empty value takes a variable away."""
    monkeypatch.chdir(doors.certificates.folder)
    variables = {name: value for name, value in (doors.way(way) | instead).items() if value}
    place = place_of(monkeypatch, variables)
    with pytest.raises(LogUnavailable, match=f"^{reason}") as refused:
        async with asyncio.timeout(TOLD_WITHIN_S), open_log(place):
            pass
    said = "".join(traceback.format_exception(refused.value)) + caplog.text
    assert PASSWORD not in said
    assert WRONG not in said


def test_a_command_that_waits_for_kafka_does_not_wait_for_another_password(doors: Doors, tmp_path: Path) -> None:
    own = {"RAPPORT_DATA": str(tmp_path), "RAPPORT_IDENTITY_SECRET": SECRET.hex(), "KAFKA_SASL_PLAIN_PASSWORD": WRONG}
    environment = os.environ | doors.way("SCRAM") | own
    order = [str(RAPPORT), "topics", "ensure"]
    done = subprocess.run(order, env=environment, capture_output=True, check=False, timeout=READY_WITHIN_S)
    refusal = b"Kafka refuses who we say we are (SaslAuthenticationFailed): "
    variables_to_look_at = b"KAFKA_SASL_PLAIN_USERNAME or KAFKA_SASL_PLAIN_PASSWORD"
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"rapport: " + refusal + variables_to_look_at + b"\n"


@pytest.mark.asyncio
async def test_certificates_may_be_away_while_they_are_renewed(
    doors: Doors, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nothing of the log dies of it: not what appends, nor what reads, nor what advises."""
    authority = tmp_path / "ca.pem"
    authority.write_bytes(Path(doors.certificates.file("ca.pem")).read_bytes())
    place = place_of(monkeypatch, doors.way("TLS") | {"KAFKA_SSL_CAFILE": str(authority)})
    async with open_log(place) as log:
        await log.create_topics({TOPIC: 12})
        renewed = authority.rename(tmp_path / "renewed.pem")
        reason = f"^KAFKA_SSL_CAFILE={authority}: No such file or directory$"
        await log.advise("timeline", {Partition(TOPIC, 0): 0})
        with pytest.raises(AppendRefused, match=reason):
            await appended(log, b"lost")
        with pytest.raises(LogUnavailable, match=reason):
            await log.ends([TOPIC])
        assert log.trouble == reason.strip("^$")
        renewed.rename(authority)
        partition, offset = await appended(log, b"kept")
        (kept,) = await followed(log, partition, offset)
        assert kept.value == b"kept"
        assert not log.trouble


@contextmanager
def serving(variables: Variables, database_url: str, log: Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """`rapport serve timeline`, and where it answers; all it says is in `log`."""
    (port,) = free_ports(1)
    environment = os.environ | variables | {
        "RAPPORT_SINGLE_BROKER": "1",
        "RAPPORT_IDENTITY_SECRET": SECRET.hex(),
        "RAPPORT_PORT": str(port),
        "RAPPORT_LOG_LEVEL": "debug",
        "DATABASE_URL": database_url,
    }  # fmt: skip
    with (
        log.open("wb") as output,
        subprocess.Popen([RAPPORT, "serve", "timeline"], env=environment, stdout=output, stderr=output) as process,
    ):
        try:
            yield f"http://127.0.0.1:{port}", process
            process.terminate()
            process.wait(ENDS_WITHIN_S)
        finally:
            process.kill()


async def readiness(url: str) -> tuple[int, str]:
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        try:
            answer = await client.get(f"{url}/readyz")
        except httpx.TransportError as reason:
            return 0, str(reason)
    return answer.status_code, answer.text


@pytest.mark.asyncio
async def test_a_service_is_ready_over_tls_with_its_password_and_says_so_where_it_is_wrong(
    doors: Doors, databases: NewDatabase, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with monkeypatch.context() as here:
        place = place_of(here, doors.way("SCRAM"))
    async with open_log(place) as log:
        await ensure_topics(log, CHECK)
    refusal = "Kafka refuses who we say we are (SaslAuthenticationFailed)"
    wrong = doors.way("PLAIN") | {"KAFKA_SASL_PLAIN_PASSWORD": WRONG}
    right_log, wrong_log = tmp_path / "right.log", tmp_path / "wrong.log"
    with (
        serving(doors.way("SCRAM"), await databases(), right_log) as (right_url, _),
        serving(wrong, await databases(), wrong_log) as (wrong_url, refused),
    ):

        async def ready() -> bool:
            return (await readiness(right_url))[0] == 200

        async def told() -> bool:
            status, said = await readiness(wrong_url)
            return status == 503 and refusal in said

        await until(ready, READY_WITHIN_S, "the service is ready")
        await until(told, READY_WITHIN_S, "the other says why it is not")
        assert refused.poll() is None
    assert wrong_log.read_text().count(refusal) == 1
    for said in (right_log.read_text(), wrong_log.read_text()):
        assert "Traceback" not in said
        assert PASSWORD not in said
        assert WRONG not in said


@pytest.mark.asyncio
async def test_a_service_with_a_certificate_that_is_none_refuses_to_run(doors: Doors, tmp_path: Path) -> None:
    said, file = tmp_path / "log", tmp_path / "ca.pem"
    file.write_text("no certificate\n")
    with serving(doors.way("TLS") | {"KAFKA_SSL_CAFILE": str(file)}, "postgresql://nowhere/", said) as (_, process):
        assert process.wait(READY_WITHIN_S) == 78
    assert f"reason='KAFKA_SSL_CAFILE={file} holds no certificate in PEM form'" in said.read_text()
