"""F23 and F24: a log that was cut, exchanged or given partitions is refused by name, and no row is touched."""

import re
from collections.abc import Awaitable, Callable, Sequence

import pytest

from libs.events.digest import Digest
from libs.events.identifiers import Nodes
from libs.events.log_created import ensure_topics
from libs.events.postgres_log.adapter import PostgresLog, open_postgres_log
from tests.faults.events import EVERYWHERE, SERVICES, TOPIC, purchases
from tests.faults.ruled import sound
from tests.faults.stage import Stage, append_in_pieces
from tests.faults.story import tell

RECORDS = 300
Damage = Callable[[Stage], Awaitable[None]]

LAST = f"SELECT topic, partition, max(base_offset) FROM log_batches WHERE topic = '{TOPIC}' GROUP BY 1, 2"


async def cut_the_end(stage: Stage) -> None:
    await stage.on_log(
        f"DELETE FROM log_batches WHERE (topic, partition, base_offset) IN ({LAST} HAVING max(base_offset) > 0);"
        f"UPDATE log_heads h SET next_offset = (SELECT max(base_offset + records) FROM log_batches b "
        f"WHERE b.topic = h.topic AND b.partition = h.partition) WHERE topic = '{TOPIC}'"
    )


async def cut_and_grow_again(stage: Stage) -> None:
    await cut_the_end(stage)
    async with stage.log() as log:
        await append_in_pieces(log, purchases(RECORDS, customers=100, prefix="other"), size=50)


async def empty_a_partition(stage: Stage) -> None:
    await stage.on_log(
        f"DELETE FROM log_batches WHERE topic = '{TOPIC}' AND partition = 3;"
        f"UPDATE log_heads SET next_offset = 0 WHERE topic = '{TOPIC}' AND partition = 3"
    )


async def lose_batches_but_not_the_head(stage: Stage) -> None:
    await stage.on_log(f"DELETE FROM log_batches WHERE (topic, partition, base_offset) IN ({LAST})")


async def exchange_the_last_record(stage: Stage) -> None:
    """The offsets stay, other records stand there."""
    await stage.on_log(
        f"UPDATE log_batches b SET body = o.body, records = o.records FROM log_batches o, ({LAST}) last (t, p, m) "
        "WHERE b.topic = t AND b.partition = p AND b.base_offset = m AND o.topic = t AND o.partition = p "
        "AND o.records = b.records AND o.base_offset = "
        "(SELECT min(base_offset) FROM log_batches x WHERE x.topic = t AND x.partition = p AND base_offset > 0 "
        "AND x.records = b.records AND x.base_offset < m)"
    )


async def exchange_the_log(stage: Stage) -> None:
    await stage.on_log("TRUNCATE log_batches; UPDATE log_heads SET next_offset = 0, recorded_ms = 0")
    async with stage.log() as log:
        await append_in_pieces(log, purchases(2 * RECORDS, customers=100), size=50)


async def exchange_the_secret(stage: Stage) -> None:
    await stage.on_log("TRUNCATE log_batches; UPDATE log_heads SET next_offset = 0, recorded_ms = 0")
    async with open_postgres_log(stage.log_url) as log:
        await ensure_topics(log, Nodes(bytes(32)).check_value())


async def add_a_partition(stage: Stage) -> None:
    await stage.on_log(f"INSERT INTO log_heads (topic, partition) VALUES ('{TOPIC}', {len(EVERYWHERE)})")


async def take_a_partition_away(stage: Stage) -> None:
    await stage.on_log(
        f"DELETE FROM log_batches WHERE topic = '{TOPIC}' AND partition = 3;"
        f"DELETE FROM log_heads WHERE topic = '{TOPIC}' AND partition = 3"
    )


async def cut_the_end_of_identity(stage: Stage) -> None:
    await stage.on_log(
        "DELETE FROM log_batches b WHERE topic = 'identity' AND base_offset = "
        "(SELECT max(base_offset) FROM log_batches WHERE topic = 'identity');"
        "UPDATE log_heads SET next_offset = (SELECT max(base_offset + records) FROM log_batches "
        "WHERE topic = 'identity') WHERE topic = 'identity'"
    )


async def add_a_partition_to_identity(stage: Stage) -> None:
    await stage.on_log("INSERT INTO log_heads (topic, partition) VALUES ('identity', 1)")


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


def named(cases: Sequence[tuple[Damage, str]]) -> pytest.MarkDecorator:
    names = [damage.__name__ for damage, _ in cases]
    return pytest.mark.parametrize(("damage", "cause"), cases, ids=names)


async def fill(stage: Stage, log: PostgresLog) -> None:
    await append_in_pieces(log, purchases(RECORDS, customers=100), size=50)
    await tell(log, sound(people=20), size=10)
    await stage.folded(log)


async def all_digests(stage: Stage) -> list[dict[str, Digest]]:
    return [await stage.digests(service) for service in SERVICES]


@pytest.mark.faults("F23 F24", fault="log truncated, replaced, partitions added: at a start")
@pytest.mark.slow
@pytest.mark.asyncio
@named(WHILE_STOPPED)
async def test_a_service_does_not_start_on_a_log_that_is_not_the_one_it_was(
    stage: Stage, log: PostgresLog, damage: Damage, cause: str
) -> None:
    processes = await stage.start(*SERVICES)
    await fill(stage, log)
    for process in processes:
        await process.stop()
    before = await all_digests(stage)
    await damage(stage)
    for process in processes:
        process.start()
    for process in processes:
        assert cause in await process.refuses()
    assert await all_digests(stage) == before


@pytest.mark.faults("F23 F24", fault="log truncated, partitions added: while running")
@pytest.mark.slow
@pytest.mark.asyncio
@named(WHILE_RUNNING)
async def test_a_running_service_ends_when_its_log_is_not_the_one_it_was(
    stage: Stage, log: PostgresLog, damage: Damage, cause: str
) -> None:
    processes = await stage.start(*SERVICES)
    await fill(stage, log)
    before = await all_digests(stage)
    await damage(stage)
    for process in processes:
        assert re.search(cause, await process.refuses())
    assert await all_digests(stage) == before
