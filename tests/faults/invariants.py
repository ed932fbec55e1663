"""What holds whatever happened: functions named after I1 to I10 of the fault catalogue. Each raises with its reason.

I5, the order within an aggregate, is of decisions: it comes with them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import httpx
import msgspec

from libs.events import replays
from libs.events.log import EventLog
from libs.events.position import Partition, decode
from tests.faults.events import EVERYWHERE, TOPIC, projection
from tests.faults.stage import rows
from tests.faults.workload import History, Kind, Outcome
from tests.integration.conftest import System

READ_RECORDS, READ_BYTES = 5_000, 8 << 20
SHOWN = 5

Name = tuple[str, str, str]
Contents = Mapping[Partition, list[bytes]]


class Broken(AssertionError):
    """An invariant does not hold; the text says which, and shows the first cases."""

    def __init__(self, invariant: str, cases: Iterable[object]) -> None:
        found = list(cases)
        shown = "\n  ".join(str(case) for case in found[:SHOWN])
        super().__init__(f"{invariant}: {len(found)} cases\n  {shown}")


class _Named(msgspec.Struct):
    id: str
    source: str
    subject: str = ""


async def contents(log: EventLog) -> Contents:
    """Every record of the topic by its offset, at least up to the ends of this moment. Raises where one is missing."""
    found: dict[Partition, list[bytes]] = {partition: [] for partition in EVERYWHERE}
    ends = await log.ends([TOPIC])
    for partition, values in found.items():
        while slices := await log.read({partition: len(values)}, max_records=READ_RECORDS, max_bytes=READ_BYTES):
            for piece in slices:
                if piece.base_offset != len(values):
                    raise Broken("offsets are gapless", [f"{partition}: {piece.base_offset} after {len(values)}"])
                values += [record.value for record in piece.records]
    if short := {str(p): len(values) for p, values in found.items() if len(values) < ends[p]}:
        raise Broken("offsets are gapless", [f"the log ends at {ends}, and only this was found: {short}"])
    return found


def names_in(log: Contents) -> Counter[Name]:
    """Which events were written how often. What cannot be read has no name."""
    read: Counter[Name] = Counter()
    for values in log.values():
        for value in values:
            try:
                named = msgspec.json.decode(value, type=_Named)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                continue
            read[named.subject, named.source, named.id] += 1
    return read


async def i1_nothing_acknowledged_is_lost(history: History, log: Contents, timeline_url: str) -> None:
    acknowledged = {name for entry in history.acknowledged() for name in entry.operation.names}
    if lost := acknowledged - set(names_in(log)):
        raise Broken("I1: acknowledged, and not in the log", lost)
    entries = await rows(timeline_url, "SELECT subject, entry::json->>'source', entry::json->>'event_id' FROM entries")
    if lost := acknowledged - {tuple(entry) for entry in entries}:
        raise Broken("I1: acknowledged, and not on the timeline", lost)


async def i2_nothing_takes_effect_twice(database_urls: Mapping[str, str]) -> None:
    queries = {
        "interactions": "SELECT node, source, event_id, count(*) FROM events GROUP BY 1, 2, 3 HAVING count(*) > 1",
        "timeline": "SELECT node, entry::json->>'source', entry::json->>'event_id', count(*) FROM entries "
        "GROUP BY 1, 2, 3 HAVING count(*) > 1",
    }
    for service, url in database_urls.items():
        if twice := await rows(url, queries[service]):
            raise Broken(f"I2: folded twice by {service}", twice)


def i3_nothing_refused_takes_effect(history: History, log: Contents) -> None:
    failed = [entry.operation for entry in history.with_outcome(Outcome.FAIL)]
    refused = {name: operation for operation in failed if operation.kind is not Kind.READ for name in operation.names}
    if taken := set(refused) & set(names_in(log)):
        raise Broken("I3: refused, and in the log all the same", [history.of(refused[name]) for name in taken])


def i4_an_offset_means_one_event(history: History, before: Contents, after: Contents, log: EventLog) -> None:
    for partition, values in before.items():
        if after[partition][: len(values)] != values:
            raise Broken("I4: a record is not what it was", [partition])
    for entry in history.acknowledged():
        if entry.operation.kind is Kind.ONE:
            ((partition, end),) = decode(entry.answer["position"], log.log_id).items()
            if after[partition][end - 1] != entry.operation.body:
                raise Broken("I4: another record stands where this was said to stand", [entry])


async def i6_no_offset_is_skipped(database_urls: Mapping[str, str]) -> None:
    """Every offset below a checkpoint is that of a row, a duplicate, a suspect or a parked record, but the first."""
    for service, url in database_urls.items():
        memory = projection(service).memory.table.name
        tables = (memory, "duplicates", "quarantined", "parked_records")
        accounted = " UNION ALL ".join(f'SELECT partition, "offset" FROM {table}' for table in tables)
        wrong = await rows(
            url,
            f"SELECT c.partition, c.next_offset, count(o.*), min(o.offset), max(o.offset) FROM checkpoints c "
            f"LEFT JOIN ({accounted}) o ON o.partition = c.partition GROUP BY 1, 2 "
            "HAVING count(DISTINCT o.offset) <> greatest(c.next_offset - 1, 0) OR count(o.offset) <> "
            "count(DISTINCT o.offset) OR max(o.offset) >= c.next_offset OR min(o.offset) < 1",
        )
        if wrong:
            raise Broken(f"I6: {service} has a checkpoint that is not what it folded", wrong)


def i7_no_read_lags_its_position(history: History) -> None:
    """Neither may it say that it has never heard of whom it is about."""
    answered = [*history.with_outcome(Outcome.OK), *history.with_outcome(Outcome.FAIL)]
    lagging = [entry for entry in answered if entry.operation.kind is Kind.READ and entry.answer is not True]
    if lagging:
        raise Broken("I7: a read with a position did not see what was written at it", [e[2:] for e in lagging])


async def i8_live_is_rebuilt(database_urls: Mapping[str, str], log: EventLog) -> None:
    for service, url in database_urls.items():
        verdict = await replays.verify(projection(service), log, url, lambda _folded, _all: None)
        if not verdict.equal:
            raise Broken(f"I8: {service} rebuilt is not {service} as it is served", verdict.differences)


def i9_nothing_stays_unknown(history: History) -> None:
    if unresolved := history.unresolved():
        raise Broken("I9: unknown to the end", unresolved)


def i10_no_hand_was_needed(system: System) -> None:
    """What the test started is what runs, and every service is ready."""
    if system.process is None or system.process.poll() is not None:
        raise Broken("I10: the system ended", [system.log.read_text(errors="replace")[-3_000:]])
    for url in system.urls.values():
        if (answer := httpx.get(f"{url}/readyz", trust_env=False)).status_code != 200:
            raise Broken("I10: not ready", [answer.text])


class Observed(NamedTuple):
    """A run, as it looks when all is over; `before` is the log as it was at some moment of it."""

    history: History
    before: Contents
    log: EventLog
    database_urls: Mapping[str, str]


async def all_hold(run: Observed) -> None:
    """All of them but I10, which is of a system."""
    after = await contents(run.log)
    i9_nothing_stays_unknown(run.history)
    await i1_nothing_acknowledged_is_lost(run.history, after, run.database_urls["timeline"])
    await i2_nothing_takes_effect_twice(run.database_urls)
    i3_nothing_refused_takes_effect(run.history, after)
    i4_an_offset_means_one_event(run.history, run.before, after, run.log)
    await i6_no_offset_is_skipped(run.database_urls)
    i7_no_read_lags_its_position(run.history)
    await i8_live_is_rebuilt(run.database_urls, run.log)
