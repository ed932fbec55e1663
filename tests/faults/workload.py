"""A seeded load of 1,000 customers, in Jepsen's words: every operation is written down as invoke, ok, fail or unknown.

What is unknown is asked again with the same ids until it is known: that is safe, and it is what clients are told to do.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import UUID

import httpx
import msgspec

from libs.events.clock import monotonic_s
from libs.service.commands import command_id
from services.interactions.decider import SOURCE as OWN_SOURCE
from tests.faults.deadlines import turn
from tests.faults.events import SOURCE, purchase

CUSTOMERS = 1_000
WORKERS = 6
REQUEST_TIMEOUT_S = 10.0
RESOLVED_WITHIN_S = 60.0

STRUCTURED = {"content-type": "application/cloudevents+json"}
BATCH = {"content-type": "application/cloudevents-batch+json"}


class Kind(StrEnum):
    ONE = "one event"
    BATCH = "a batch"
    INTERACTION = "an interaction"
    BAD_BATCH = "a batch with a bad event"
    READ = "a timeline"


WEIGHTS = {Kind.ONE: 55, Kind.BATCH: 15, Kind.INTERACTION: 10, Kind.BAD_BATCH: 5, Kind.READ: 15}


class Outcome(StrEnum):
    INVOKE = "invoke"
    OK = "ok"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Operation:
    """`names` are (subject, source, id) of the events that it writes, or, for a read, that it must see."""

    number: int
    kind: Kind
    method: str
    path: str
    body: bytes
    headers: Mapping[str, str]
    names: tuple[tuple[str, str, str], ...]


class Entry(NamedTuple):
    """A line of the history. `answer` is what came back, decoded; for a read only whether it saw all."""

    at_s: float
    operation: Operation
    outcome: Outcome
    status: int
    answer: Any


@dataclass
class History:
    """What was asked and what came of it, in order."""

    entries: list[Entry] = field(default_factory=list)

    def note(self, operation: Operation, outcome: Outcome, status: int = 0, answer: Any = None) -> None:
        self.entries.append(Entry(monotonic_s(), operation, outcome, status, answer))

    def with_outcome(self, outcome: Outcome) -> list[Entry]:
        return [entry for entry in self.entries if entry.outcome is outcome]

    def acknowledged(self) -> list[Entry]:
        """Writes that were answered ok."""
        return [entry for entry in self.with_outcome(Outcome.OK) if entry.operation.kind is not Kind.READ]

    def unresolved(self) -> list[Operation]:
        last = {entry.operation.number: entry for entry in self.entries}
        return [entry.operation for entry in last.values() if entry.outcome in {Outcome.INVOKE, Outcome.UNKNOWN}]

    def of(self, operation: Operation) -> list[str]:
        """All that came of one operation, to be read."""
        mine = [entry for entry in self.entries if entry.operation is operation]
        told = [f"{entry.at_s:.3f} {entry.outcome} {entry.status} {entry.answer}" for entry in mine]
        return [f"{operation.kind} {operation.names} {operation.body!r}", *told]

    def writes_since(self, moment_s: float) -> int:
        return sum(entry.at_s > moment_s for entry in self.acknowledged())


class Workload:
    """Several clients against a running system, until they are told to stop."""

    def __init__(self, seed: int, urls: Mapping[str, str], log_id: UUID) -> None:
        self.history = History()
        self._log_id = log_id
        self._seed = seed
        self._urls = urls
        self._count = 0
        self._stopping = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[History]:
        """Loads while the block runs; at its end every operation is known, or it fails."""
        self._stopping = False
        async with httpx.AsyncClient(timeout=REQUEST_TIMEOUT_S, trust_env=False, verify=False) as client:
            clients = [asyncio.create_task(self._be_client(client, worker)) for worker in range(WORKERS)]
            try:
                yield self.history
            finally:
                self._stopping = True
                async with asyncio.timeout(RESOLVED_WITHIN_S + REQUEST_TIMEOUT_S):
                    await asyncio.gather(*clients)

    async def _be_client(self, client: httpx.AsyncClient, worker: int) -> None:
        choices = random.Random(f"{self._seed}/{worker}/{self._count}")
        written: tuple[str, tuple[tuple[str, str, str], ...]] | None = None
        while not self._stopping:
            (kind,) = choices.choices(list(WEIGHTS), list(WEIGHTS.values()))
            if kind is Kind.READ:
                if written is not None:
                    await self._resolve(client, self._read(*written))
                continue
            operation = self._write(kind, choices)
            position = await self._resolve(client, operation)
            if position is not None:
                written = (position, operation.names[:1])

    async def _resolve(self, client: httpx.AsyncClient, operation: Operation) -> str | None:
        """Ask until it is known; the position that was answered."""
        deadline_s = monotonic_s() + RESOLVED_WITHIN_S
        self.history.note(operation, Outcome.INVOKE)
        while monotonic_s() < deadline_s:
            try:
                answer = await client.request(
                    operation.method, operation.path, content=operation.body, headers=operation.headers
                )
            except httpx.TransportError as reason:
                self.history.note(operation, Outcome.UNKNOWN, 0, repr(reason))
                await turn()
                continue
            if answer.status_code in {200, 201, 202}:
                self.history.note(operation, Outcome.OK, answer.status_code, _told(operation, answer))
                return str(answer.headers["rapport-position"])
            if answer.status_code < 500 and answer.status_code != 429:
                self.history.note(operation, Outcome.FAIL, answer.status_code, answer.json())
                return None
            self.history.note(operation, Outcome.UNKNOWN, answer.status_code, answer.text)
            await turn()
        return None

    def _write(self, kind: Kind, choices: random.Random) -> Operation:
        self._count += 1
        number = self._count
        subjects = [f"crm:{choices.randrange(CUSTOMERS)}" for _ in range(choices.randrange(2, 6))]
        path = f"{self._urls['interactions']}/v1/events"
        if kind is Kind.INTERACTION:
            path = f"{self._urls['interactions']}/v1/interactions"
            body = {"contact": subjects[0], "channel": "telephone", "direction": "inbound", "summary": str(number)}
            headers = {"content-type": "application/json", "idempotency-key": self._id(number)}
            event_id = command_id(self._log_id, "POST", "/v1/interactions", self._id(number))
            name = (subjects[0], OWN_SOURCE, str(event_id))
            return Operation(number, kind, "POST", path, msgspec.json.encode(body), headers, (name,))
        events = [purchase(subject, self._id(number, n)) for n, subject in enumerate(subjects)]
        if kind is Kind.ONE:
            events = events[:1]
        if kind is Kind.BAD_BATCH:
            events[-1]["type"] = "rapport.interactions.purchase.misspelt.v1"
        names = tuple((event["subject"], SOURCE, event["id"]) for event in events)
        sent: Any = events[0] if kind is Kind.ONE else events
        headers = STRUCTURED if kind is Kind.ONE else BATCH
        return Operation(number, kind, "POST", path, msgspec.json.encode(sent), headers, names)

    def _read(self, position: str, names: tuple[tuple[str, str, str], ...]) -> Operation:
        self._count += 1
        path = f"{self._urls['timeline']}/v1/timeline/{quote(names[0][0])}?limit=200&min_position={position}"
        return Operation(self._count, Kind.READ, "GET", path, b"", {"prefer": "wait=5"}, names)

    def _id(self, number: int, place: int = 0) -> str:
        return f"{self._seed}-{number}-{place}"


def _told(operation: Operation, answer: httpx.Response) -> Any:
    told = answer.json()
    if operation.kind is not Kind.READ:
        return told
    seen = {(item["source"], item["event_id"]) for item in told["items"]}
    return all((source, id_) in seen for _, source, id_ in operation.names)
