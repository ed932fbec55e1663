"""Query parameters that lists of several services share."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from libs.events.terms import CHANNEL_PATTERN, TOUCHPOINT_PATTERN

MAX_LIMIT = 500


def _term(pattern: str, what: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: str | None) -> str | None:
        if value is not None and not compiled.search(value):
            raise ValueError(f"not a {what}; a company's own has its prefix, such as acme:own_{what}")
        return value

    return AfterValidator(check)


Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT, description="How many items a page has at most")]
Cursor = Annotated[str | None, Field(description="`next_cursor` of the page before")]
Channel = Annotated[str | None, _term(CHANNEL_PATTERN, "channel"), Field(description="Only this channel")]
Touchpoint = Annotated[str | None, _term(TOUCHPOINT_PATTERN, "touchpoint"), Field(description="Only this touchpoint")]
Direction = Annotated[Literal["inbound", "outbound"] | None, Field(description="Only this direction")]
