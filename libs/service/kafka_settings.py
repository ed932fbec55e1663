"""How Apache Kafka is reached, under the client's own names. docs/operations.md lists them."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

if TYPE_CHECKING:
    from libs.events.kafka_log.place import KafkaPlace


_ADDRESS = re.compile(r"[^\s,:]+:[0-9]{1,5}|\[[0-9A-Fa-f:.]+\]:[0-9]{1,5}")


class KafkaSettings(BaseSettings):
    """Raises pydantic's ValidationError with the name of the variable and what is wrong with it."""

    model_config = SettingsConfigDict(env_prefix="KAFKA_", extra="ignore", hide_input_in_errors=True)

    bootstrap_servers: str | None = Field(
        default=None, description="Brokers of the Kafka that holds the log (host:port,...)"
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="How the brokers are spoken to"
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="PLAIN", description="How this client proves who it is, where the protocol has SASL"
    )
    sasl_plain_username: str | None = Field(default=None, description="Who this client is")
    sasl_plain_password: SecretStr | None = Field(default=None, description="The password for that")
    ssl_cafile: Path | None = Field(default=None, description="Who is trusted as a broker; else whom the system trusts")
    ssl_certfile: Path | None = Field(default=None, description="This client's own certificate")
    ssl_keyfile: Path | None = Field(default=None, description="The key of that certificate")
    ssl_password: SecretStr | None = Field(default=None, description="The password of that key")

    @field_validator("bootstrap_servers")
    @classmethod
    def _addresses(cls, servers: str | None) -> str | None:
        if servers is not None and not all(_ADDRESS.fullmatch(each) for each in servers.split(",")):
            raise ValueError("brokers are named as host:port, with commas between them")
        return servers

    @model_validator(mode="after")
    def _complete(self) -> "KafkaSettings":
        if self.security_protocol.startswith("SASL") and not (self.sasl_plain_username and self.sasl_plain_password):
            raise ValueError(
                f"KAFKA_SECURITY_PROTOCOL={self.security_protocol} needs KAFKA_SASL_PLAIN_USERNAME and "
                "KAFKA_SASL_PLAIN_PASSWORD"
            )
        if self.security_protocol.endswith("SSL"):
            self._require_certificates()
        return self

    def _require_certificates(self) -> None:
        # Who speaks no TLS pays nothing for it.
        from libs.events.kafka_log.certificates import ssl_context  # noqa: PLC0415

        files = (_path(self.ssl_cafile), _path(self.ssl_certfile), _path(self.ssl_keyfile))
        ssl_context(*files, _revealed(self.ssl_password))

    def place(self, prefix: str, *, single_broker: bool) -> "KafkaPlace":
        """These brokers, and the topics of one installation there."""
        # Who has no Kafka pays nothing for its client.
        from libs.events.kafka_log.place import KafkaPlace  # noqa: PLC0415

        return KafkaPlace(
            bootstrap_servers=self.bootstrap_servers or "",
            prefix=prefix,
            single_broker=single_broker,
            security_protocol=self.security_protocol,
            sasl_mechanism=self.sasl_mechanism,
            sasl_plain_username=self.sasl_plain_username,
            sasl_plain_password=_revealed(self.sasl_plain_password),
            ssl_cafile=_path(self.ssl_cafile),
            ssl_certfile=_path(self.ssl_certfile),
            ssl_keyfile=_path(self.ssl_keyfile),
            ssl_password=_revealed(self.ssl_password),
        )


def _revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def _path(path: Path | None) -> str | None:
    return None if path is None else str(path)
