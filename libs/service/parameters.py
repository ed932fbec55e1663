"""Query parameters that lists of several services share."""

import re
from datetime import datetime
from typing import Annotated, Literal, TypeVar
from urllib.parse import parse_qsl

from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError
from starlette.convertors import PathConvertor, register_url_convertor

from libs.events.clock import now
from libs.events.terms import CHANNEL_PATTERN, TOUCHPOINT_PATTERN
from libs.events.times import MAX_AHEAD, parse

MAX_LIMIT = 500
REMEMBERED_QUERIES = 4_096  # about 2 MB; pages are asked for with few different parameters

Query = TypeVar("Query", bound=BaseModel)


class AnyText(PathConvertor):
    """`{ref:text}`: the rest of a path, with slashes and, unlike `{ref:path}`, line ends."""

    regex = "(?s:.*)"


register_url_convertor("text", AnyText())


def term(pattern: str, what: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: str | None) -> str | None:
        if value is not None and not compiled.search(value):
            raise ValueError(f"not a {what}; a company's own has its prefix, such as acme:own_{what}")
        return value

    return AfterValidator(check)


def _moment(value: object) -> object:
    """Strict, where pydantic would take 2020 for seconds and the calendar's last hours for a time in UTC."""
    if not isinstance(value, str):
        raise ValueError("must be text: an RFC 3339 time")  # noqa: TRY004  pydantic turns ValueError into its own
    return parse(value)


def _not_ahead(value: datetime | None) -> datetime | None:
    if value is not None and value > now() + MAX_AHEAD:
        raise PydanticCustomError("time_ahead", "must not lie more than 5 minutes ahead")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]
Happened = Annotated[
    Moment | None, AfterValidator(_not_ahead), Field(description="When it happened, at most 5 minutes ahead; else now")
]
Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT, description="How many items a page has at most")]
Cursor = Annotated[str | None, Field(description="`next_cursor` of the page before")]


class ListQuery(BaseModel):
    """Parameters of a list; unknown ones are refused, so that a misspelt filter is noticed."""

    model_config = ConfigDict(extra="forbid")

    limit: Limit = 50
    cursor: Cursor = None


Channel = Annotated[str | None, term(CHANNEL_PATTERN, "channel"), Field(description="Only this channel")]
Touchpoint = Annotated[str | None, term(TOUCHPOINT_PATTERN, "touchpoint"), Field(description="Only this touchpoint")]
Direction = Annotated[Literal["inbound", "outbound"] | None, Field(description="Only this direction")]


def read_query(model: type[Query], query_string: bytes) -> Query:
    """The parameters of a hot route, as FastAPI would read them. Raises RequestValidationError."""
    try:
        return model.model_validate(dict(parse_qsl(query_string.decode("ascii", "replace"))))
    except ValidationError as reason:
        faults = [{**fault, "loc": ("query", *fault["loc"])} for fault in reason.errors()]
        raise RequestValidationError(faults) from None
