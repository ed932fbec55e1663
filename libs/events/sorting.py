"""What becomes of each record of a batch: folded, a duplicate, superseded, under suspicion, or held back. Pure.

Records are taken in order, so the first of a name wins and a key that is parked in the middle holds back what follows.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from libs.events.arbitration import Outcome, arbitrate, sequence_of
from libs.events.catalog.registry import Kind, find
from libs.events.fold import Fact, Projection, Row, RowFold, RowKey, TextRow
from libs.events.identity.judge import Ruling
from libs.events.identity.ruling import Docket, is_claim
from libs.events.position import Partition
from libs.events.spanstore import joined
from libs.events.steps import First, Passed, Step, Unreadable
from libs.events.topics import CONTACTS
from libs.events.uuids import uuid_of

MAX_PARKED_KEYS = 100  # in one partition of a live fold; more is a bug in the code, not bad data

# What pure code raises when it meets data it cannot handle. Never a reason to try again.
PURE_ERRORS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)

ParkedKey = tuple[Partition, str]
Place = tuple[str, RowKey]
PARKED = "parked"


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
class Known:
    """What the database held before the batch: names in the memory and of decisions, heads of scopes, rows by table."""

    seen: dict[str, First] = field(default_factory=dict)
    decided: dict[str, First] = field(default_factory=dict)
    heads: dict[str, int] = field(default_factory=dict)
    states: dict[str, dict[RowKey, Row | None]] = field(default_factory=lambda: defaultdict(dict))


@dataclass(slots=True)
class Sorter:
    """Takes a batch apart. `told` is what waiting commands want to know: outcomes, and the judge's rulings."""

    projection: Projection
    known: Known
    parked: set[ParkedKey]
    docket: Docket
    limited: bool
    memory: list[TextRow] = field(default_factory=list)
    appended: dict[str, list[TextRow]] = field(default_factory=dict)
    duplicates: list[TextRow] = field(default_factory=list)
    suspects: list[Suspect] = field(default_factory=list)
    held: list[TextRow] = field(default_factory=list)
    verdicts: list[Row] = field(default_factory=list)
    told: dict[tuple[Partition, int], str | Ruling] = field(default_factory=dict)
    newly_parked: list[tuple[Partition, str, int]] = field(default_factory=list)
    changed: dict[str, dict[RowKey, Row | None]] = field(default_factory=lambda: defaultdict(dict))
    spans: dict[Place, Row] = field(default_factory=dict)
    folded: int = 0

    def take(self, step: Step) -> None:
        """Raises TooManyParked before anything of this step counts, and LogBroken."""
        if isinstance(step, Passed):
            return
        if is_claim(step):
            self._take_claim(step)
        elif self.parked and (step.partition, step.key) in self.parked:
            self._hold(step, "held", "an earlier event of this key is parked")
        elif isinstance(step, Unreadable):
            self._park(step, step.code, step.detail)
        elif step.kind is Kind.DECISION:
            self._take_decision(step)
        elif first := self._first(step):
            self._repeat(step, first)
        else:
            self._fold(step)

    def _first(self, fact: Fact) -> First | None:
        """Where its name stood first. Of what is not remembered it is not asked, in this batch as in those before."""
        if (first := self.known.seen.get(fact.name)) is None:
            return None
        memory = self.projection.memory
        return first if memory is not None and memory.remembers(fact) else None

    def _take_claim(self, step: Fact | Unreadable) -> None:
        """Nothing of the identity topic is parked: what cannot be read is invalid, and a fold that raises is a bug."""
        if isinstance(step, Unreadable):
            return
        if first := self.docket.repeats.get(step.offset):
            self._repeat(step, first)
            return
        ruling = self.docket.rulings[step.offset]
        self._apply(msgspec.structs.replace(step, ruling=ruling))
        self.told[step.partition, step.offset] = ruling

    def _take_decision(self, fact: Fact) -> None:
        first, scope = self.known.decided.get(fact.name), fact.event.source
        if strays(fact):
            self._park(fact, "misplaced", "a decision stands where all those about its aggregate do")
            return
        try:
            sequence = sequence_of(fact.event.sequence)
        except ValueError as reason:
            self._park(fact, "bad_sequence", str(reason))
            return
        match arbitrate(is_applied=first is not None, head=self.known.heads.get(scope, 0), sequence=sequence):
            case Outcome.DUPLICATE if first is not None:
                self._repeat(fact, first)
            case Outcome.SUPERSEDED:
                self._tell(fact, Outcome.SUPERSEDED, None)
            case _:
                self.known.heads[scope] = sequence
                self.known.decided[fact.name] = First(fact.digest, fact.offset)
                self._tell(fact, Outcome.APPLIED if self._fold(fact) else PARKED, sequence)

    def _tell(self, fact: Fact, outcome: str, sequence: int | None) -> None:
        self.verdicts.append(
            {
                "topic": fact.partition.topic,
                "partition": fact.partition.number,
                "offset": fact.offset,
                "command": fact.event.id,
                "name": uuid_of(fact.name),
                "digest": uuid_of(fact.digest),
                "scope": fact.event.source,
                "sequence": sequence,
                "outcome": str(outcome),
                "request": fact.request,
            }
        )
        self.told[fact.partition, fact.offset] = str(outcome)

    def _repeat(self, fact: Fact, first: First) -> None:
        if first.digest == fact.digest:
            self.duplicates.append(repeat_row(fact, first.offset))
            self.told[fact.partition, fact.offset] = Outcome.DUPLICATE.value
        else:
            self.suspects.append(Suspect(fact, first.offset))

    def _fold(self, fact: Fact) -> bool:
        """False where its key had to be parked."""
        try:
            self._apply(fact)
        except PURE_ERRORS as reason:
            self._park(fact, "fold_failed", f"{type(reason).__name__}: {reason}"[:500])
            return False
        return True

    def _apply(self, fact: Fact) -> None:
        """All of an event or, where a fold raises, nothing of it."""
        memory = self.projection.memory
        rows = () if memory is None else memory.rows(fact)
        appended = [(fold.table.name, more) for fold in self.projection.appends if (more := fold.rows(fact))]
        states = [(fold.table.name, self._states(fold, fact)) for fold in self.projection.rows]
        spans = dict(self._spans(fact))
        self.memory += rows
        if rows:
            self.known.seen[fact.name] = First(fact.digest, fact.offset)
        for name, more in appended:
            self.appended.setdefault(name, []).extend(more)
        for name, changed in states:
            if changed:
                self.known.states[name].update(changed)
                self.changed[name].update(changed)
        self.spans |= spans
        self.folded += 1

    def _states(self, fold: RowFold, fact: Fact) -> dict[RowKey, Row | None]:
        known = self.known.states[fold.table.name]
        return {key: fold.fold(known.get(key), fact, key) for key in fold.keys(fact)}

    def _spans(self, fact: Fact) -> list[tuple[Place, Row]]:
        found = []
        for fold in self.projection.spans:
            if (row := fold.row(fact)) is not None:
                place = fold.table.name, tuple(row[column.name] for column in fold.table.primary_key.columns)
                found.append((place, joined(fold, self.spans.get(place), row)))
        return found

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
        self.told[step.partition, step.offset] = PARKED


