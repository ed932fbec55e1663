"""What the routes of feedback share: reading bodies, and answering."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import Query, Response
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.catalog.fields import Actor
from libs.events.decider import Refusal
from libs.events.times import utc_text
from libs.service.answers import is_pending, json, position
from libs.service.commands import Done
from libs.service.outcomes import pending
from libs.service.parameters import Happened
from libs.service.runtime import Service
from services.feedback.handling import Handling, Order
from services.feedback.refusals import refuse

When = Annotated[Happened, Query()]

Said = TypeVar("Said", bound=msgspec.Struct)
Load = Callable[[AsyncConnection], Awaitable[dict[str, Any] | None]]


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


async def answered(
    service: Service, path: str, load: Load, missing: type[Refusal], *, done: Done | None, status: int
) -> Response:
    """The thing at a path as it is now: 202 before the fold has passed what was done. Raises `missing`."""
    if is_pending(done):
        return pending(service, done)
    async with service.reads.connect() as connection:
        found = await load(connection)
    if found is None:
        raise refuse(missing)
    created = {"Location": path} if status == 201 else {}
    etag = {"ETag": f'"{found["version"]}"'} if "version" in found else {}
    return json(found, status, etag | created | position(done))
