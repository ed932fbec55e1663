"""`rapport topics ensure`."""

from collections.abc import Mapping
from uuid import UUID

from libs.events.log_created import ensure_topics
from libs.events.opening import open_log
from libs.events.position import Positions
from libs.events.topics import TOPICS
from services.cli.running import run
from services.cli.system import System, find_system
from services.cli.tables import console, table


def ensure() -> None:
    """Make what is missing and print what there is. Raises Failure."""
    log_id, counts, ends = run(_ensure(find_system()))
    made = table("topic", ">partitions", ">records", "written by", title=f"log {log_id}")
    for topic in TOPICS:
        records = sum(end for partition, end in ends.items() if partition.topic == topic.name)
        made.add_row(topic.name, str(counts[topic.name]), f"{records:,}", topic.writer)
    console.print(made)


async def _ensure(system: System) -> tuple[UUID, Mapping[str, int], Positions]:
    async with open_log(system.log) as log:
        log_id = await ensure_topics(log, system.nodes.check_value())
        return log_id, await log.partition_counts(), await log.ends([topic.name for topic in TOPICS])
