"""The log on PostgreSQL: one row per record batch, one head row per partition, one writer per process."""
