"""The log on Apache Kafka: hand-made batches, consumers that are assigned and sought, topics that are checked."""

from libs.events.kafka_log import connections

__all__ = ["connections"]  # imported for what it mends
