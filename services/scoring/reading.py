"""Reading scores: who somebody is, what their names come to, and what that is worth today or was worth at a moment."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from libs.events.clock import now
from libs.events.problems import Problem
from libs.events.times import utc_text
from libs.service.errors import HttpRefusal
from libs.service.refs import read_ref
from libs.service.runtime import Service
from services.scoring.numbers.assessing import Assessed, assess
from services.scoring.numbers.money import currencies
from services.scoring.numbers.population import shown, statistics_of
from services.scoring.numbers.receipts import noted_by, receipt
from services.scoring.numbers.registry import DEFINITIONS
from services.scoring.numbers.scores import Definition, nothing
from services.scoring.numbers.standings import Statistics
from services.scoring.queries import statistics
from services.scoring.queries.people import require_known
from services.scoring.queries.stories import Story, story_of
from services.scoring.refusals import DefinitionUnknown, NoStatistics, refuse


class Wanted(NamedTuple):
    """Which scores: of one definition or all, in one currency or all; as of a moment or now; with so many events."""

    definition: Definition | None
    currency: str | None
    as_of: datetime | None
    events: int


def definition_of(id_: str) -> Definition:
    """Raises DefinitionUnknown."""
    if (found := DEFINITIONS.get(id_)) is None:
        raise refuse(DefinitionUnknown)
    return found


def currency_of(currency: str | None, known: Collection[str]) -> str | None:
    """The one that is meant: the only one there is where none is named; None where there is none. Raises 400."""
    if currency is not None or len(known) <= 1:
        return currency or next(iter(known), None)
    problem = Problem("currency", "currency_needed", f"one of {', '.join(sorted(known))}")
    raise HttpRefusal(400, "currency_needed", "there are several currencies; name one", [problem])


class Reading:
    """Answers about scores."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def receipts(self, text: str, wanted: Wanted) -> dict[str, Any]:
        """The person, and a receipt of each score. Raises 400 for a bad ref, 404 for whom nobody has heard of."""
        node = read_ref(text, self.service.nodes).node
        position, moment = self.service.progress.token, wanted.as_of or now()
        definitions = list(DEFINITIONS.values()) if wanted.definition is None else [wanted.definition]
        measures = {measure for definition in definitions for measure in noted_by(definition)}
        async with self.service.reads.connect() as connection:
            story = await story_of(connection, node, wanted.as_of, measures, wanted.events)
            if not story.person.is_claimed and not story.figures:
                await require_known(connection, node)
        used = None if story.published is None else shown(story.published)
        return {
            "contact": str(story.person.contact),
            "members": list(map(str, story.person.members)),
            "identifiers": story.identifiers,
            "as_of": utc_text(moment),
            "position": position,
            "items": [
                receipt(each, story.figures, story.newest, used, wanted.events)
                for each in _assessed(story, wanted, definitions, moment)
            ],
        }

    async def statistics(self, currency: str | None, *measures: str) -> tuple[Any, Statistics, str]:
        """The last ones, for a currency that they know these measures in. Raises NoStatistics, and 400."""
        async with self.service.reads.connect() as connection:
            row = await statistics.latest(connection)
        if (found := statistics_of(row)) is None:
            raise refuse(NoStatistics)
        chosen = currency_of(currency, {each for measure, each in found.standings if measure == measures[0]})
        if chosen is None or any(found.of(measure, chosen) is None for measure in measures):
            raise refuse(NoStatistics, "currency")
        return row, found, chosen


def _assessed(
    story: Story, wanted: Wanted, definitions: Sequence[Definition], moment: datetime
) -> Iterable[Assessed]:  # fmt: skip
    """Of one definition exactly one, also where nothing was bought in any currency."""
    currency = wanted.currency
    if wanted.definition is not None and wanted.definition.is_money:
        currency = currency_of(currency, currencies(story.figures))
        if currency is None:
            return [Assessed(wanted.definition, None, nothing("nothing_bought", "nothing was bought"))]
    known = statistics_of(story.published)
    return assess(story.person.contact, story.figures, known, moment, definitions=definitions, currency=currency)
