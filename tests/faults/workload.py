"""A seeded load of 1,000 customers: 85 % observations and reads, 15 % decisions; all of it is written down.

What is unknown is asked again with the same ids until it is known: that is safe, and it is what clients are told to do.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx
import msgspec

from libs.events.clock import monotonic_s
from libs.service.commands import command_id
from services.interactions.decider import SOURCE as OWN_SOURCE
from tests.faults import deciding
from tests.faults.deadlines import turn
from tests.faults.deciding import REFUSED, Deciding
from tests.faults.events import SOURCE, purchase
from tests.faults.history import Effect, History, Kind, Name, Operation, Outcome

CUSTOMERS = 1_000
WORKERS = 6
REQUEST_TIMEOUT_S = 10.0
RESOLVED_WITHIN_S = 60.0

STRUCTURED = {"content-type": "application/cloudevents+json"}
BATCH = {"content-type": "application/cloudevents-batch+json"}


WEIGHTS = {Kind.ONE: 47, Kind.BATCH: 13, Kind.INTERACTION: 9, Kind.BAD_BATCH: 4, Kind.READ: 12} | deciding.WEIGHTS


class Workload:
    """Several clients against a running system, until they are told to stop."""

    def __init__(self, seed: int, urls: Mapping[str, str], log_id: UUID) -> None:
        self.history = History()
        self._deciding = Deciding(seed, urls, log_id)
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
        written: tuple[str, tuple[Name, ...]] | None = None
        while not self._stopping:
            (kind,) = choices.choices(list(WEIGHTS), list(WEIGHTS.values()))
            if kind is Kind.READ:
                if written is not None:
                    await self._resolve(client, self._read(*written))
                continue
            operation = self._write(kind, choices)
            position = await self._resolve(client, operation)
            if position is not None:
                written = (position, (operation.shows,) if operation.shows else operation.names[:1])

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
            if _is_known(operation, answer):
                return self._known(operation, answer)
            self.history.note(operation, Outcome.UNKNOWN, answer.status_code, answer.text)
            await turn()
        return None

    def _known(self, operation: Operation, answer: httpx.Response) -> str | None:
        """The position that was answered, if something was written."""
        status = answer.status_code
        effect = self._deciding.learn(operation, answer) if operation.command else Effect.NONE
        if status < 400:
            self.history.note(operation, Outcome.OK, status, _told(operation, answer), effect)
            if operation.kind is Kind.INTERACTION:
                self._deciding.learn_interaction(operation.names[0][0], answer)
            return answer.headers.get("rapport-position") if not operation.command or effect is Effect.DONE else None
        assert not operation.command or status in REFUSED, [answer.text, self.history.of(operation)]
        self.history.note(operation, Outcome.FAIL, status, answer.json())
        return None

    def _write(self, kind: Kind, choices: random.Random) -> Operation:
        self._count += 1
        number = self._count
        if kind in deciding.WEIGHTS:
            return self._deciding.make(kind, choices, number)
        subjects = [f"crm:{choices.randrange(CUSTOMERS)}" for _ in range(choices.randrange(2, 6))]
        path = f"{self._urls['interactions']}/v1/events"
        if kind is Kind.INTERACTION:
            path = f"{self._urls['interactions']}/v1/interactions"
            body = {"contact": subjects[0], "channel": "telephone", "direction": "inbound", "summary": str(number)}
            body["status"] = choices.choice(["opened", "completed"])
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

    def _read(self, position: str, names: tuple[Name, ...]) -> Operation:
        self._count += 1
        path = f"{self._urls['timeline']}/v1/timeline/{quote(names[0][0])}?limit=500&min_position={position}"
        return Operation(self._count, Kind.READ, "GET", path, b"", {"prefer": "wait=5"}, names, "timeline")

    def _id(self, number: int, place: int = 0) -> str:
        return f"{self._seed}-{number}-{place}"


def _told(operation: Operation, answer: httpx.Response) -> Any:
    told: Any = answer.json() if answer.content else None
    if operation.kind is not Kind.READ:
        return told
    seen = {(source, item["event_id"]) for item in told["items"] for source in (item["source"], "")}
    return all((source, id_) in seen for _, source, id_ in operation.names)


def _is_known(operation: Operation, answer: httpx.Response) -> bool:
    """A command that waits for its verdict is asked again, as one that nobody answered."""
    if answer.status_code == 202:
        return not operation.command
    return answer.status_code < 500 and answer.status_code != 429
