"""The event types of the operator's commands."""

from typing import Annotated, Final, Literal

from msgspec import Meta

from libs.events.catalog.fields import INT64_MAX, Data, Id
from libs.events.terms import END

UUID_PATTERN: Final = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}" + END


class LogCreated(Data, frozen=True, kw_only=True):
    """Stands at offset 0 of every partition; `secret_check` tells whether the identity secret is the log's own."""

    log: Annotated[str, Meta(pattern=UUID_PATTERN)]
    topic: Id
    partition: Annotated[int, Meta(ge=0, le=INT64_MAX)]
    partitions: dict[str, Annotated[int, Meta(ge=1, le=INT64_MAX)]]
    brokers: Literal["single", "cluster"] = "single"
    secret_check: Id
