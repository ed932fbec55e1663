"""The rules of what scoring records. Pure."""

from dataclasses import dataclass

from msgspec import UNSET

from libs.events.catalog.scoring import ClassChanged, StatisticsPublished
from services.scoring.commands import AnnounceClass, PublishStatistics
from services.scoring.refusals import NobodyToCount, refuse


@dataclass(frozen=True, slots=True)
class Announced:
    """The class that was announced last, and how often it has changed."""

    band: str | None = None
    head: int = 0


def decide_statistics(command: PublishStatistics, head: int) -> StatisticsPublished:
    """`head` is how often statistics were published. Raises NobodyToCount."""
    if not command.people:
        raise refuse(NobodyToCount)
    return StatisticsPublished(
        version=head + 1,
        people=command.people,
        covers=command.covers,
        due_at=command.due_at or UNSET,
        measures=list(command.measures),
    )


def decide_class(command: AnnounceClass, announced: Announced) -> ClassChanged | None:
    """Nothing where it is announced already."""
    if command.band == announced.band:
        return None
    return ClassChanged(
        definition=command.definition,
        version=command.version,
        currency=command.currency or UNSET,
        before=announced.band or UNSET,
        to=command.band or UNSET,
        statistics=command.statistics or UNSET,
        cause=command.cause,
    )
