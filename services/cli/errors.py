"""How a command fails: one clear line, exit code 1, no traceback."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from libs.service.kafka_settings import KafkaSettings
    from libs.service.settings import Settings

Read = TypeVar("Read")


class Failure(Exception):
    """Its text is what the operator reads."""


def settings_or_failure() -> "Settings":
    """The settings. Raises Failure that names the variable and the reason."""
    from libs.service.settings import Settings

    return _or_failure(Settings, "RAPPORT")


def kafka_or_failure() -> "KafkaSettings":
    """How Kafka is reached. Raises Failure that names the variable and the reason."""
    from libs.service.kafka_settings import KafkaSettings

    return _or_failure(KafkaSettings, "KAFKA")


def _or_failure(read: Callable[[], Read], prefix: str) -> Read:
    from pydantic import ValidationError

    from libs.service.faults import faults_of

    try:
        return read()
    except ValidationError as reason:
        raise Failure("\n".join(faults_of(reason, prefix))) from None
