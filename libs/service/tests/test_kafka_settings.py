"""How a process is told to speak to Kafka, and what it refuses before it has spoken to anyone."""

from pathlib import Path

import pytest

from libs.events.kafka_log.place import KafkaPlace
from libs.events.log import LogUnavailable
from libs.service.settings import Settings
from tests.integration.secured import KEY_PASSWORD, Certificates

SSL = {"KAFKA_SECURITY_PROTOCOL": "SSL"}
SASL_SSL = {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}
CLIENT = {"KAFKA_SSL_CERTFILE": "client.pem", "KAFKA_SSL_KEYFILE": "client.key"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates and other things."""
    folder = tmp_path_factory.mktemp("certificates")
    Certificates(folder).make()
    (folder / "text").write_text("no certificate\n")
    (folder / "torn.pem").write_text((folder / "ca.pem").read_text()[:200])
    return folder


@pytest.fixture
def folder(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this process is."""
    monkeypatch.chdir(made)
    return made


def place(monkeypatch: pytest.MonkeyPatch, **variables: str) -> KafkaPlace:
    for name, value in {"KAFKA_BOOTSTRAP_SERVERS": "kafka-1:9092,kafka-2:9092", **variables}.items():
        monkeypatch.setenv(name, value)
    found = Settings().log_place()
    assert isinstance(found, KafkaPlace)
    return found


@pytest.mark.usefixtures("folder")
def test_everything_reaches_the_client_under_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    found = place(
        monkeypatch,
        KAFKA_SECURITY_PROTOCOL="SASL_SSL",
        KAFKA_SASL_MECHANISM="SCRAM-SHA-256",
        KAFKA_SASL_PLAIN_USERNAME="rapport",
        KAFKA_SASL_PLAIN_PASSWORD="hush",
        KAFKA_SSL_CAFILE="ca.pem",
        KAFKA_SSL_PASSWORD=KEY_PASSWORD,
        **CLIENT,
    )
    assert found == KafkaPlace(
        "kafka-1:9092,kafka-2:9092",
        security_protocol="SASL_SSL",
        sasl_mechanism="SCRAM-SHA-256",
        sasl_plain_username="rapport",
        sasl_plain_password="hush",
        ssl_cafile="ca.pem",
        ssl_certfile="client.pem",
        ssl_keyfile="client.key",
        ssl_password=KEY_PASSWORD,
    )
    told = found.client()
    assert (told["security_protocol"], told["sasl_mechanism"]) == ("SASL_SSL", "SCRAM-SHA-256")
    assert (told["sasl_plain_username"], told["sasl_plain_password"]) == ("rapport", "hush")
    (trusted,) = told["ssl_context"].get_ca_certs()
    assert trusted["subject"] == ((("commonName", "ca"),),)


def test_without_a_file_of_its_own_it_trusts_whom_the_system_trusts(monkeypatch: pytest.MonkeyPatch) -> None:
    context = place(monkeypatch, **SSL).client()["ssl_context"]
    assert (context.check_hostname, context.verify_mode.name) == (True, "CERT_REQUIRED")


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"KAFKA_SECURITY_PROTOCOL": "TLS"}, "KAFKA_SECURITY_PROTOCOL: Input should be 'PLAINTEXT', 'SSL', "),
        ({"KAFKA_SASL_MECHANISM": "GSSAPI"}, "KAFKA_SASL_MECHANISM: Input should be 'PLAIN', "),
        (SASL_SSL, "KAFKA_SECURITY_PROTOCOL=SASL_SSL needs KAFKA_SASL_PLAIN_USERNAME and KAFKA_SASL_PLAIN_PASSWORD"),
        (SASL_SSL | {"KAFKA_SASL_PLAIN_PASSWORD": "hush"}, "KAFKA_SECURITY_PROTOCOL=SASL_SSL needs KAFKA_SASL_PLAIN_"),
        (SSL | {"KAFKA_SSL_CAFILE": "away.pem"}, "KAFKA_SSL_CAFILE=away.pem: No such file or directory"),
        (SSL | {"KAFKA_SSL_CAFILE": "/"}, "KAFKA_SSL_CAFILE=/: Is a directory"),
        (SSL | {"KAFKA_SSL_CAFILE": "text"}, "KAFKA_SSL_CAFILE=text holds no certificate in PEM form"),
        (SSL | {"KAFKA_SSL_CAFILE": "torn.pem"}, "KAFKA_SSL_CAFILE=torn.pem holds no certificate in PEM form"),
        (SSL | CLIENT | {"KAFKA_SSL_CERTFILE": "away.pem"}, "KAFKA_SSL_CERTFILE=away.pem: No such file or directory"),
        (SSL | CLIENT | {"KAFKA_SSL_CERTFILE": "text"}, "KAFKA_SSL_CERTFILE=text holds no certificate in PEM form"),
        (SSL | CLIENT | {"KAFKA_SSL_KEYFILE": "away.key"}, "KAFKA_SSL_KEYFILE=away.key: No such file or directory"),
        (
            SSL | CLIENT | {"KAFKA_SSL_KEYFILE": "other.key"},
            "KAFKA_SSL_KEYFILE=other.key holds another key than that of KAFKA_SSL_CERTFILE",
        ),
        (
            SSL | {"KAFKA_SSL_CERTFILE": "client.pem"},
            "KAFKA_SSL_CERTFILE=client.pem holds no key in PEM form that can be read without KAFKA_SSL_PASSWORD",
        ),
        (
            SSL | {"KAFKA_SSL_KEYFILE": "client.key"},
            "KAFKA_SSL_KEYFILE=client.key is of no use without its certificate, KAFKA_SSL_CERTFILE",
        ),
        (SSL | CLIENT, "KAFKA_SSL_KEYFILE=client.key holds no key in PEM form that can be read without KAFKA_SSL_PASS"),
        (
            SSL | CLIENT | {"KAFKA_SSL_PASSWORD": "hush"},
            "KAFKA_SSL_KEYFILE=client.key holds no key in PEM form that can be read with this KAFKA_SSL_PASSWORD",
        ),
        (
            SSL | CLIENT | {"KAFKA_SSL_PASSWORD": "hush" * 500},
            "KAFKA_SSL_PASSWORD is longer than any that OpenSSL take",
        ),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_cannot_be_used_is_refused_by_name_in_one_line_without_secrets(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], reason: str
) -> None:
    """Without a question at the terminal, too, which OpenSSL would ask for the password of a key."""
    with pytest.raises(ValueError, match=r"^KAFKA_") as refused:
        place(monkeypatch, **variables)
    assert str(refused.value).startswith(reason)
    assert "\n" not in str(refused.value)
    assert "hush" not in str(refused.value)


def test_a_file_that_is_away_later_is_told_and_read_again(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    found = place(monkeypatch, **SSL, KAFKA_SSL_CAFILE="ca.pem")
    renewed = (folder / "ca.pem").rename(folder / "renewed.pem")
    with pytest.raises(LogUnavailable, match=r"^KAFKA_SSL_CAFILE=ca\.pem: No such file or directory$"):
        found.client()
    renewed.rename(folder / "ca.pem")
    assert found.client()["ssl_context"].get_ca_certs()
