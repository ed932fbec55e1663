"""What the routes of feedback share: reading bodies, and answering."""

from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import Header, Query, Response
from pydantic import BaseModel

from libs.events.catalog.fields import Actor
from libs.events.times import utc_text
from libs.service.commands import Done
from libs.service.outcomes import Pending, pending
from libs.service.parameters import Happened
from services.feedback.handling import Handling, Order

Key = Annotated[str | None, Header(alias="Idempotency-Key")]
IfMatch = Annotated[str | None, Header()]
Why = Annotated[str | None, Query(min_length=1, max_length=2_000, description="Why")]
When = Annotated[Happened, Query()]

PENDING: dict[int | str, dict[str, Any]] = {202: {"model": Pending, "description": "Recorded, not folded yet"}}

Said = TypeVar("Said", bound=msgspec.Struct)

_encode = msgspec.json.Encoder().encode


def order_of(
    handling: Handling, method: str, path: str, said: object, *, time: Any, key: str | None, if_match: str | None = None
) -> Order:
    """The request as it was asked. `time` is part of what it says."""
    moment = None if time is None else utc_text(time)
    asked = handling.commands.asked(method, path, key=key, body=[said, moment], if_match=if_match)
    return Order(asked, moment)


def said_by(body: BaseModel) -> dict[str, Any]:
    """A body's fields that were given, but for the time."""
    return body.model_dump(mode="json", exclude_unset=True, exclude={"time"})


def event(kind: type[Said], /, **fields: Any) -> Said:
    """An event's data, or a part of it, from a body's fields; None is absent."""
    return msgspec.convert({name: value for name, value in fields.items() if value is not None}, kind)


def actor_of(body: BaseModel | None) -> Actor | None:
    return None if body is None else msgspec.convert(body.model_dump(exclude_none=True), Actor)


def json(document: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(_encode(document), status, headers, "application/json")


def position(done: Done | None) -> dict[str, str]:
    return {} if done is None else {"Rapport-Position": done.token}


def is_pending(done: Done | None) -> bool:
    return done is not None and done.outcome == "pending"


def no_content(handling: Handling, done: Done | None) -> Response:
    if done is not None and done.outcome == "pending":
        return pending(handling.service, done)
    return Response(status_code=204, headers=position(done))
