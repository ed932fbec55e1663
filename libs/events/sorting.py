"""What becomes of each record of a batch: folded, a duplicate, under suspicion, or held back. Pure.

Records are taken in order, so the first of a name wins and a key that is parked in the middle holds back what follows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from libs.events.fold import Fact, Projection, Row, RowFold, RowKey
from libs.events.position import Partition
from libs.events.steps import Passed, Step, Unreadable

MAX_PARKED_KEYS = 100  # in one partition of a live fold; more is a bug in the code, not bad data

# What pure code raises when it meets data it cannot handle. Never a reason to try again.
PURE_ERRORS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)

TextRow = tuple[str | None, ...]
ParkedKey = tuple[Partition, str]


class First(NamedTuple):
    """Where a name was seen first, and the digest of what it said."""

    digest: str
    offset: int


class Suspect(NamedTuple):
    """A name that comes again with other bytes: the same content spelled otherwise, or other content."""

    fact: Fact
    first_offset: int


class TooManyParked(Exception):
    """One more key would have to be parked in this partition; nothing from this offset on may be folded."""

    def __init__(self, partition: Partition, offset: int) -> None:
        super().__init__(f"more than {MAX_PARKED_KEYS} keys of {partition} are parked")
        self.partition = partition
        self.offset = offset


@dataclass(slots=True)
class Sorter:
    """Takes a batch apart. `seen`, `parked` and `states` are what the database held before it."""

    projection: Projection
    seen: dict[str, First]
    parked: set[ParkedKey]
    states: dict[tuple[str, RowKey], Row | None]
    limited: bool
    memory: list[TextRow] = field(default_factory=list)
    duplicates: list[TextRow] = field(default_factory=list)
    suspects: list[Suspect] = field(default_factory=list)
    held: list[TextRow] = field(default_factory=list)
    newly_parked: list[tuple[Partition, str, int]] = field(default_factory=list)
    changed: set[tuple[str, RowKey]] = field(default_factory=set)

    def take(self, step: Step) -> None:
        """Raises TooManyParked before anything of this step counts."""
        match step:
            case Passed():
                return
            case Unreadable() if (step.partition, step.key) in self.parked:
                self._hold(step, "held", "an earlier event of this key is parked")
            case Unreadable():
                self._park(step, step.code, step.detail)
            case Fact() if (step.partition, step.key) in self.parked:
                self._hold(step, "held", "an earlier event of this key is parked")
            case Fact():
                self._fold(step)

    def _fold(self, fact: Fact) -> None:
        if first := self.seen.get(fact.name):
            if first.digest == fact.digest:
                self.duplicates.append(repeat_row(fact, first.offset))
            else:
                self.suspects.append(Suspect(fact, first.offset))
            return
        try:
            row = self.projection.memory.row(fact)
            next_states = {place: state for fold in self.projection.rows for place, state in self._apply(fold, fact)}
        except PURE_ERRORS as reason:
            self._park(fact, "fold_failed", f"{type(reason).__name__}: {reason}"[:500])
            return
        self.memory.append(row)
        self.seen[fact.name] = First(fact.digest, fact.offset)
        self.states |= next_states
        self.changed |= next_states.keys()

    def _apply(self, fold: RowFold, fact: Fact) -> list[tuple[tuple[str, RowKey], Row | None]]:
        key = fold.key(fact)
        if key is None:
            return []
        place = (fold.table.name, key)
        return [(place, fold.fold(self.states.get(place), fact))]

    def _park(self, step: Fact | Unreadable, code: str, detail: str) -> None:
        if self.limited and sum(partition == step.partition for partition, _ in self.parked) >= MAX_PARKED_KEYS:
            raise TooManyParked(step.partition, step.offset)
        self.parked.add((step.partition, step.key))
        self.newly_parked.append((step.partition, step.key, step.offset))
        self._hold(step, code, detail)

    def _hold(self, step: Fact | Unreadable, code: str, detail: str) -> None:
        event_id = step.event.id if isinstance(step, Fact) else step.event_id
        place = (step.partition.topic, str(step.partition.number), str(step.offset))
        words = (step.key, step.name, event_id and storable(event_id), code, storable(detail))
        self.held.append((*place, *words))


def storable(text: str) -> str:
    """The text without what PostgreSQL cannot hold."""
    return text.replace("\x00", "\\0").encode(errors="replace").decode()


def repeat_row(fact: Fact, first_offset: int) -> TextRow:
    """A row of `duplicates` or `quarantined`."""
    return fact.partition.topic, str(fact.partition.number), str(fact.offset), fact.name, str(first_offset)


def keys_by_fold(projection: Projection, steps: list[Step]) -> Mapping[RowFold, set[RowKey]]:
    """Which rows a batch may change. A key function that raises is met again, and parked, when the fact is folded."""
    wanted: dict[RowFold, set[RowKey]] = {}
    for fold in projection.rows:
        keys: set[RowKey] = set()
        for step in steps:
            if isinstance(step, Fact):
                try:
                    key = fold.key(step)
                except PURE_ERRORS:
                    continue
                if key is not None:
                    keys.add(key)
        wanted[fold] = keys
    return wanted
