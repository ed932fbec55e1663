"""Every setting of a service process, read from the environment once. docs/operations.md lists them."""

import ipaddress
import socket
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretBytes, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from libs.events.opening import LogPlace
from libs.service.faults import faults_of
from libs.service.kafka_settings import KafkaSettings


class Settings(BaseSettings):
    """Raises pydantic's ValidationError with the name of the variable and what is wrong with it."""

    model_config = SettingsConfigDict(env_prefix="RAPPORT_", extra="ignore", hide_input_in_errors=True)

    data: Path = Field(default=Path(".rapport"), description="Folder of the embedded system's data")
    log_url: SecretStr | None = Field(default=None, description="PostgreSQL that holds the log (postgresql://...)")
    single_broker: bool = Field(
        default=False, description="1 makes Kafka's topics with one replica, for a log on a single broker"
    )
    prefix: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9_-]{0,64}$",
        description="Put before the names of topics and databases: several installations can share what holds them",
    )
    database_url: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("DATABASE_URL", "RAPPORT_DATABASE_URL", "database_url"),
        description="PostgreSQL database of this service's own (postgresql://...)",
    )
    identity_secret: SecretBytes | None = Field(
        default=None, description="The identity secret, as 64 hexadecimal digits"
    )
    identity_secret_file: Path | None = Field(
        default=None, description="File with the identity secret, instead of the above"
    )
    host: str = Field(
        default="127.0.0.1", description="Address to listen on; anything but loopback needs RAPPORT_INSECURE=1"
    )
    port: int | None = Field(
        default=None, ge=0, le=65_535, description="Port to listen on; each service has its own default"
    )
    insecure: bool = Field(
        default=False, description="1 allows listening beyond loopback although there is no access control"
    )
    instance: str = Field(
        default_factory=socket.gethostname,
        min_length=1,
        max_length=200,
        description="Name of this instance: a new process of the same name takes its partitions over at once",
    )
    cors_origins: list[str] = Field(
        default_factory=list, description="JSON list of origins that browsers may call from"
    )
    log_format: Literal["console", "json"] = Field(default="console", description="How log lines look")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="What is logged")
    fold_paused: bool = Field(default=False, description="1 takes events in without folding them (benchmarks)")
    max_lag: int = Field(
        default=100_000, ge=1, description="Records behind the log's end at which a service calls itself not ready"
    )

    @field_validator("identity_secret")
    @classmethod
    def _hexadecimal(cls, secret: SecretBytes | None) -> SecretBytes | None:
        return None if secret is None else SecretBytes(_secret(secret.get_secret_value().decode(errors="replace")))

    @model_validator(mode="after")
    def _stay_on_loopback(self) -> "Settings":
        if not self.insecure and not _is_loopback(self.host):
            raise ValueError(
                f"RAPPORT_HOST={self.host} is not loopback: anyone who reaches it could read and write everything, "
                "since there is no access control yet; RAPPORT_INSECURE=1 allows it all the same"
            )
        return self

    def log_place(self) -> LogPlace:
        """Where the log is: in Kafka where it is named, else in PostgreSQL. Raises ValueError, by variable."""
        try:
            kafka = KafkaSettings()
        except ValidationError as reason:
            raise ValueError("; ".join(faults_of(reason, "KAFKA"))) from None
        if kafka.bootstrap_servers is not None:
            return kafka.place(self.prefix, single_broker=self.single_broker)
        if self.log_url is None:
            raise ValueError("KAFKA_BOOTSTRAP_SERVERS or RAPPORT_LOG_URL must be set")
        return self.log_url.get_secret_value()

    def secret(self) -> bytes:
        """The identity secret. Raises ValueError where none is set or its file cannot be used."""
        if self.identity_secret is not None:
            return self.identity_secret.get_secret_value()
        if self.identity_secret_file is None:
            raise ValueError("RAPPORT_IDENTITY_SECRET or RAPPORT_IDENTITY_SECRET_FILE must be set")
        raw = self.identity_secret_file.read_bytes()
        return raw if len(raw) == _SECRET_BYTES else _secret(raw.decode(errors="replace").strip())


_SECRET_BYTES = 32


def _secret(text: str) -> bytes:
    try:
        secret = bytes.fromhex(text)
    except ValueError:
        secret = b""
    if len(secret) != _SECRET_BYTES:
        raise ValueError("the identity secret is 64 hexadecimal digits")
    return secret


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
