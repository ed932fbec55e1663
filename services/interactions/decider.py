"""What follows from a command, given the state of its interaction. Pure; one arm, one rule."""

from collections.abc import Mapping
from typing import Any

from services.interactions.commands import Command, RecordInteraction

SOURCE = "/interactions"
RECORDED = "rapport.interactions.interaction.recorded.v1"


def decide(command: Command, state: Mapping[Any, Any] | None) -> dict[str, Any] | None:
    """The event, as a CloudEvent; None where it is already so."""
    match command, state:
        case RecordInteraction(), None:
            return _recorded(command)
        case RecordInteraction(), _:
            return None


def _recorded(command: RecordInteraction) -> dict[str, Any]:
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": str(command.id),
        "source": SOURCE,
        "type": RECORDED,
        "subject": command.contact,
    }
    if command.time is not None:
        event["time"] = command.time
    return event | {"datacontenttype": "application/json", "data": command.fields}
