"""Carrying commands out: command, event, log, and the own fold's word that it is there."""

from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import RowMapping

from libs.events.clock import now
from libs.events.envelope import name_of
from libs.events.examine import MAX_EVENT_BYTES, EventRefused, examine
from libs.events.failpoints import pass_by
from libs.events.position import Partition
from libs.events.problems import Problem
from libs.events.times import MAX_AHEAD, utc_text
from libs.events.topics import BY_NUMBER, INTERACTIONS
from libs.service.commands import Asked, Commands, Done, Draft, drafted, outcome_path, parked
from libs.service.errors import HttpRefusal
from libs.service.preconditions import require_match
from libs.service.runtime import Service
from services.interactions import queries
from services.interactions.commands import Deciding, RecordInteraction
from services.interactions.decider import SOURCE, Interaction, decide, decide_record
from services.interactions.projection import interaction_id
from services.interactions.schemas import NewInteraction


class Recorded(NamedTuple):
    """The interaction, or None while the fold has not come that far; `location` is where it will be."""

    row: RowMapping | None
    token: str
    location: str


def fields_of(body: NewInteraction) -> dict[str, Any]:
    """The body's fields as an event's data, with `time` in its canonical spelling beside them."""
    fields = body.model_dump(mode="json", exclude_none=True, exclude={"contact", "time"})
    return fields if body.time is None else fields | {"time": utc_text(body.time)}


class Recording:
    """Carries out the commands of interactions."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.commands = Commands(service)

    async def record(self, command: RecordInteraction, node: UUID) -> Recorded:
        """Record it once, however often the command comes. Raises 409, 422 and 503 by their names."""
        key = str(node)
        id_ = interaction_id(name_of(INTERACTIONS.name, key, SOURCE, str(command.id)))
        location = f"/v1/interactions/{id_}"
        row = await _applied(self.service, command.id)
        request = self.commands.request([command.contact, command.time, command.fields])
        event = decide_record(command, row)
        if event is None or row is not None:
            assert row is not None  # noqa: S101  "already so" is said of a row
            return await self._again(row, request, location)
        _require_valid(event)
        partition, offset = await self.commands.append(Draft(INTERACTIONS.name, key, event), request)
        pass_by("recording.after_append")
        token = self.commands.token(partition, offset)
        if not await self.commands.is_folded(partition, offset):
            return Recorded(None, token, outcome_path(self.service.name, command.id))
        row = await load(self.service, id_)
        if row is None:
            raise parked()
        if (row["partition"], row["offset"]) != (partition.number, offset):
            return await self._again(row, request, location)
        return Recorded(row, token, location)

    async def change(self, id_: UUID, command: Deciding, asked: Asked) -> tuple[RowMapping | None, Done | None]:
        """The interaction after the change. Raises 412 and 428, refusals by their names, and 422 for bad fields."""

        async def decide_again() -> Draft | None:
            async with self.service.reads.connect() as connection:
                row = await queries.interaction(connection, id_)
            if row is not None:
                require_match(asked.if_match, etag_of(row))
                await self.commands.require_unparked(INTERACTIONS, str(row["node"]))
            event = decide(command, None if row is None else _state(row))
            if event is None or row is None:
                return None
            return drafted(
                command.id, event, topic=INTERACTIONS, key=str(row["node"]), source=f"{SOURCE}/{id_}",
                subject=row["subject"], node=row["node"], sequence=row["version"],
            )  # fmt: skip

        async with self.commands.turn(id_):
            done = await self.commands.carry_out(asked, decide_again)
        return await load(self.service, id_), done

    async def _again(self, row: RowMapping, request: str, location: str) -> Recorded:
        partition = Partition(BY_NUMBER[row["topic"]].name, row["partition"])
        await self.commands.require_same(partition, row["offset"], request)
        return Recorded(row, self.commands.token(partition, row["offset"]), location)


def etag_of(row: RowMapping) -> str:
    return f'"{row["version"]}"'


def _state(row: RowMapping) -> Interaction:
    fields: dict[str, Any] = msgspec.json.decode(row["data"])
    resolution = fields.pop("resolution", None)
    return Interaction(row["id"], row["status"], fields | {"status": row["status"]}, resolution)


async def _applied(service: Service, command: UUID) -> RowMapping | None:
    """What was recorded by this very command before, whomever it was about."""
    async with service.reads.connect() as connection:
        name = await queries.name_of_command(connection, str(command), SOURCE)
        return None if name is None else await queries.interaction(connection, interaction_id(name.hex))


async def load(service: Service, id_: UUID) -> RowMapping | None:
    async with service.reads.connect() as connection:
        return await queries.interaction(connection, id_)


def _require_valid(event: dict[str, Any]) -> None:
    """Our own events pass the same edge as everybody's."""
    raw = msgspec.json.encode(event)
    if len(raw) > MAX_EVENT_BYTES:
        raise HttpRefusal(413, "event_too_large", "an event is at most 256 KiB; nothing was recorded")
    try:
        examine(raw, now() + MAX_AHEAD, own=True)
    except EventRefused as reason:
        problems = [Problem(p.pointer.removeprefix("/data"), p.code, p.detail) for p in reason.problems]
        raise HttpRefusal(422, "invalid_body", "nothing was recorded; see errors", problems) from None
