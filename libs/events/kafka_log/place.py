"""Where a log on Kafka is, and how its brokers are spoken to."""

from dataclasses import dataclass
from typing import Any

from aiokafka.errors import ConsumerStoppedError, KafkaError
from aiokafka.helpers import create_ssl_context

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
        """The arguments of every client. Raises OSError for certificates that cannot be read."""
        arguments: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap_servers,
            "client_id": "rapport",
            "request_timeout_ms": REQUEST_TIMEOUT_MS,
            "retry_backoff_ms": RETRY_BACKOFF_MS,
            "metadata_max_age_ms": METADATA_MAX_AGE_MS,
            "security_protocol": self.security_protocol,
        }
        if self.security_protocol.endswith("SSL"):
            arguments["ssl_context"] = create_ssl_context(
                cafile=self.ssl_cafile, certfile=self.ssl_certfile, keyfile=self.ssl_keyfile, password=self.ssl_password
            )
        if self.security_protocol.startswith("SASL"):
            arguments |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.sasl_plain_username,
                "sasl_plain_password": self.sasl_plain_password,
            }
        return arguments

    def topic(self, name: str) -> str:
        """A topic as the brokers call it."""
        return f"{self.prefix}{name}"

    def partition(self, topic: str, number: int) -> Partition:
        """A partition of the brokers' as the log calls it."""
        return Partition(topic.removeprefix(self.prefix), number)


def unavailable(reason: BaseException) -> LogUnavailable:
    """What a client failed with, as the port says it."""
    return LogUnavailable(f"Kafka cannot be reached or does not answer ({type(reason).__name__})")
