"""Recording an interaction: command, event, log, and the own fold's word that it is there."""

from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import RowMapping

from libs.events.clock import now
from libs.events.envelope import name_of
from libs.events.examine import MAX_EVENT_BYTES, EventRefused, examine
from libs.events.failpoints import pass_by
from libs.events.log import key_of
from libs.events.position import Partition, encode
from libs.events.problems import Problem
from libs.events.times import MAX_AHEAD, utc_text
from libs.events.topics import BY_NUMBER, INTERACTIONS
from libs.service.commands import append_once, folded, outcome_path, require_same_request
from libs.service.errors import HttpRefusal
from libs.service.runtime import Service
from services.interactions import queries
from services.interactions.commands import RecordInteraction
from services.interactions.decider import SOURCE, decide
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


async def record(service: Service, command: RecordInteraction, node: UUID) -> Recorded:
    """Record it once, however often the command comes. Raises 409, 422 and 503 by their names."""
    key = key_of(node)
    id_ = interaction_id(name_of(INTERACTIONS.name, key.decode(), SOURCE, str(command.id)))
    location = f"/v1/interactions/{id_}"
    row = await _applied(service, command.id)
    event = decide(command, row)
    request = service.nodes.keyed_hash(msgspec.json.encode([command.contact, command.time, command.fields]))
    if event is None or row is not None:
        assert row is not None  # noqa: S101  "already so" is said of a row
        return await _again(service, row, request, location)
    _require_valid(event)
    partition, offset = await append_once(service, INTERACTIONS.name, key, event, request)
    pass_by("recording.after_append")
    token = encode(service.log.log_id, {partition: offset + 1})
    if not await folded(service, partition, offset):
        return Recorded(None, token, outcome_path(service.name, command.id))
    row = await _load(service, id_)
    if row is None:
        raise HttpRefusal(409, "parked", "an earlier event of this contact could not be folded; an operator must look")
    if (row["partition"], row["offset"]) != (partition.number, offset):
        return await _again(service, row, request, location)
    return Recorded(row, token, location)


async def _again(service: Service, row: RowMapping, request: str, location: str) -> Recorded:
    partition = Partition(BY_NUMBER[row["topic"]].name, row["partition"])
    await require_same_request(service, partition, row["offset"], request)
    return Recorded(row, encode(service.log.log_id, {partition: row["offset"] + 1}), location)


async def _applied(service: Service, command: UUID) -> RowMapping | None:
    """What was recorded by this very command before, whomever it was about."""
    async with service.reads.connect() as connection:
        name = await queries.name_of_command(connection, str(command), SOURCE)
        return None if name is None else await queries.interaction(connection, interaction_id(name.hex))


async def _load(service: Service, id_: UUID) -> RowMapping | None:
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