def strays(fact: Fact) -> bool:
    """Whether a decision stands elsewhere than others of its scope: then the order of partitions would rule on it."""
    type_, topic = find(fact.event.type), fact.partition.topic
    is_of_another_key = topic == CONTACTS.name and fact.event.source != f"/contacts/{fact.key}"
    return is_of_another_key or (type_ is not None and type_.topic != topic)


def storable(text: str) -> str:
    """The text without what PostgreSQL cannot hold."""
    return text.replace("\x00", "\\0").encode(errors="replace").decode()


def repeat_row(fact: Fact, first_offset: int) -> TextRow:
    """A row of `duplicates` or `quarantined`."""
    return fact.partition.topic, str(fact.partition.number), str(fact.offset), fact.name, str(first_offset)


def keys_by_fold(projection: Projection, steps: list[Step], docket: Docket) -> Mapping[RowFold, set[RowKey]]:
    """Which rows a batch may change. A key function that raises is met again, and parked, when the fact is folded."""
    wanted: dict[RowFold, set[RowKey]] = {}
    facts = [_ruled(step, docket) for step in steps if isinstance(step, Fact)]
    for fold in projection.rows:
        keys: set[RowKey] = set()
        for fact in facts:
            try:
                keys.update(fold.keys(fact))
            except PURE_ERRORS:
                continue
        wanted[fold] = keys
    return wanted


def _ruled(fact: Fact, docket: Docket) -> Fact:
    ruling = docket.rulings.get(fact.offset) if is_claim(fact) else None
    return fact if ruling is None else msgspec.structs.replace(fact, ruling=ruling)
