"""The tables of the PostgreSQL log, as numbered steps: a replay cannot restore the log, so nothing is dropped.

`log_heads` has one row a partition: the next offset and the last recorded time. Appending moves the heads it needs,
in one order (its caller sorts them, so nobody deadlocks), and inserts the batches, in one statement of one short
transaction. So offsets have no gaps, commit order is offset order within a partition, and recorded times never step
back, whatever the clock does.
"""

import asyncpg

from libs.events.log import LogBroken

CHANNEL = "rapport_log"

_STEP_1 = """
CREATE TABLE log_heads (
    topic text COLLATE "C" NOT NULL,
    partition int NOT NULL,
    next_offset bigint NOT NULL DEFAULT 0,
    recorded_ms bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 20);

CREATE TABLE log_batches (
    topic text COLLATE "C" NOT NULL,
    partition int NOT NULL,
    base_offset bigint NOT NULL,
    records int NOT NULL,
    recorded_ms bigint NOT NULL,
    bytes int NOT NULL,
    body bytea STORAGE EXTERNAL NOT NULL,
    PRIMARY KEY (topic, partition, base_offset)
);

CREATE FUNCTION log_append(topics text[], partitions int[], counts int[], sizes int[], bodies bytea[])
RETURNS TABLE (first_offset bigint) LANGUAGE plpgsql AS $$
DECLARE
    now_ms bigint := floor(extract(epoch FROM clock_timestamp()) * 1000);
    body bytea;
    time_ms bigint;
    n int := 0;
BEGIN
    FOREACH body IN ARRAY bodies LOOP  -- one by one: a set of large values would be copied at every step of a plan
        n := n + 1;
        UPDATE log_heads h
            SET next_offset = h.next_offset + counts[n], recorded_ms = greatest(h.recorded_ms, now_ms)
            WHERE h.topic = topics[n] AND h.partition = partitions[n]
            RETURNING h.next_offset - counts[n], h.recorded_ms INTO first_offset, time_ms;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'a topic or partition does not exist' USING ERRCODE = 'no_data_found';
        END IF;
        INSERT INTO log_batches (topic, partition, base_offset, records, recorded_ms, bytes, body)
            VALUES (topics[n], partitions[n], first_offset, counts[n], time_ms, sizes[n], body);
        RETURN NEXT;
    END LOOP;
    PERFORM pg_notify('rapport_log', '');
END $$;
"""

STEPS = (_STEP_1,)

_REQUIRED = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "transaction_read_only": "off"}


async def ensure_schema(connection: asyncpg.Connection) -> None:
    """Bring the log's tables to the newest step; does nothing where they are. Safe to call from many at once."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext('rapport log schema'))")
        await connection.execute("CREATE TABLE IF NOT EXISTS log_steps (step int PRIMARY KEY)")
        done = await connection.fetchval("SELECT coalesce(max(step), 0) FROM log_steps")
        if done > len(STEPS):
            raise LogBroken(f"the log's tables are at step {done}, this program knows {len(STEPS)}: use a newer one")
        for number, step in enumerate(STEPS[done:], start=done + 1):
            await connection.execute(step)
            await connection.execute("INSERT INTO log_steps VALUES ($1)", number)


async def refuse_unsafe_server(connection: asyncpg.Connection) -> None:
    """Raise LogBroken unless an acknowledged append survives a power cut on this server."""
    for setting, wanted in _REQUIRED.items():
        found = await connection.fetchval("SELECT current_setting($1)", setting)
        if found != wanted:
            raise LogBroken(f"PostgreSQL holds the log with {setting} = {found}; it must be {wanted}")
    if await connection.fetchval("SELECT pg_is_in_recovery()"):
        raise LogBroken("PostgreSQL holds the log on a standby; the log needs the primary")
