"""What was asked and what came of it, in Jepsen's words: invoke, ok, fail or unknown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from libs.events.clock import monotonic_s

Name = tuple[str, str, str]


class Kind(StrEnum):
    ONE = "one event"
    BATCH = "a batch"
    INTERACTION = "an interaction"
    BAD_BATCH = "a batch with a bad event"
    READ = "a read"
    REGISTER = "a registration"
    LINK = "a link"
    UNLINK = "an unlink"
    TRAITS = "a change of traits"
    MERGE = "a merge"
    UNMERGE = "an unmerge"
    RESOLVE = "a resolution"
    AMEND = "an amendment"
    COMPLETE = "a completion"


class Outcome(StrEnum):
    INVOKE = "invoke"
    OK = "ok"
    FAIL = "fail"
    UNKNOWN = "unknown"


class Effect(StrEnum):
    """Of a command, by its answer."""

    NONE = "none"
    DONE = "done"
    ALREADY_SO = "already so"


@dataclass(frozen=True, slots=True)
class Operation:
    """`names` are (subject, source, id) of the events that it writes or, for a read, must see; no source is any.

    A command has an id, and says what its person's timeline must show once it is done: `shows`.
    """

    number: int
    kind: Kind
    method: str
    path: str
    body: bytes
    headers: Mapping[str, str]
    names: tuple[Name, ...]
    service: str = "interactions"
    command: str = ""
    shows: Name | None = None


class Entry(NamedTuple):
    """A line of the history. `answer` is what came back, decoded; for a read only whether it saw all."""

    at_s: float
    operation: Operation
    outcome: Outcome
    status: int
    answer: Any
    effect: Effect


@dataclass
class History:
    """In order."""

    entries: list[Entry] = field(default_factory=list)

    def note(
        self, operation: Operation, outcome: Outcome, status: int = 0, answer: Any = None, effect: Effect = Effect.NONE
    ) -> None:
        self.entries.append(Entry(monotonic_s(), operation, outcome, status, answer, effect))

    def with_outcome(self, outcome: Outcome) -> list[Entry]:
        return [entry for entry in self.entries if entry.outcome is outcome]

    def acknowledged(self) -> list[Entry]:
        """Writes that were answered ok."""
        return [entry for entry in self.with_outcome(Outcome.OK) if entry.operation.kind is not Kind.READ]

    def decided(self) -> list[Entry]:
        """Commands that were acknowledged as done."""
        return [entry for entry in self.acknowledged() if entry.effect is Effect.DONE]

    def known_commands(self) -> list[Entry]:
        """What came in the end of commands that were unknown once."""
        doubted = {entry.operation.number for entry in self.with_outcome(Outcome.UNKNOWN) if entry.operation.command}
        known = [entry for entry in self.entries if entry.outcome in {Outcome.OK, Outcome.FAIL}]
        return [entry for entry in known if entry.operation.number in doubted]

    def unresolved(self) -> list[Operation]:
        last = {entry.operation.number: entry for entry in self.entries}
        return [entry.operation for entry in last.values() if entry.outcome in {Outcome.INVOKE, Outcome.UNKNOWN}]

    def of(self, operation: Operation) -> list[str]:
        """All that came of one operation, to be read."""
        mine = [entry for entry in self.entries if entry.operation is operation]
        told = [f"{entry.at_s:.3f} {entry.outcome} {entry.status} {entry.answer}" for entry in mine]
        asked = f"{operation.kind} {operation.command} {operation.method} {operation.path} {operation.names}"
        return [f"{asked} {operation.body!r}", *told]

    def answers_since(self, moment_s: float) -> list[tuple[Entry, float]]:
        """What was answered, or not, to requests that were sent from then on; and after how many seconds."""
        sent_s: dict[int, float] = {}
        answered: list[tuple[Entry, float]] = []
        for entry in self.entries:
            number = entry.operation.number
            if entry.outcome is not Outcome.INVOKE and sent_s[number] >= moment_s:
                answered.append((entry, entry.at_s - sent_s[number]))
            sent_s[number] = entry.at_s
        return answered

    def writes_since(self, moment_s: float) -> int:
        return sum(entry.at_s > moment_s for entry in self.acknowledged())
