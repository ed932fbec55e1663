"""What callers ask of interactions, with the time and the ids that it takes."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class RecordInteraction:
    """Remember a conversation. `id` becomes the event's id; without `time` it happened when it was recorded."""

    id: UUID
    contact: str
    time: str | None
    fields: dict[str, Any]


Command = RecordInteraction
