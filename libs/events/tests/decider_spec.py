"""Deciders as sentences: `spec.given(...).when(command).then(event)`, or `.is_quiet()`, or `.is_refused(kind)`."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import pytest

from libs.events.decider import Invalid, Refusal

Command = TypeVar("Command")
State = TypeVar("State")
Event = TypeVar("Event")


@dataclass(frozen=True)
class Sentence(Generic[Event]):
    """A command that was put to a decider."""

    decided: Callable[[], Event | None]

    def then(self, event: Event) -> None:
        """The event is this one, whole."""
        assert self.decided() == event

    def is_quiet(self) -> None:
        """It is so already."""
        assert self.decided() is None

    def is_refused(self, kind: type[Refusal], **more: object) -> None:
        with pytest.raises(kind) as refused:
            self.decided()
        assert type(refused.value) is kind
        assert refused.value.detail
        assert refused.value.more == more

    def is_invalid(self, *pointers: str) -> None:
        """These fields are to blame."""
        with pytest.raises(Invalid) as refused:
            self.decided()
        assert [problem.pointer for problem in refused.value.problems] == list(pointers)


@dataclass(frozen=True)
class Spec(Generic[Command, State, Event]):
    """`state` makes a state of what is given, a fresh one each time."""

    decide: Callable[[Command, State], Event | None]
    state: Callable[..., State]
    told: tuple[Any, ...] = ()

    def given(self, *told: Any) -> "Spec[Command, State, Event]":
        return replace(self, told=told)

    def when(self, command: Command) -> Sentence[Event]:
        return Sentence(lambda: self.decide(command, self.state(*self.told)))
