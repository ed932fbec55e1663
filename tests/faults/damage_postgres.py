"""What can befall a log in PostgreSQL, done to its tables; each with what the services call it."""

from collections.abc import Awaitable, Callable

import asyncpg

from libs.events.identifiers import Nodes
from libs.events.log_created import ensure_topics
from libs.events.opening import open_log
from tests.faults.events import EVERYWHERE, TOPIC, purchases
from tests.faults.stage import Stage, append_in_pieces

RECORDS = 300
Damage = Callable[[Stage], Awaitable[None]]

LAST = f"SELECT topic, partition, max(base_offset) FROM log_batches WHERE topic = '{TOPIC}' GROUP BY 1, 2"


async def on_log(stage: Stage, statement: str) -> None:
    assert isinstance(stage.place, str)
    connection = await asyncpg.connect(stage.place)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def put_the_clock_on(stage: Stage, ahead_ms: int) -> None:
    """The log was last written by a clock that said this."""
    await on_log(stage, f"UPDATE log_heads SET recorded_ms = {ahead_ms}")


async def cut_the_end(stage: Stage) -> None:
    await on_log(
        stage,
        f"DELETE FROM log_batches WHERE (topic, partition, base_offset) IN ({LAST} HAVING max(base_offset) > 0);"
        f"UPDATE log_heads h SET next_offset = (SELECT max(base_offset + records) FROM log_batches b "
        f"WHERE b.topic = h.topic AND b.partition = h.partition) WHERE topic = '{TOPIC}'",
    )


async def cut_and_grow_again(stage: Stage) -> None:
    await cut_the_end(stage)
    async with stage.log() as log:
        await append_in_pieces(log, purchases(RECORDS, customers=100, prefix="other"), size=50)


async def empty_a_partition(stage: Stage) -> None:
    await on_log(
        stage,
        f"DELETE FROM log_batches WHERE topic = '{TOPIC}' AND partition = 3;"
        f"UPDATE log_heads SET next_offset = 0 WHERE topic = '{TOPIC}' AND partition = 3",
    )


async def lose_batches_but_not_the_head(stage: Stage) -> None:
    await on_log(stage, f"DELETE FROM log_batches WHERE (topic, partition, base_offset) IN ({LAST})")


async def exchange_the_last_record(stage: Stage) -> None:
    """The offsets stay, other records stand there."""
    await on_log(
        stage,
        f"UPDATE log_batches b SET body = o.body, records = o.records FROM log_batches o, ({LAST}) last (t, p, m) "
        "WHERE b.topic = t AND b.partition = p AND b.base_offset = m AND o.topic = t AND o.partition = p "
        "AND o.records = b.records AND o.base_offset = "
        "(SELECT min(base_offset) FROM log_batches x WHERE x.topic = t AND x.partition = p AND base_offset > 0 "
        "AND x.records = b.records AND x.base_offset < m)",
    )


async def exchange_the_log(stage: Stage) -> None:
    await on_log(stage, "TRUNCATE log_batches; UPDATE log_heads SET next_offset = 0, recorded_ms = 0")
    async with stage.log() as log:
        await append_in_pieces(log, purchases(2 * RECORDS, customers=100), size=50)


async def exchange_the_secret(stage: Stage) -> None:
    await on_log(stage, "TRUNCATE log_batches; UPDATE log_heads SET next_offset = 0, recorded_ms = 0")
    async with open_log(stage.place) as log:
        await ensure_topics(log, Nodes(bytes(32)).check_value())


async def add_a_partition(stage: Stage) -> None:
    await on_log(stage, f"INSERT INTO log_heads (topic, partition) VALUES ('{TOPIC}', {len(EVERYWHERE)})")


async def take_a_partition_away(stage: Stage) -> None:
    await on_log(
        stage,
        f"DELETE FROM log_batches WHERE topic = '{TOPIC}' AND partition = 3;"
        f"DELETE FROM log_heads WHERE topic = '{TOPIC}' AND partition = 3",
    )


async def cut_the_end_of_identity(stage: Stage) -> None:
    await on_log(
        stage,
        "DELETE FROM log_batches b WHERE topic = 'identity' AND base_offset = "
        "(SELECT max(base_offset) FROM log_batches WHERE topic = 'identity');"
        "UPDATE log_heads SET next_offset = (SELECT max(base_offset + records) FROM log_batches "
        "WHERE topic = 'identity') WHERE topic = 'identity'",
    )


async def add_a_partition_to_identity(stage: Stage) -> None:
    await on_log(stage, "INSERT INTO log_heads (topic, partition) VALUES ('identity', 1)")


WHILE_STOPPED = [
    (cut_the_end, "log went backwards"),
    (cut_and_grow_again, "log replaced: record"),
    (empty_a_partition, "log incomplete: interactions/3 has no first record"),
    (lose_batches_but_not_the_head, "log incomplete"),
    (exchange_the_last_record, "log replaced: record"),
    (exchange_the_log, "log replaced"),
    (exchange_the_secret, "the identity secret is not the one"),
    (add_a_partition, "topic interactions has 13 partitions, not 12"),
    (take_a_partition_away, "topic interactions has 11 partitions, not 12"),
    (cut_the_end_of_identity, "log went backwards: identity/0"),
    (add_a_partition_to_identity, "topic identity has 2 partitions, not 1"),
]
WHILE_RUNNING = [
    (cut_the_end, "log went backwards"),
    (add_a_partition, r"log replaced: \d+ partitions where \d+ were made"),
    # Whoever looks first: the reader of that partition, or who keeps the ends in sight.
    (take_a_partition_away, r"log (replaced: \d+ partitions where \d+ were made|went backwards: interactions/3)"),
    (empty_a_partition, "log went backwards"),
    (cut_the_end_of_identity, "log went backwards: identity/0"),
]
