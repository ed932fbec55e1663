"""What routes of all services take and answer alike."""

from typing import Annotated, Any

import msgspec
from fastapi import Header, Query, Response

from libs.service.commands import Done
from libs.service.outcomes import Pending, pending
from libs.service.runtime import Service

Key = Annotated[str | None, Header(alias="Idempotency-Key")]
IfMatch = Annotated[str | None, Header()]
Why = Annotated[str | None, Query(min_length=1, max_length=2_000, description="Why")]

PENDING: dict[int | str, dict[str, Any]] = {202: {"model": Pending, "description": "Recorded, not folded yet"}}

_encode = msgspec.json.Encoder().encode


def json(document: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(_encode(document), status, headers, "application/json")


def position(done: Done | None) -> dict[str, str]:
    """The header that says which position covers what was done; none where it was so already."""
    return {} if done is None else {"Rapport-Position": done.token}


def no_content(service: Service, done: Done | None) -> Response:
    """204, or 202 before the fold has passed it."""
    if done is not None and done.outcome == "pending":
        return pending(service, done)
    return Response(status_code=204, headers=position(done))
