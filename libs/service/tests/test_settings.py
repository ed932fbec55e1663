"""What a process is told by its environment, and what it refuses."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from libs.service.settings import Settings

SECRET = bytes(range(32))


def settings(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return Settings()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_needs_no_leave(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    assert settings(monkeypatch, RAPPORT_HOST=host).host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "example.org", ""])
def test_listening_elsewhere_is_refused_with_its_reason(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    with pytest.raises(ValidationError, match=r"not loopback.*no access control yet; RAPPORT_INSECURE=1"):
        settings(monkeypatch, RAPPORT_HOST=host)


def test_listening_elsewhere_can_be_insisted_on(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings(monkeypatch, RAPPORT_HOST="0.0.0.0", RAPPORT_INSECURE="1").host == "0.0.0.0"


def test_the_identity_secret_is_given_as_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings(monkeypatch, RAPPORT_IDENTITY_SECRET=SECRET.hex()).secret() == SECRET


@pytest.mark.parametrize("content", [SECRET, SECRET.hex().encode(), f"{SECRET.hex()}\n".encode()])
def test_the_identity_secret_is_given_as_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "secret"
    file.write_bytes(content)
    assert settings(monkeypatch, RAPPORT_IDENTITY_SECRET_FILE=str(file)).secret() == SECRET


@pytest.mark.parametrize("text", ["", "abc", "zz" * 32, SECRET.hex()[:-2], SECRET.hex() + "00"])
def test_another_identity_secret_is_refused_and_never_repeated(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    with pytest.raises(ValidationError, match="64 hexadecimal digits") as refused:
        settings(monkeypatch, RAPPORT_IDENTITY_SECRET=text)
    assert not text or text not in str(refused.value)


def test_without_an_identity_secret_nothing_is_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="RAPPORT_IDENTITY_SECRET or RAPPORT_IDENTITY_SECRET_FILE must be set"):
        settings(monkeypatch).secret()


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    made = settings(
        monkeypatch,
        DATABASE_URL="postgresql://me:hush@db/x",
        RAPPORT_LOG_URL="postgresql://me:hush@db/log",
        RAPPORT_IDENTITY_SECRET=SECRET.hex(),
    )
    assert "hush" not in repr(made)
    assert SECRET.hex() not in repr(made)
