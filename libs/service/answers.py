"""What routes of all services take and answer alike."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeGuard, TypeVar

import msgspec
from fastapi import Header, Query, Response

from libs.service.commands import Done
from libs.service.cursors import next_link
from libs.service.outcomes import Pending, pending
from libs.service.parameters import ListQuery
from libs.service.runtime import Service

Item = TypeVar("Item")

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


def page(
    path: str, query: ListQuery, found: Sequence[Item], cursor_of: Callable[[Item], str],
    show: Callable[[Item], object] = lambda item: item,
) -> Response:  # fmt: skip
    """A page of a list, of which one item more than the limit was looked for: where it was found there are more."""
    shown = found[: query.limit]
    cursor = cursor_of(shown[-1]) if len(found) > query.limit else None
    headers = {} if cursor is None else {"Link": next_link(path, query, cursor)}
    return json({"items": list(map(show, shown)), "next_cursor": cursor}, headers=headers)


def is_pending(done: Done | None) -> TypeGuard[Done]:
    """Whether something was recorded that the own fold has not passed yet."""
    return done is not None and done.outcome == "pending"


def no_content(service: Service, done: Done | None) -> Response:
    """204, or 202 before the fold has passed it."""
    if is_pending(done):
        return pending(service, done)
    return Response(status_code=204, headers=position(done))
