import os
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.cli import topics, waiting
from services.cli.errors import Failure
from tests.forks import rapport


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file that is not there yet."""
    return tmp_path / "identity.secret"


@pytest.fixture
def environment(database: str, secret: Path) -> dict[str, str]:
    """A new log without a secret."""
    return os.environ | {"RAPPORT_LOG_URL": database, "RAPPORT_IDENTITY_SECRET_FILE": str(secret)}


def ensure(environment: dict[str, str], *options: str) -> "subprocess.CompletedProcess[str]":
    return rapport(["topics", "ensure", *options], environment)


def test_a_secret_is_made_once_for_a_new_log(environment: dict[str, str], secret: Path) -> None:
    with ThreadPoolExecutor(2) as both:
        done = list(both.map(lambda _: ensure(environment, "--new-secret"), range(2)))
    assert [each.returncode for each in done] == [0, 0], done
    made = secret.read_text()
    assert len(bytes.fromhex(made)) == 32
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert [each.name for each in secret.parent.iterdir()] == [secret.name]
    assert ensure(environment, "--new-secret").returncode == 0
    assert ensure(environment).returncode == 0
    assert secret.read_text() == made


def test_a_log_that_has_a_name_gets_no_other_secret(environment: dict[str, str], secret: Path) -> None:
    assert ensure(environment, "--new-secret").returncode == 0
    secret.unlink()
    refused = ensure(environment, "--new-secret")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith(f"rapport: {secret} is missing, and this log has a name already")
    assert not secret.exists()


def test_without_the_option_no_secret_is_made(environment: dict[str, str], secret: Path) -> None:
    done = ensure(environment)
    assert done.returncode == 1
    assert done.stderr.startswith("rapport: [Errno 2] No such file or directory")
    assert not secret.exists()


def test_a_file_that_holds_no_secret_is_left_as_it_is(environment: dict[str, str], secret: Path) -> None:
    secret.write_text("half a secr")
    done = ensure(environment, "--new-secret")
    assert done.stderr == "rapport: the identity secret is 64 hexadecimal digits\n"
    assert secret.read_text() == "half a secr"


def test_a_folder_that_is_not_there_is_named(environment: dict[str, str], secret: Path) -> None:
    missing = secret.parent / "missing" / secret.name
    done = ensure(environment | {"RAPPORT_IDENTITY_SECRET_FILE": str(missing)}, "--new-secret")
    assert done.stderr == f"rapport: {missing.parent}: cannot be written: No such file or directory\n"


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "--new-secret: RAPPORT_IDENTITY_SECRET_FILE must name the file"),
        (
            {"RAPPORT_IDENTITY_SECRET_FILE": "/nowhere/secret", "RAPPORT_IDENTITY_SECRET": "ab" * 32},
            "--new-secret: RAPPORT_IDENTITY_SECRET_FILE must name the file, and no other variable the secret",
        ),
        ({"RAPPORT_IDENTITY_SECRET_FILE": "/nowhere/secret"}, "KAFKA_BOOTSTRAP_SERVERS or RAPPORT_LOG_URL must be set"),
    ],
)
def test_a_new_secret_needs_a_file_and_a_log(
    variables: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Failure, match=said):
        topics.ensure(new_secret=True, single_broker=False)


def test_a_log_in_postgresql_has_no_brokers(environment: dict[str, str]) -> None:
    done = ensure(environment, "--new-secret", "--single-broker")
    assert done.stderr == "rapport: --single-broker: this log is in PostgreSQL, which has no brokers\n"


def test_brokers_that_do_not_come_are_waited_for_so_long_and_no_longer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], secret: Path
) -> None:
    monkeypatch.setattr(waiting, "PATIENCE_S", 0.0)
    monkeypatch.setattr(waiting, "ASK_AGAIN_S", 0.01)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setenv("RAPPORT_IDENTITY_SECRET_FILE", str(secret))
    with pytest.raises(Failure, match=r"Kafka at .* cannot be reached or does not answer .*; waited 0 s"):
        topics.ensure(new_secret=True, single_broker=True)
    assert "Waiting: Kafka at 127.0.0.1:1 " in capsys.readouterr().err
    assert not secret.exists()
