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

    try:
        return read()
    except ValidationError as reason:
        raise Failure("\n".join(_line(dict(fault), prefix) for fault in reason.errors())) from None


def _line(fault: dict[str, object], prefix: str) -> str:
    location = fault["loc"]
    name = ".".join(str(part) for part in location) if isinstance(location, tuple) else ""
    message = str(fault["msg"]).removeprefix("Value error, ")
    return f"{prefix}_{name.upper()}: {message}" if name else message
