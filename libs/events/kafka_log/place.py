"""Where a log on Kafka is, and how its brokers are spoken to."""

import ssl
from dataclasses import dataclass
from typing import Any

from aiokafka.errors import ConsumerStoppedError, KafkaError

from libs.events.kafka_log.certificates import ssl_context
from libs.events.log import LogUnavailable
from libs.events.position import Partition

REQUEST_TIMEOUT_MS = 5_000  # a broker that says nothing for so long is asked again on a new connection
RETRY_BACKOFF_MS = 50
METADATA_MAX_AGE_MS = 5_000  # how long partitions that were added, and topics that were removed, may go unnoticed

CLIENT_ERRORS = (KafkaError, ConsumerStoppedError, OSError, TimeoutError)
"""Everything that a client can fail with."""


@dataclass(frozen=True, slots=True, repr=False)
class KafkaPlace:
    """Names are the client's own."""

    bootstrap_servers: str
    prefix: str = ""
    single_broker: bool = False
    """Topics are made with one replica: for one machine, and for trying."""
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str = "PLAIN"
    sasl_plain_username: str | None = None
    sasl_plain_password: str | None = None
    ssl_cafile: str | None = None
    ssl_certfile: str | None = None
    ssl_keyfile: str | None = None
    ssl_password: str | None = None

    def __repr__(self) -> str:
        """Without secrets."""
        return f"KafkaPlace({self.bootstrap_servers!r}, prefix={self.prefix!r})"

    def client(self) -> dict[str, Any]:
        """The arguments of every client. Raises LogUnavailable for certificates that cannot be used now."""
        return self.connection() | {
            "bootstrap_servers": self.bootstrap_servers,
            "retry_backoff_ms": RETRY_BACKOFF_MS,
            "metadata_max_age_ms": METADATA_MAX_AGE_MS,
        }

    def connection(self) -> dict[str, Any]:
        """The arguments of every connection. Files are read anew each time, since certificates are renewed."""
        arguments: dict[str, Any] = {
            "client_id": "rapport",
            "request_timeout_ms": REQUEST_TIMEOUT_MS,
            "security_protocol": self.security_protocol,
        }
        if self.security_protocol.endswith("SSL"):
            arguments["ssl_context"] = self._ssl_context()
        if self.security_protocol.startswith("SASL"):
            arguments |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.sasl_plain_username,
                "sasl_plain_password": self.sasl_plain_password,
            }
        return arguments

    def _ssl_context(self) -> ssl.SSLContext:
        try:
            return ssl_context(self.ssl_cafile, self.ssl_certfile, self.ssl_keyfile, self.ssl_password)
        except ValueError as reason:
            raise LogUnavailable(str(reason)) from None

    def topic(self, name: str) -> str:
        """A topic as the brokers call it."""
        return f"{self.prefix}{name}"

    def partition(self, topic: str, number: int) -> Partition:
        """A partition of the brokers' as the log calls it."""
        return Partition(topic.removeprefix(self.prefix), number)

    def unavailable(self, reason: BaseException) -> LogUnavailable:
        """What a client failed with, as the port says it."""
        name = type(reason).__name__
        return LogUnavailable(
            f"Kafka at {self.bootstrap_servers} (KAFKA_BOOTSTRAP_SERVERS) cannot be reached or does not answer ({name})"
        )
