"""What scoring is asked to record. Ids and times come from outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from libs.events.catalog.scoring import Cause, Measured
from libs.events.currencies import Currency


@dataclass(frozen=True, slots=True)
class PublishStatistics:
    """Record how everybody stood. `due_at` is when the next ones are due, None for never."""

    people: int
    covers: str
    measures: Sequence[Measured]
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AnnounceClass:
    """Record to which class a person belongs by now; None for none. `statistics` is the version of those used."""

    definition: str
    version: int
    currency: Currency | None
    band: str | None
    statistics: int | None
    cause: Cause
