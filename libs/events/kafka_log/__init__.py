"""The log on Apache Kafka: hand-made batches, consumers that are assigned and sought, topics that are checked."""
