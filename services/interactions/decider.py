"""What follows from a command, given the state of its interaction. Pure; one arm, one rule."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, assert_never
from uuid import UUID

from msgspec import UNSET

from libs.events.catalog.explain import explain
from libs.events.catalog.interactions import InteractionAmended, InteractionCompleted
from libs.events.catalog.registry import CATALOG
from libs.events.decider import Invalid, Refusal, Unheard
from libs.events.problems import Problem
from services.interactions.commands import AmendInteraction, CompleteInteraction, Deciding, RecordInteraction

SOURCE = "/interactions"
RECORDED = "rapport.interactions.interaction.recorded.v1"
COMPLETED = "completed"


class InteractionUnknown(Unheard):
    """There is no interaction of this id."""


class InteractionUnmatched(Refusal):
    """It was amended, but nothing recorded it."""


class AlreadyCompleted(Refusal):
    """It has ended with another resolution."""


@dataclass(frozen=True, slots=True)
class Interaction:
    """One interaction: its fields as they are now, without those that Rapport adds."""

    id: UUID
    status: str
    fields: Mapping[str, Any]
    resolution: str | None = None


def decide_record(command: RecordInteraction, state: Mapping[Any, Any] | None) -> dict[str, Any] | None:
    """The event, as a CloudEvent; None where it is already so."""
    return None if state is not None else _recorded(command)


def decide(command: Deciding, state: Interaction | None) -> InteractionAmended | InteractionCompleted | None:
    """The event to record; None where it is already so. Raises refusals, and Invalid for fields that cannot be so."""
    match command, state:
        case _, None:
            raise InteractionUnknown("there is no interaction of this id")
        case _, Interaction(status="unmatched"):
            raise InteractionUnmatched("nothing has recorded this interaction, so there is nothing to change")
        case AmendInteraction(), Interaction():
            return _amended(command, state)
        case CompleteInteraction(), Interaction(status="completed") if command.resolution in {None, state.resolution}:
            return None
        case CompleteInteraction(), Interaction(status="completed", resolution=str()):
            raise AlreadyCompleted("it was completed before, with another resolution")
        case CompleteInteraction(), Interaction():
            resolution = UNSET if command.resolution is None else command.resolution
            return InteractionCompleted(interaction=str(state.id), resolution=resolution)
        case _:
            assert_never(command)


def amended(fields: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The fields after the changes; None takes one away. Without a status it is completed, as when it is recorded."""
    after = {name: value for name, value in {**fields, **changes}.items() if value is not None}
    return {"status": COMPLETED} | after


def _amended(command: AmendInteraction, state: Interaction) -> InteractionAmended | None:
    after = amended(state.fields, command.changes)
    if after == dict(state.fields):
        return None
    if problems := explain(CATALOG[RECORDED], after):
        raise Invalid([Problem(f"/changes{each.pointer}", each.code, each.detail) for each in problems])
    changed = {name: value for name, value in command.changes.items() if state.fields.get(name) != value}
    return InteractionAmended(interaction=str(state.id), changes=changed, reason=command.reason)


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
