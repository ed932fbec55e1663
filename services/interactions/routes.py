"""HTTP routes of interactions, all but the hot one."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Header, Query, Response
from sqlalchemy import RowMapping

from libs.events.catalog.registry import CATALOG, Kind, schema
from libs.events.identity.persons import Person, person_of
from libs.events.times import utc_text
from libs.service import cursors
from libs.service.answers import PENDING, IfMatch, Key, is_pending, json, page
from libs.service.app import new_router
from libs.service.commands import Asked, command_id, outcome_of
from libs.service.cursors import Place
from libs.service.errors import HttpRefusal
from libs.service.outcomes import Outcome, outcome_response, pending
from libs.service.refs import Ref, contact_unknown, read_ref
from libs.service.runtime import Service
from services.interactions import queries
from services.interactions.commands import AmendInteraction, CompleteInteraction, Deciding, RecordInteraction
from services.interactions.decider import SOURCE, InteractionUnknown
from services.interactions.recording import Recorded, Recording, etag_of, fields_of, load
from services.interactions.schemas import (
    SENT_EVENT,
    Accepted,
    Amendment,
    Completion,
    FoundEvents,
    Interaction,
    InteractionPage,
    InteractionQuery,
    NewInteraction,
    Schemas,
)

_encode = msgspec.json.Encoder().encode
_OBSERVATIONS = {name: type_ for name, type_ in CATALOG.items() if type_.kind is Kind.OBSERVATION}
_EVENT_BODIES: dict[str, Any] = {
    "application/cloudevents+json": {
        "schema": SENT_EVENT,
        "example": _OBSERVATIONS["rapport.interactions.purchase.recorded.v1"].example,
    },
    "application/cloudevents-batch+json": {
        "schema": {"type": "array", "items": SENT_EVENT},
        "example": [_OBSERVATIONS["rapport.interactions.complaint.lodged.v1"].example],
    },
    "application/json": {"schema": {}, "example": {"amount_minor": 1230, "currency": "GBP", "order": "536365"}},
}


def router(service: Service) -> APIRouter:
    """Events by id, schemas, and interactions."""
    routes, recording = new_router(), Recording(service)
    _describe_ingest(routes)
    _event_routes(routes, service)
    _schema_routes(routes)
    _interaction_routes(routes, recording)
    _change_routes(routes, recording)
    return routes


def _describe_ingest(routes: APIRouter) -> None:
    @routes.post("/events", tags=["events"], summary="Post events: CloudEvents 1.0, one, a batch, or in binary mode",
                 status_code=202, response_model=Accepted,
                 responses={200: {"model": Accepted, "description": "A dry run: nothing was stored"}},
                 openapi_extra={"requestBody": {"required": True, "content": _EVENT_BODIES}})  # fmt: skip
    async def post_events(
        prefer: Annotated[str | None, Header(description="`handling=lenient` takes the good events of a batch")] = None,
        dry_run: Annotated[bool, Query(description="Check the events and store nothing")] = False,
    ) -> Response:
        """Durable when it is answered. The same id under the same source and subject takes effect once."""
        raise HttpRefusal(500, "internal_error", "the ingest handler is not mounted")  # Ingest answers this path


def _event_routes(routes: APIRouter, service: Service) -> None:
    @routes.get("/events/{event_id:text}", tags=["events"], summary="What became of an event",
                response_model=FoundEvents)  # fmt: skip
    async def find_event(event_id: str, source: Annotated[str | None, Query()] = None) -> Response:
        """Every record of an id: where it stands, and whether it counts. `source` narrows it to one sender."""
        async with service.reads.connect() as connection:
            rows = await queries.records_of(connection, event_id, source)
        if not rows:
            raise HttpRefusal(404, "event_unknown", "no event of this id has been folded here")
        return json({"items": [_found(event_id, row) for row in rows]})

    @routes.get("/outcomes/interactions/{command}", tags=["outcomes"], summary="What became of a command",
                response_model=Outcome)  # fmt: skip
    async def outcome(command: UUID) -> Response:
        """For a command whose answer was 202 or 503. Pending: nothing is folded under this id so far."""
        async with service.reads.connect() as connection:
            if (found := await outcome_of(connection, command)) is not None:
                return outcome_response(found)
            rows = await queries.records_of(connection, str(command), SOURCE)
        became = {"recorded": "applied", "quarantined": "conflict"}
        known = [became[row["outcome"]] for row in rows if row["outcome"] in became]
        if not known:
            return outcome_response(None)
        return json({"outcome": known[0], "position": queries.position_of(rows[0])})


def _schema_routes(routes: APIRouter) -> None:
    @routes.get("/schemas", tags=["schemas"], summary="The types that may be sent", response_model=Schemas)
    async def list_schemas() -> Response:
        lines = [
            {"type": name, "summary": type_.summary, "schema": f"/v1/schemas/{name}"}
            for name, type_ in _OBSERVATIONS.items()
        ]
        return json({"items": lines})

    @routes.get("/schemas/{type_name}", tags=["schemas"], summary="The JSON Schema of a type", response_class=Response,
                responses={200: {"content": {"application/schema+json": {}}}})  # fmt: skip
    async def get_schema(type_name: str) -> Response:
        if type_name not in _OBSERVATIONS:
            raise HttpRefusal(404, "type_unknown", "no such type may be sent; GET /v1/schemas lists them")
        return Response(_encode(schema(type_name)), media_type="application/schema+json")


def _interaction_routes(routes: APIRouter, recording: Recording) -> None:
    service = recording.service

    @routes.post("/interactions", tags=["interactions"], summary="Record an interaction", status_code=201,
                 response_model=Interaction, responses=PENDING)  # fmt: skip
    async def post_interaction(body: NewInteraction, idempotency_key: Key = None) -> Response:
        """Answered when the interaction can be read back."""
        person = read_ref(body.contact, service.nodes, "/contact")
        if person.is_node:
            await _person(service, person, "/contact")
        id_ = command_id(service.log.log_id, "POST", "/v1/interactions", idempotency_key)
        fields = fields_of(body)
        command = RecordInteraction(id_, person.identifier, fields.pop("time", None), fields)
        return _recorded(await recording.record(command, person.node))

    @routes.get("/interactions", tags=["interactions"], summary="List interactions, newest first",
                response_model=InteractionPage)  # fmt: skip
    async def list_interactions(query: Annotated[InteractionQuery, Query()]) -> Response:
        """All of them, or those with one contact, under whichever of its names."""
        nodes = None
        if query.contact is not None:
            nodes = (await _person(service, read_ref(query.contact, service.nodes, "contact"))).nodes
        async with service.reads.connect() as connection:
            rows = await queries.page(connection, query, nodes, cursors.decode(query.cursor))
        return page("/v1/interactions", query, rows, _cursor, as_item)

    @routes.get("/interactions/{interaction_id}", tags=["interactions"], summary="One interaction",
                response_model=Interaction)  # fmt: skip
    async def get_interaction(interaction_id: UUID) -> Response:
        """As it is now, with all that was decided about it."""
        return _found_interaction(await load(service, interaction_id))


def _change_routes(routes: APIRouter, recording: Recording) -> None:
    @routes.patch("/interactions/{interaction_id}", tags=["interactions"], summary="Amend an interaction",
                  response_model=Interaction, responses=PENDING)  # fmt: skip
    async def amend(
        interaction_id: UUID, body: Amendment, idempotency_key: Key = None, if_match: IfMatch = None
    ) -> Response:
        """Which fields, and why; null takes a field away. What was recorded first stays in the log."""
        path, said = f"/v1/interactions/{interaction_id}", body.model_dump()
        asked = recording.commands.asked("PATCH", path, key=idempotency_key, body=said, if_match=if_match)
        command = AmendInteraction(asked.command, body.changes, body.reason)
        return await _changed(recording, interaction_id, command, asked)

    @routes.post("/interactions/{interaction_id}/completion", tags=["interactions"], summary="Complete an interaction",
                 response_model=Interaction, responses=PENDING)  # fmt: skip
    async def complete(
        interaction_id: UUID, body: Completion, idempotency_key: Key = None, if_match: IfMatch = None
    ) -> Response:
        path, said = f"/v1/interactions/{interaction_id}/completion", body.model_dump()
        asked = recording.commands.asked("POST", path, key=idempotency_key, body=said, if_match=if_match)
        return await _changed(recording, interaction_id, CompleteInteraction(asked.command, body.resolution), asked)


async def _changed(recording: Recording, id_: UUID, command: Deciding, asked: Asked) -> Response:
    row, done = await recording.change(id_, command, asked)
    if is_pending(done):
        return pending(recording.service, done)
    response = _found_interaction(row)
    if done is not None:
        response.headers["Rapport-Position"] = done.token
    return response


def _found_interaction(row: RowMapping | None) -> Response:
    if row is None:
        raise InteractionUnknown("there is no interaction of this id")
    return json(as_item(row), headers={"ETag": etag_of(row)})


async def _person(service: Service, ref: Ref, pointer: str | None = None) -> Person:
    """Whom a ref names, with all of their names. Raises 404 where nobody has heard of them; `pointer` named them."""
    async with service.reads.connect() as connection:
        person = await person_of(connection, ref.node)
        if not person.is_claimed and not await queries.is_known(connection, ref.node):
            raise contact_unknown(pointer)
    return person


def _recorded(recorded: Recorded) -> Response:
    headers = {"Rapport-Position": recorded.token, "Location": recorded.location}
    if recorded.row is None:
        return json({"outcome": "pending", "position": recorded.token}, 202, headers)
    return json(as_item(recorded.row), 201, headers | {"ETag": etag_of(recorded.row)})


def as_item(row: RowMapping) -> dict[str, Any]:
    """An interaction as it is answered: what was recorded, and what Rapport knows about it."""
    own = {
        "id": str(row["id"]),
        "version": row["version"],
        "contact": str(row["node"]),
        "occurred_at": row["occurred_at"],
        "recorded_at": row["recorded_at"],
        "event_id": row["event_id"],
        "source": row["source"],
        "position": queries.position_of(row),
        "status": row["status"],
        "amendments": msgspec.json.decode(row["amendments"]),
    }
    fields: dict[str, Any] = msgspec.json.decode(row["data"])
    return own | fields


def _found(event_id: str, row: RowMapping) -> dict[str, Any]:
    node = row["node"]
    return {
        "id": event_id,
        "source": row["source"],
        "type": row["type"],
        "contact": None if node is None else str(node),
        "position": queries.position_of(row),
        "recorded_at": row["recorded_at"],
        "outcome": row["outcome"],
        "reason": row["reason"],
    }


def _cursor(row: RowMapping) -> str:
    return cursors.encode(Place(utc_text(row["occurred_at"]), row["topic"], row["partition"], row["offset"]))
