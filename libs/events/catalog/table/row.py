"""What a row of the table says of an event type."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from libs.events.catalog.fields import Data


class Row(NamedTuple):
    """`rule` says what the fields keep together, `source` and `id` are the example's own.

    `contact` is whom the example is about, where a contact's own id is its key. Where `needs_subject` is False, the
    event has a subject only if it is about a customer.
    """

    name: str
    data: type[Data]
    summary: str
    example: Mapping[str, Any]
    rule: str = ""
    source: str = ""
    id: str = ""
    contact: str = ""
    needs_subject: bool = True
