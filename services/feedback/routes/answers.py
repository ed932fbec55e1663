"""What the routes of feedback share: reading bodies, and answering."""

from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import Query
from pydantic import BaseModel

from libs.events.catalog.fields import Actor
from libs.events.times import utc_text
from libs.service.commands import Done
from libs.service.parameters import Happened
from services.feedback.handling import Handling, Order

When = Annotated[Happened, Query()]

Said = TypeVar("Said", bound=msgspec.Struct)


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


def is_pending(done: Done | None) -> bool:
    return done is not None and done.outcome == "pending"
