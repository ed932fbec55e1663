"""`rapport parked`: keys that wait because one of their events could not be folded."""

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events import bookkeeping
from libs.events.log import EventLog
from libs.events.position import Partition, Positions
from libs.events.times import ms_text
from libs.events.topics import BY_NAME
from services.cli.errors import Failure
from services.cli.figures import current_generation, inside, reading
from services.cli.running import opened_log, run
from services.cli.system import Place, System, find_system
from services.cli.tables import console, say, table
from services.cli.words import printable

SHOWN_RECORDS = 50  # of one key; the first is the one to blame

_PLACE = re.compile(r"([a-z]+)/([0-9]{1,4})/([0-9]{1,18})")


def list_keys(service: str | None) -> None:
    """Print every parked key. Raises Failure."""
    places = find_system().chosen(service)
    found = [(place.name, row) for place in places for row in run(_keys(place))]
    if not found:
        say("Nothing is parked.")
        return
    made = table("service", "key", "since", ">held", "reason")
    for name, row in found:
        since = f"{row['topic']}/{row['partition']}/{row['since_offset']}"
        key, reason = printable(row["key"]), printable(f"{row['code']}: {row['detail']}")
        made.add_row(name, key, since, f"{row['held']:,}", reason)
    console.print(made)
    name, row = found[0]
    place = f"{row['topic']}/{row['partition']}/{row['since_offset']}"
    say(f"`rapport parked show {name} {place}` shows the events of a key.")


def show(service: str, place: str) -> None:
    """Print the records that are held with the one at `place`. Raises Failure."""
    partition, offset = _read_place(place)
    system = find_system()
    rows, values = run(_records(system, system.chosen(service)[0], partition, offset))
    for row in rows[:SHOWN_RECORDS]:
        value, recorded_ms = values[row["offset"]]
        say(f"{partition}/{row['offset']}  recorded {ms_text(recorded_ms)}", style="bold")
        say(f"  key     {printable(row['key'])}")
        say(f"  code    {row['code']}")
        say(f"  detail  {printable(row['detail'])}")
        say(f"  event   {printable(value)}\n")
    if len(rows) > SHOWN_RECORDS:
        say(f"and {len(rows) - SHOWN_RECORDS:,} later ones")


def _read_place(text: str) -> tuple[Partition, int]:
    matched = _PLACE.fullmatch(text)
    if matched is None or matched[1] not in BY_NAME:
        raise Failure(f"{text} is no place in the log; write TOPIC/PARTITION/OFFSET, such as interactions/3/117")
    return Partition(matched[1], int(matched[2])), int(matched[3])


async def _keys(place: Place) -> Sequence[RowMapping]:
    async with reading(place) as connection:
        generation = await current_generation(connection)
        if generation is None:
            return []
        keys = inside(bookkeeping.parked_keys, generation["schema_name"])
        records = inside(bookkeeping.parked_records, generation["schema_name"])
        same = (
            (records.c.topic == keys.c.topic)
            & (records.c.partition == keys.c.partition)
            & (records.c.key == keys.c.key)
        )
        first = same & (records.c.offset == keys.c.since_offset)
        held = select(func.count()).where(same).correlate(keys).scalar_subquery().label("held")
        code = select(records.c.code).where(first).correlate(keys).scalar_subquery().label("code")
        detail = select(records.c.detail).where(first).correlate(keys).scalar_subquery().label("detail")
        order = (keys.c.topic, keys.c.partition, keys.c.since_offset)
        rows = await connection.execute(select(*keys.columns, held, code, detail).order_by(*order))
        return rows.mappings().all()


async def _records(
    system: System, place: Place, partition: Partition, offset: int
) -> tuple[Sequence[RowMapping], dict[int, tuple[str, int]]]:
    async with reading(place) as connection:
        rows = await _held_with(connection, partition, offset)
    if not rows:
        raise Failure(f"{place.name} holds nothing back at {partition}/{offset}; `rapport parked list` lists it")
    async with opened_log(system) as log:
        return rows, {row["offset"]: await _value(log, partition, row["offset"]) for row in rows[:SHOWN_RECORDS]}


async def _held_with(connection: AsyncConnection, partition: Partition, offset: int) -> Sequence[RowMapping]:
    generation = await current_generation(connection)
    if generation is None:
        return []
    records = inside(bookkeeping.parked_records, generation["schema_name"])
    here = (records.c.topic == partition.topic) & (records.c.partition == partition.number)
    key: Any = select(records.c.key).where(here & (records.c.offset == offset)).scalar_subquery()
    statement = select(records).where(here & (records.c.key == key)).order_by(records.c.offset)
    return (await connection.execute(statement)).mappings().all()


async def _value(log: EventLog, partition: Partition, offset: int) -> tuple[str, int]:
    wanted: Positions = {partition: offset}
    piece = (await log.read(wanted, max_records=1, max_bytes=1))[0]
    return piece.records[0].value.decode(errors="backslashreplace"), piece.recorded_ms
