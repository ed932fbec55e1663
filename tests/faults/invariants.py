"""What holds whatever happened: functions named after I1 to I10 of the fault catalogue. Each raises with its reason."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import httpx
import msgspec

from libs.events import replays
from libs.events.log import EventLog
from libs.events.position import Partition, decode
from libs.events.topics import BY_NAME, CONTACTS, FEEDBACK, IDENTITY, INTERACTIONS, SCORING
from tests.faults.events import SUMMING_UP, partitions_of, projection
from tests.faults.history import Effect, History, Kind, Outcome
from tests.faults.stage import rows
from tests.integration.conftest import System

READ_RECORDS, READ_BYTES = 5_000, 8 << 20
SHOWN = 5

_BOARDS = FEEDBACK.name
_ASIDE = ("duplicates", "quarantined", "parked_records")
_APPLIED = 'SELECT scope, topic, partition, "offset", sequence FROM verdicts WHERE sequence IS NOT NULL ORDER BY 1, 5'
_TWICE_DECIDED = (
    "SELECT name, 'decided', command, count(*) FROM verdicts WHERE sequence IS NOT NULL "
    "GROUP BY 1, 2, 3 HAVING count(*) > 1"
)
_TWICE_ENTERED = (
    "SELECT node, entry::json->>'source', entry::json->>'event_id', count(*) FROM {} GROUP BY 1, 2, 3 "
    "HAVING count(*) > 1"
)

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


class _Decided(msgspec.Struct):
    source: str
    sequence: str


async def contents(log: EventLog) -> Contents:
    """Every record by its offset, at least up to the ends of this moment. Raises where one is missing."""
    found: dict[Partition, list[bytes]] = {partition: [] for partition in partitions_of()}
    ends = await log.ends([IDENTITY.name, CONTACTS.name, INTERACTIONS.name, FEEDBACK.name, SCORING.name])
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
    written = names_in(log)
    if lost := acknowledged - set(written):
        raise Broken("I1: acknowledged, and not in the log", lost)
    ids = {id_ for _, _, id_ in written}
    if lost_commands := [entry for entry in history.decided() if entry.operation.command not in ids]:
        raise Broken("I1: acknowledged, and not in the log", lost_commands)
    entries = await rows(timeline_url, "SELECT subject, entry::json->>'source', entry::json->>'event_id' FROM entries")
    if lost := acknowledged - {tuple(entry) for entry in entries}:
        raise Broken("I1: acknowledged, and not on the timeline", lost)


async def i2_nothing_takes_effect_twice(database_urls: Mapping[str, str]) -> None:
    queries = {
        **dict.fromkeys(SUMMING_UP, _TWICE_DECIDED),
        "interactions": "SELECT node, source, event_id, count(*) FROM events GROUP BY 1, 2, 3 HAVING count(*) > 1",
        "scoring": "SELECT node, source, event_id, count(*) FROM facts GROUP BY 1, 2, 3 HAVING count(*) > 1",
        "timeline": _TWICE_ENTERED.format("entries") + " UNION ALL " + _TWICE_ENTERED.format("identity_entries"),
    }
    for service, url in database_urls.items():
        if twice := await rows(url, queries[service]) + await rows(url, _TWICE_DECIDED):
            raise Broken(f"I2: folded twice by {service}", twice)


def i2_what_was_acknowledged_took_effect(history: History, effects: Mapping[str, str]) -> None:
    """`effects` are the decisions and claims that did, or were so already, by their ids."""
    if idle := [entry for entry in history.decided() if entry.operation.command not in effects]:
        raise Broken("I2: acknowledged, and without effect", [history.of(entry.operation) for entry in idle])


def i3_nothing_refused_takes_effect(history: History, log: Contents, effects: Mapping[str, str] | None = None) -> None:
    failed = [entry.operation for entry in history.with_outcome(Outcome.FAIL)]
    refused = {name: operation for operation in failed if operation.kind is not Kind.READ for name in operation.names}
    if taken := set(refused) & set(names_in(log)):
        raise Broken("I3: refused, and in the log all the same", [history.of(refused[name]) for name in taken])
    took = {id_ for id_, verdict in (effects or {}).items() if verdict != "already_so"}
    if done := [operation for operation in failed if operation.command in took]:
        raise Broken("I3: refused, and in effect all the same", [history.of(operation) for operation in done])


async def effects_of(database_urls: Mapping[str, str]) -> dict[str, str]:
    """Claims and decisions that took effect or were so already: their verdicts by their ids."""
    found: dict[str, str] = {}
    for url in database_urls.values():
        for query in (
            "SELECT id::text, verdict FROM claims WHERE verdict IN ('effective', 'already_so')",
            "SELECT command, outcome FROM verdicts WHERE outcome = 'applied'",
        ):
            found |= dict(await rows(url, query))
    return found


def i4_an_offset_means_one_event(history: History, before: Contents, after: Contents, log: EventLog) -> None:
    for partition, values in before.items():
        if after[partition][: len(values)] != values:
            raise Broken("I4: a record is not what it was", [partition])
    for entry in history.acknowledged():
        if entry.operation.kind is Kind.ONE:
            ((partition, end),) = decode(entry.answer["position"], log.log_id).items()
            if after[partition][end - 1] != entry.operation.body:
                raise Broken("I4: another record stands where this was said to stand", [entry])


async def i5_sequences_have_no_gap_and_no_inversion(database_urls: Mapping[str, str], log: Contents) -> None:
    """Of each aggregate: 1, 2, 3, ... in the order of one partition, as they stand in the log."""
    for service, url in database_urls.items():
        places: dict[str, list[tuple[int, Partition, int]]] = {}
        for scope, topic, number, offset, sequence in await rows(url, _APPLIED):
            places.setdefault(scope, []).append((sequence, Partition(topic, number), offset))
        for scope, found in places.items():
            sequences, partitions, offsets = zip(*found, strict=True)
            if (
                sequences != tuple(range(1, len(found) + 1))
                or len(set(partitions)) > 1
                or list(offsets) != sorted(offsets)
            ):
                raise Broken(f"I5: {service} applied in no order to {scope}", found)
            for sequence, partition, offset in found:
                written = msgspec.json.decode(log[partition][offset], type=_Decided)
                if (written.source, int(written.sequence)) != (scope, sequence):
                    raise Broken(f"I5: {service} applied what does not stand there", [written, found])


async def i6_no_offset_is_skipped(database_urls: Mapping[str, str]) -> None:
    """Every offset below a checkpoint is that of a row, a duplicate, a suspect or a parked record, but the first.

    Contacts and feedback keep no row an observation: there digests tell (I8).
    """
    for service, url in database_urls.items():
        unchecked = {INTERACTIONS.name} if service in SUMMING_UP else set()
        checked = [topic for topic in projection(service).topics if topic not in unchecked]
        wrong = await rows(
            url,
            f"SELECT c.topic, c.partition, c.next_offset, count(o.*), min(o.offset), max(o.offset) FROM checkpoints c "
            f"LEFT JOIN ({_accounted(service)}) o USING (topic, partition) WHERE c.topic = ANY($1) GROUP BY 1, 2, 3 "
            "HAVING count(DISTINCT o.offset) <> greatest(c.next_offset - 1, 0) OR count(o.offset) <> "
            "count(DISTINCT o.offset) OR max(o.offset) >= c.next_offset OR min(o.offset) < 1",
            checked,
        )
        if wrong:
            raise Broken(f"I6: {service} has a checkpoint that is not what it folded", wrong)


def _accounted(service: str) -> str:
    """Where each record went: (topic, partition, offset), each once."""
    memory = None if service in SUMMING_UP else projection(service).memory  # these remember only some
    parts = [f'SELECT topic, partition, "offset" FROM {name}' for name in _ASIDE]
    parts.append(f"SELECT '{IDENTITY.name}', 0, \"offset\" FROM claims")
    counted = "'superseded', 'applied'" if memory is None else "'superseded'"
    parts.append(f'SELECT topic, partition, "offset" FROM verdicts WHERE outcome IN ({counted})')
    if memory is not None:
        names = " ".join(f"WHEN {topic.number} THEN '{topic.name}'" for topic in BY_NAME.values())
        kept = f'SELECT CASE topic {names} END, partition, "offset" FROM {memory.table.name}'
        of_boards = (
            f"SELECT topic, partition, \"offset\" FROM verdicts WHERE outcome = 'applied' AND topic = '{_BOARDS}'"
        )
        parts += [kept, f"({of_boards} EXCEPT {kept})"]  # of which some are about nobody
    return " UNION ALL ".join(parts)


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


async def i9_outcomes_tell_what_became_of_commands(history: History, urls: Mapping[str, str]) -> None:
    """Of those that were unknown once: what their retry was answered is what the outcome says."""
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        for entry in history.known_commands():
            operation = entry.operation
            url = f"{urls[operation.service]}/v1/outcomes/{operation.service}/{operation.command}"
            answer = await client.get(url)
            told = answer.json().get("outcome")
            if answer.status_code != 200 or told not in _expected(entry.effect):
                raise Broken("I9: the outcome is not what was answered", [answer.text, *history.of(operation)])


def _expected(effect: Effect) -> set[str]:
    """What was already so, or refused before it was recorded, stays pending for ever: nothing was recorded."""
    match effect:
        case Effect.DONE:
            return {"applied"}
        case Effect.ALREADY_SO:
            return {"applied", "pending"}
        case Effect.NONE:
            return {"pending", "conflict", "invalid", "superseded"}


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
    effects = await effects_of(run.database_urls)
    i2_what_was_acknowledged_took_effect(run.history, effects)
    i3_nothing_refused_takes_effect(run.history, after, effects)
    i4_an_offset_means_one_event(run.history, run.before, after, run.log)
    await i5_sequences_have_no_gap_and_no_inversion(run.database_urls, after)
    await i6_no_offset_is_skipped(run.database_urls)
    i7_no_read_lags_its_position(run.history)
    await i8_live_is_rebuilt(run.database_urls, run.log)
