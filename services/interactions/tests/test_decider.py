"""The rules of interactions, as sentences."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from msgspec import UNSET

from libs.events.catalog.interactions import InteractionAmended, InteractionCompleted
from libs.events.decider import Invalid
from libs.events.tests.decider_spec import Spec
from services.interactions.commands import AmendInteraction, CompleteInteraction, Deciding, RecordInteraction
from services.interactions.decider import (
    AlreadyCompleted,
    Interaction,
    InteractionUnknown,
    InteractionUnmatched,
    decide,
    decide_record,
)

COMMAND = UUID("0198b1f3-77aa-7f10-a4c2-90b3d21e8f55")
CALL = RecordInteraction(
    id=COMMAND,
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

INTERACTION = UUID("c41d9c8d-adb5-8ef5-9d5b-c383e9e127cf")
OPENED = Interaction(
    id=INTERACTION,
    status="opened",
    fields={"channel": "telephone", "direction": "inbound", "status": "opened", "reason": "delivery is late"},
)
COMPLETED = replace(
    OPENED, status="completed", fields={**OPENED.fields, "status": "completed"}, resolution="sent again"
)
UNMATCHED = Interaction(id=INTERACTION, status="unmatched", fields={"status": "unmatched"})


def state(found: Interaction | None = None) -> Interaction | None:
    return found


def row(found: Mapping[str, Any] | None = None) -> Mapping[str, Any] | None:
    return found


recording = Spec[RecordInteraction, Mapping[Any, Any] | None, dict[str, Any]](decide_record, row)
spec = Spec[Deciding, Interaction | None, InteractionAmended | InteractionCompleted](decide, state)


def amend(**changes: object) -> AmendInteraction:
    return AmendInteraction(COMMAND, changes, "the carrier called")


def amended(**changes: object) -> InteractionAmended:
    return InteractionAmended(interaction=str(INTERACTION), changes=changes, reason="the carrier called")


def complete(resolution: str | None = None) -> CompleteInteraction:
    return CompleteInteraction(COMMAND, resolution)


class TestRecording:
    def test_a_conversation_is_recorded(self) -> None:
        recording.when(CALL).then(RECORDED)

    def test_one_without_a_time_happened_when_it_is_recorded(self) -> None:
        untimed = {name: value for name, value in RECORDED.items() if name != "time"}
        recording.when(replace(CALL, time=None)).then(untimed)

    def test_recording_the_same_again_is_quiet(self) -> None:
        recording.given({"id": CALL.id, "version": 1}).when(CALL).is_quiet()


class TestAmending:
    def test_fields_are_changed_added_and_taken_away(self) -> None:
        wanted = {"direction": "outbound", "summary": "promised a call", "reason": None}
        spec.given(OPENED).when(amend(**wanted)).then(amended(**wanted))

    def test_only_what_changes_is_recorded(self) -> None:
        wanted = {"channel": "telephone", "reason": "parcel lost", "summary": None}
        spec.given(OPENED).when(amend(**wanted)).then(amended(reason="parcel lost"))

    def test_what_has_ended_can_be_corrected(self) -> None:
        spec.given(COMPLETED).when(amend(reason="parcel lost")).then(amended(reason="parcel lost"))

    def test_one_without_a_status_is_completed(self) -> None:
        spec.given(OPENED).when(amend(status=None)).then(amended(status=None))
        spec.given(COMPLETED).when(amend(status=None)).is_quiet()

    def test_changing_nothing_is_quiet(self) -> None:
        spec.given(OPENED).when(amend(reason="delivery is late", summary=None)).is_quiet()

    def test_an_unknown_one_is_refused(self) -> None:
        spec.when(amend(reason="parcel lost")).is_refused(InteractionUnknown)

    def test_one_that_nothing_has_recorded_is_refused(self) -> None:
        spec.given(UNMATCHED).when(amend(reason="parcel lost")).is_refused(InteractionUnmatched)

    @pytest.mark.parametrize(
        ("changes", "pointer", "code"),
        [
            ({"channel": None}, "/changes/channel", "required"),
            ({"direction": "sideways"}, "/changes/direction", "not_allowed"),
            ({"resolution": "sent again"}, "/changes/resolution", "unknown_field"),
            ({"a/b": 1}, "/changes/a~1b", "unknown_field"),
        ],
    )
    def test_fields_that_cannot_be_so_are_pointed_at(self, changes: dict[str, Any], pointer: str, code: str) -> None:
        with pytest.raises(Invalid) as refused:
            decide(amend(**changes), OPENED)
        assert [(each.pointer, each.code) for each in refused.value.problems] == [(pointer, code)]


class TestCompleting:
    def test_it_ends_with_a_resolution(self) -> None:
        ended = InteractionCompleted(interaction=str(INTERACTION), resolution="sent again by courier")
        spec.given(OPENED).when(complete("sent again by courier")).then(ended)

    def test_it_ends_without_one(self) -> None:
        ended = InteractionCompleted(interaction=str(INTERACTION), resolution=UNSET)
        spec.given(OPENED).when(complete()).then(ended)

    @pytest.mark.parametrize("resolution", [None, "sent again"])
    def test_ending_it_again_in_the_same_way_is_quiet(self, resolution: str | None) -> None:
        spec.given(COMPLETED).when(complete(resolution)).is_quiet()

    def test_ending_it_otherwise_is_refused(self) -> None:
        spec.given(COMPLETED).when(complete("given up")).is_refused(AlreadyCompleted)

    def test_an_unknown_one_is_refused(self) -> None:
        spec.when(complete()).is_refused(InteractionUnknown)

    def test_one_that_nothing_has_recorded_is_refused(self) -> None:
        spec.given(UNMATCHED).when(complete()).is_refused(InteractionUnmatched)
