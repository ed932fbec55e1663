"""Commands over HTTP: ids that make a retry safe, an append whose every outcome is answered, the own fold's verdict.

    id applied before? -> answer from what was recorded
    load -> decide -> append -> wait until the own fold has passed it -> answer by its verdict
             ^                                       |
             +---- superseded by another writer -----+        up to three times, with the same id

A command appends one event or none. Commands on one aggregate take turns within a process; between processes the
arbitration of the fold decides.
"""

from collections.abc import Awaitable, Callable, Hashable
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple
from uuid import UUID, uuid5

import msgspec
from sqlalchemy import Select, Text, Uuid, bindparam, case, cast, literal, null, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.arbitration import Outcome, sequence_text
from libs.events.bookkeeping import parked_keys, parked_records, verdicts
from libs.events.catalog.fields import Data
from libs.events.catalog.registry import type_of
from libs.events.decider import Refusal
from libs.events.examine import MAX_EVENT_BYTES
from libs.events.failpoints import pass_by
from libs.events.fold import request_of
from libs.events.identity.judge import Ruling, Verdict
from libs.events.identity.tables import claims
from libs.events.ids import new_id
from libs.events.log import EVENT_HEADERS, REQUEST_HEADER, AppendUnknown, Record
from libs.events.position import Partition, encode
from libs.events.topics import IDENTITY, Topic
from libs.service.errors import RETRY_AFTER_S, HttpRefusal
from libs.service.runtime import WAIT_S, Service
from libs.service.turns import Turns

MAX_KEY_CHARACTERS = 255
RETRIES = 3
_CALLER = ""  # everybody is one caller until access control exists


class Asked(NamedTuple):
    """A command's id, what tells its request from another, whether it may have come before, and what it was about."""

    command: UUID
    request: str
    may_repeat: bool
    if_match: str | None = None


class Draft(NamedTuple):
    """An event that was decided on, and where it belongs. `sequence` is None for what is not arbitrated."""

    topic: str
    key: str
    event: dict[str, Any]
    sequence: int | None = None


def drafted(
    command: UUID, data: Data, *, topic: Topic, key: str, source: str, subject: str | None, node: UUID | None,
    sequence: int | None = None, time: str | None = None,
) -> Draft:  # fmt: skip
    """The draft of one of our own events, about somebody or nobody; without a time it happened when it is recorded."""
    event: dict[str, Any] = {"specversion": "1.0", "id": str(command), "source": source, "type": type_of(data)}
    if subject is not None:
        event["subject"] = subject
        event |= {} if str(node) == key else {"subjectnode": str(node)}
    if time is not None:
        event["time"] = time
    return Draft(topic.name, key, event | {"datacontenttype": "application/json", "data": data}, sequence)


def record_of(draft: Draft, request: str) -> Record:
    """The event as it is appended; `request` is the keyed hash of what asked for it. Raises 413."""
    event = draft.event if draft.sequence is None else draft.event | {"sequence": sequence_text(draft.sequence)}
    headers = (*EVENT_HEADERS, (REQUEST_HEADER, request.encode()))
    record = Record(draft.key.encode(), msgspec.json.encode(event), headers)
    if len(record.value) > MAX_EVENT_BYTES:
        raise HttpRefusal(413, "event_too_large", "an event is at most 256 KiB; nothing was recorded")
    return record


class Done(NamedTuple):
    """What became of a command. `outcome` is applied, conflict, invalid, parked, superseded or pending.

    `token` is the position that covers it, `ruling` the judge's where it was a claim.
    """

    command: UUID
    outcome: str
    token: str
    ruling: Ruling | None = None
    is_repeated: bool = False


def command_id(log_id: UUID, method: str, path: str, key: str | None) -> UUID:
    """The id of a command and of its event: made from the client's key where it gives one, else new.

    Raises 400 for a key that is empty, too long or not printable ASCII.
    """
    if key is None:
        return new_id()
    if not 1 <= len(key) <= MAX_KEY_CHARACTERS or not (key.isascii() and key.isprintable()):
        raise HttpRefusal(400, "bad_idempotency_key", f"1 to {MAX_KEY_CHARACTERS} printable ASCII characters")
    return uuid5(log_id, f"{_CALLER}\n{method}\n{path}\n{key}")


