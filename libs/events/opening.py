"""Which log: one in PostgreSQL, by its URL, or one in Apache Kafka, by its brokers."""

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Union

from libs.events.log_created import AdministeredLog
from libs.events.postgres_log.adapter import open_postgres_log

if TYPE_CHECKING:
    from libs.events.kafka_log.place import KafkaPlace

LogPlace = Union[str, "KafkaPlace"]


def open_log(place: LogPlace) -> AbstractAsyncContextManager[AdministeredLog]:
    """Serve appends and reads while the block runs. Raises LogUnavailable, and LogBroken where it may be no log."""
    if isinstance(place, str):
        return open_postgres_log(place)
    # Who has no Kafka pays nothing for its client.
    from libs.events.kafka_log.adapter import open_kafka_log  # noqa: PLC0415

    return open_kafka_log(place)
