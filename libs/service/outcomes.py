"""`GET /v1/outcomes/{service}/{command}`: what became of a command whose answer was 202 or 503."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from libs.service.commands import Done, Found, outcome_of, outcome_path
from libs.service.errors import RETRY_AFTER_S
from libs.service.runtime import Service

_encode = msgspec.json.Encoder().encode


class Outcome(BaseModel):
    """What became of a command."""

    outcome: Literal["pending", "applied", "superseded", "conflict", "invalid", "parked"]
    position: Annotated[str | None, Field(description="topic/partition/offset in the log")] = None
    reason: Annotated[str | None, Field(description="The judge's, for a claim that has no effect")] = None
    contact: Annotated[str | None, Field(description="The contact that a claim is about now")] = None
    conflict: Annotated[str | None, Field(description="The conflict that a claim opened, met or closed")] = None


class Pending(BaseModel):
    """A command whose outcome is not known yet; `Location` is where it will be."""

    outcome: Literal["pending"]
    position: str


def router(routes: APIRouter, service: Service) -> APIRouter:
    """Adds the route to a service's others."""

    @routes.get(outcome_path(service.name, "{command}").removeprefix(routes.prefix), tags=["outcomes"],
                summary="What became of a command", response_model=Outcome)  # fmt: skip
    async def outcome(command: UUID) -> Response:
        """For a command whose answer was 202 or 503. Pending: nothing is folded under this id so far."""
        async with service.reads.connect() as connection:
            found = await outcome_of(connection, command)
        return outcome_response(found)

    return routes


def outcome_response(found: Found | None) -> Response:
    if found is None:
        headers = {"Retry-After": str(RETRY_AFTER_S)}
        return Response(_encode({"outcome": "pending"}), 200, headers, "application/json")
    document: dict[str, Any] = {"outcome": found.outcome, "position": f"{found.partition}/{found.offset}"}
    if (ruling := found.ruling) is not None:
        more = {"reason": ruling.reason, "contact": ruling.contact, "conflict": ruling.conflict}
        document |= {name: str(value) for name, value in more.items() if value is not None}
    return Response(_encode(document), media_type="application/json")


def pending(service: Service, done: Done) -> Response:
    """202: recorded, and not folded yet."""
    headers = {"Rapport-Position": done.token, "Location": outcome_path(service.name, done.command)}
    return Response(_encode({"outcome": "pending", "position": done.token}), 202, headers, "application/json")
