"""The event types of the scoring service, all `rapport.scoring.<name>.v1`: decisions of the service itself.

A score is no event: it is a function of a person's figures and of the last published statistics, computed when read.
What is recorded is what cannot be computed again from one person's story: how the population stood, and when somebody
was first seen to belong to another class.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from libs.events.catalog.contacts import NodeText
from libs.events.catalog.fields import INT64_MAX, Count, Data, Id, Moment, Words
from libs.events.currencies import Currency
from libs.events.terms import END

MAX_CUTS: Final = 10
MAX_MEASURES: Final = 2_000

Version = Annotated[int, Meta(ge=1, le=INT64_MAX)]
Band = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,62}" + END)]


class Cut(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A place in the order of a population: by value, among equals by contact id."""

    value: int | float
    contact: NodeText


class Measured(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """How a population stood in one measure.

    `cuts` of quintiles are the least of quintile 2, 3, 4 and 5, where there are so many people; of a Pareto class, the
    last of A and of B. `total` is the sum over everybody, where a sum makes sense.
    """

    measure: Id
    kind: Literal["quintiles", "pareto"]
    currency: Currency | UnsetType = UNSET
    people: Count
    total: int | UnsetType = UNSET
    cuts: Annotated[list[Cut | None], Meta(max_length=MAX_CUTS)]


class StatisticsPublished(Data, frozen=True, kw_only=True):
    """`covers` is the position that was counted; `due_at` is when the next ones are to be published, if ever."""

    version: Version
    people: Annotated[int, Meta(ge=1, le=INT64_MAX)]
    covers: Words
    due_at: Moment | UnsetType = UNSET
    measures: Annotated[list[Measured], Meta(max_length=MAX_MEASURES)]


class Cause(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What was folded before somebody was seen in another class; of an event, its id and source, and where it stands.

    `definition` where a definition saw somebody for the first time. Of what was folded before a restart, the newest
    event that the definition reads is taken for the cause, by its place alone.
    """

    kind: Literal["event", "identity", "statistics", "definition"]
    id: Id | UnsetType = UNSET
    source: Words | UnsetType = UNSET
    position: Id | UnsetType = UNSET


class ClassChanged(Data, frozen=True, kw_only=True):
    """`from` is absent for a person who had no class, `to` for one who has none any more.

    `version` is the definition's, `statistics` that of the statistics which it was computed with, if any.
    """

    definition: Id
    version: Version
    currency: Currency | UnsetType = UNSET
    before: Band | UnsetType = msgspec.field(default=UNSET, name="from")
    to: Band | UnsetType = UNSET
    statistics: Version | UnsetType = UNSET
    cause: Cause

    def problem(self) -> tuple[str, str, str] | None:
        if self.before != self.to:
            return None
        return "/to", "range", "must be another class than from"