def outcome_path(service: str, command: object) -> str:
    """Where the outcome of a command can be asked for later."""
    return f"/v1/outcomes/{service}/{command}"


class Commands:
    """Carries out the commands of one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._turns = Turns()

    def request(self, body: object) -> str:
        """The keyed hash that tells a repeated request from another one under the same key."""
        return self._service.nodes.keyed_hash(msgspec.json.encode(body, order="deterministic"))

    def asked(
        self, method: str, path: str, *, key: str | None, body: object, if_match: str | None = None
    ) -> Asked:  # fmt: skip
        """What came with a request; its id is made from the client's Idempotency-Key where it gives one."""
        command = command_id(self._service.log.log_id, method, path, key)
        return Asked(command, self.request(body), key is not None, if_match)

    async def carry_out(self, asked: Asked, decide: Callable[[], Awaitable[Draft | None]]) -> Done | None:
        """Decide, record, and wait for the verdict; None where it is already so.

        `decide` loads the state and is called again after another writer was first. Raises what it raises, 422 for an
        Idempotency-Key used with another body, 409 `parked` and `superseded`, 503 for an unknown outcome.
        """
        if before := await self._repeated(asked):
            return before
        for _ in range(1 + RETRIES):
            try:
                draft = await decide()
            except (Refusal, HttpRefusal):
                if before := await self._repeated(asked):
                    return before
                raise
            if draft is None:
                return await self._repeated(asked)
            partition, offset = await self.append(draft, asked.request)
            pass_by("command.after_append")
            if (done := await self._verdict(asked, partition, offset)) is not None:
                return done
        raise HttpRefusal(409, "superseded", "others kept changing it at the same time; read it again and decide anew")

    async def require_unparked(self, topic: Topic, key: str) -> None:
        """Raises 409 while earlier events of this key could not be folded: deciding would be guessing."""
        if not self._service.progress.parked_keys:
            return
        mine = (parked_keys.c.topic == topic.name, parked_keys.c.key == key)
        async with self._service.reads.connect() as connection:
            if await connection.scalar(select(parked_keys.c.key).where(*mine)):
                raise parked()

    def turn(self, scope: Hashable) -> AbstractAsyncContextManager[None]:
        """One at a time within this process. Raises 503 for whoever waits behind one that the log did not answer."""
        return self._turns.take(scope)

    async def append(self, draft: Draft, request: str) -> tuple[Partition, int]:
        """Where the event stands, once it is durable. Raises 413, and 503 where nobody knows, with where to ask."""
        record = record_of(draft, request)
        try:
            appended = await self._service.log.append(draft.topic, [record])
        except AppendUnknown:
            location = outcome_path(self._service.name, draft.event["id"])
            raise HttpRefusal(
                503,
                "outcome_unknown",
                "the log did not answer in time; the same Idempotency-Key makes it safe to try again",
                headers={"Retry-After": str(RETRY_AFTER_S), "Location": location},
            ) from None
        ((number, span),) = appended.spans.items()
        return Partition(draft.topic, number), span.first

    def token(self, partition: Partition, offset: int) -> str:
        """The position that covers a record."""
        return encode(self._service.log.log_id, {partition: offset + 1})

    async def is_folded(self, partition: Partition, offset: int) -> bool:
        """Whether the own fold passed a record within the time that a caller waits."""
        return await self._service.progress.wait_for({partition: offset + 1}, WAIT_S)

    async def require_same(self, partition: Partition, offset: int, request: str) -> None:
        """The record at this place was written for this very request. Raises 422."""
        slices = await self._service.log.read({partition: offset}, max_records=1, max_bytes=1)
        if request_of(slices[0].records[0].headers) != request:
            raise _reused()

    async def _verdict(self, asked: Asked, partition: Partition, offset: int) -> Done | None:
        """None where another writer was first."""
        token = self.token(partition, offset)
        if not await self.is_folded(partition, offset):
            return Done(asked.command, "pending", token)
        told = self._service.progress.told(partition, offset)
        match told:
            case Ruling():
                return _judged(asked.command, token, told)
            case Outcome.APPLIED:
                return Done(asked.command, Outcome.APPLIED, token)
            case Outcome.SUPERSEDED:
                return None
            case "parked":
                raise parked()
            case _:
                return await self._before(asked) or Done(asked.command, "pending", token)

    async def _repeated(self, asked: Asked) -> Done | None:
        """The same, of a request that may have come before, perhaps while this one was decided."""
        return await self._before(asked) if asked.may_repeat else None

    async def _before(self, asked: Asked) -> Done | None:
        """What was recorded under this id before. Raises 422 where that was another request."""
        async with self._service.reads.connect() as connection:
            found = await outcome_of(connection, asked.command)
        if found is None or found.outcome == Outcome.SUPERSEDED:
            return None
        if found.outcome == "parked":
            raise parked()
        if found.request != asked.request:
            raise _reused()
        token = self.token(found.partition, found.offset)
        return Done(asked.command, found.outcome, token, found.ruling, is_repeated=True)


