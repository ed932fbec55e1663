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


@dataclass(frozen=True, slots=True)
class AmendInteraction:
    """Change what was recorded; a field whose new value is None is taken away."""

    id: UUID
    changes: dict[str, Any]
    reason: str


@dataclass(frozen=True, slots=True)
class CompleteInteraction:
    """It came to its end."""

    id: UUID
    resolution: str | None


Deciding = AmendInteraction | CompleteInteraction
Command = RecordInteraction | Deciding
