"""The tables of the PostgreSQL log, as numbered steps: a replay cannot restore the log, so nothing is dropped.

`log_heads` has one row a partition: the next offset and the last recorded time. Appending locks the heads it needs in
one order, moves them and inserts the batches, all in one statement of one short transaction. So offsets have no gaps,
commit order is offset order within a partition, and recorded times never step back, whatever the clock does.
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

CREATE FUNCTION log_append(topics text[], partitions int[], counts int[], bodies bytea[])
RETURNS TABLE (first_offset bigint) LANGUAGE plpgsql AS $$
DECLARE
    now_ms bigint := floor(extract(epoch FROM clock_timestamp()) * 1000);
    stored int;
BEGIN
    PERFORM 1 FROM log_heads h
        WHERE (h.topic, h.partition) IN (SELECT t, p FROM unnest(topics, partitions) AS u (t, p))
        ORDER BY h.topic, h.partition FOR UPDATE;
    RETURN QUERY
    WITH given AS (
        SELECT u.t, u.p, u.c, u.b, u.n, sum(u.c) OVER (PARTITION BY u.t, u.p ORDER BY u.n) - u.c AS before
        FROM unnest(topics, partitions, counts, bodies) WITH ORDINALITY AS u (t, p, c, b, n)
    ), moved AS (
        UPDATE log_heads h
        SET next_offset = h.next_offset + s.total, recorded_ms = greatest(h.recorded_ms, now_ms)
        FROM (SELECT t, p, sum(c) AS total FROM given GROUP BY t, p) s
        WHERE h.topic = s.t AND h.partition = s.p
        RETURNING h.topic, h.partition, h.next_offset - s.total AS base, h.recorded_ms
    ), placed AS (
        SELECT g.n, g.t, g.p, (m.base + g.before)::bigint AS first, g.c, m.recorded_ms, g.b
        FROM given g JOIN moved m ON m.topic = g.t AND m.partition = g.p
    ), kept AS (
        INSERT INTO log_batches (topic, partition, base_offset, records, recorded_ms, bytes, body)
        SELECT t, p, first, c, placed.recorded_ms, octet_length(b), b FROM placed
    )
    SELECT first FROM placed ORDER BY n;
    GET DIAGNOSTICS stored = ROW_COUNT;
    IF stored <> cardinality(topics) THEN
        RAISE EXCEPTION 'a topic or partition does not exist' USING ERRCODE = 'no_data_found';
    END IF;
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