class Found(NamedTuple):
    """A command's outcome as it was folded."""

    outcome: str
    request: str
    partition: Partition
    offset: int
    ruling: Ruling | None = None


async def outcome_of(connection: AsyncConnection, command: UUID) -> Found | None:
    """The outcome of a decision or claim by its id: that of the copy that counts, else of the last one."""
    row = (await connection.execute(_OUTCOME, {"id": command, "text": str(command)})).first()
    if row is None:
        return None
    partition = Partition(row.topic, row.partition)
    if partition.topic != IDENTITY.name:
        return Found(row.outcome, row.request, partition, row.offset)
    ruling = Ruling(Verdict(row.outcome), row.reason, row.contact, row.conflict)
    return Found(_outcome(ruling), row.request, partition, row.offset, ruling)


def _outcomes() -> Select[Any]:
    """Decisions, claims and what is held back, in one statement; the copy that counts first."""
    text, nobody = cast(null(), Text), cast(null(), Uuid)
    decided = select(
        verdicts.c.topic, verdicts.c.partition, verdicts.c.offset, verdicts.c.outcome, verdicts.c.request,
        text.label("reason"), nobody.label("contact"), nobody.label("conflict"),
        case((verdicts.c.sequence.is_not(None), 0), else_=2).label("rank"),
    ).where(verdicts.c.command == bindparam("text", type_=Text))  # fmt: skip
    claimed = select(
        literal(IDENTITY.name), literal(0), claims.c.offset, claims.c.verdict, claims.c.request,
        claims.c.reason, claims.c.contact, claims.c.conflict, literal(1),
    ).where(claims.c.id == bindparam("id", type_=Uuid))  # fmt: skip
    held = select(
        parked_records.c.topic, parked_records.c.partition, parked_records.c.offset, literal("parked"), literal(""),
        text, nobody, nobody, literal(3),
    ).where(parked_records.c.event_id == bindparam("text", type_=Text))  # fmt: skip
    found = union_all(decided, claimed, held).subquery("found")
    return select(found).order_by(found.c.rank, found.c.offset.desc()).limit(1)


_OUTCOME = _outcomes()


def _reused() -> HttpRefusal:
    return HttpRefusal(422, "idempotency_key_reused", "this Idempotency-Key was used with another body")


def parked() -> HttpRefusal:
    return HttpRefusal(409, "parked", "an earlier event of the same key could not be folded; an operator must look")


def _judged(command: UUID, token: str, ruling: Ruling) -> Done:
    return Done(command, _outcome(ruling), token, ruling)


def _outcome(ruling: Ruling) -> str:
    is_so = ruling.verdict in {Verdict.EFFECTIVE, Verdict.ALREADY_SO}
    return Outcome.APPLIED.value if is_so else ruling.verdict.value
