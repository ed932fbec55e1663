"""Who belongs to another class than was announced last, and what is to be said of it.

An announcement has the id that its place among all announcements of that person and definition gives it: whoever makes
it twice has made it once.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final, NamedTuple, cast
from uuid import UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.catalog.scoring import Cause
from libs.events.currencies import Currency
from libs.events.position import place_text
from libs.events.topics import SCORING
from libs.service.commands import Draft, drafted
from services.scoring.commands import AnnounceClass
from services.scoring.decider import Announced, decide_class
from services.scoring.numbers.assessing import assess
from services.scoring.numbers.figures import Figures
from services.scoring.numbers.registry import DEFINITIONS
from services.scoring.numbers.scores import Definition
from services.scoring.numbers.standings import Statistics
from services.scoring.queries import classes
from services.scoring.queries.people import figures_of, people_of

RULE: Final = UUID("5c0f1c1e-5f0e-5a34-9c64-6a3d9f3e2b11")
"""Names the rules of this reactor, for ever: ids are made from it."""

_NOT_YET: Final = Announced()
_NONE: Final = Figures({})

Of = tuple[str, str]
"""Definition, and currency or the empty text."""


class Compared(NamedTuple):
    """A person, with what was announced of them last and what changed their numbers; None where that is not known."""

    id: UUID
    figures: Figures
    announced: Mapping[Of, Announced]
    cause: Cause | None


async def compared(
    connection: AsyncConnection, names: Mapping[UUID, Cause | None], *, are_parked: bool = False
) -> list[Compared]:
    """Whoever goes by these names now; each name with what changed its numbers.

    `are_parked` says that events of some keys could not be folded; whom those are about is left out.
    """
    people = await people_of(connection, list(names))
    causes = {person: names[name] for name, person in people.items()}
    if are_parked:
        held = await classes.parked(connection, list(causes))
        causes = {person: cause for person, cause in causes.items() if person not in held}
    figures = await figures_of(connection, list(causes))
    announced = await classes.announced(connection, list(causes))
    return [Compared(each, figures.get(each, _NONE), announced.get(each, {}), causes[each]) for each in causes]


def announcements(person: Compared, statistics: Statistics | None, moment: datetime) -> Iterator[Draft]:
    """A class that nothing speaks for any more is taken back; one of a definition that is gone stays as it was."""
    now: dict[Of, str | None] = {of: None for of in person.announced if of[0] in DEFINITIONS}
    for assessed in assess(person.id, person.figures, statistics, moment):
        now[assessed.definition.id, assessed.currency or ""] = assessed.announced_as
    for of, band in now.items():
        if (draft := _draft(person, of, band, statistics)) is not None:
            yield draft


def _draft(person: Compared, of: Of, band: str | None, statistics: Statistics | None) -> Draft | None:
    id_, currency = of
    definition, told = DEFINITIONS[id_], person.announced.get(of, _NOT_YET)
    event = decide_class(
        AnnounceClass(
            id_,
            definition.version,
            cast(Currency, currency) if currency else None,
            band,
            None if statistics is None else statistics.version,
            person.cause or _supposed(definition, person.figures, told),
        ),
        told,
    )
    if event is None:
        return None
    source = "/".join(filter(None, ("/scoring/classes", str(person.id), id_, currency)))
    sequence = told.head + 1
    return drafted(
        uuid5(RULE, f"{source}\n{sequence}"), event, topic=SCORING, key=str(person.id), source=source,
        subject=f"contact:{person.id}", node=person.id, sequence=sequence,
    )  # fmt: skip


def _supposed(definition: Definition, figures: Figures, told: Announced) -> Cause:
    """Where it is not known: the newest event that the definition reads."""
    read = [figure.last for (measure, _), figure in figures.items() if measure in definition.inputs]
    if told is _NOT_YET or not read:
        return Cause(kind="definition")
    last = max(read)
    return Cause(kind="event", position=place_text(last.topic, last.partition, last.offset))
