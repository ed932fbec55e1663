"""The rules of interactions, as sentences."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from services.interactions.commands import Command, RecordInteraction
from services.interactions.decider import decide

CALL = RecordInteraction(
    id=UUID("0198b1f3-77aa-7f10-a4c2-90b3d21e8f55"),
    contact="crm:4711",
    time="2026-03-02T10:15:00Z",
    fields={"channel": "telephone", "direction": "inbound"},
)
RECORDED = {
    "specversion": "1.0",
    "id": "0198b1f3-77aa-7f10-a4c2-90b3d21e8f55",
    "source": "/interactions",
    "type": "rapport.interactions.interaction.recorded.v1",
    "subject": "crm:4711",
    "time": "2026-03-02T10:15:00Z",
    "datacontenttype": "application/json",
    "data": {"channel": "telephone", "direction": "inbound"},
}


@dataclass(frozen=True)
class Spec:
    """`spec.given(state).when(command).then(event)`."""

    state: Mapping[str, Any] | None = None
    command: Command = CALL

    def given(self, state: Mapping[str, Any]) -> "Spec":
        return replace(self, state=state)

    def when(self, command: Command) -> "Spec":
        return replace(self, command=command)

    def then(self, event: Mapping[str, Any] | None) -> None:
        assert decide(self.command, self.state) == event


spec = Spec()


def test_a_conversation_is_recorded() -> None:
    spec.when(CALL).then(RECORDED)


def test_one_without_a_time_happened_when_it_is_recorded() -> None:
    untimed = {name: value for name, value in RECORDED.items() if name != "time"}
    spec.when(replace(CALL, time=None)).then(untimed)


def test_recording_the_same_again_is_quiet() -> None:
    spec.given({"id": CALL.id, "version": 1}).when(CALL).then(None)
