"""All scores of a person. Pure."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.scoring.numbers.figures import Figures
from services.scoring.numbers.money import currencies
from services.scoring.numbers.registry import DEFINITIONS
from services.scoring.numbers.scores import Case, Definition, Score
from services.scoring.numbers.standings import Statistics


class Assessed(NamedTuple):
    """One score of a person."""

    definition: Definition
    currency: str | None
    score: Score

    @property
    def announced_as(self) -> str | None:
        """The class that the person belongs to; a score without a value has none."""
        return None if self.score.value is None else self.score.band


def assess(
    person: UUID,
    figures: Figures,
    statistics: Statistics | None,
    as_of: datetime,
    *,
    definitions: Iterable[Definition] = DEFINITIONS.values(),
    currency: str | None = None,
) -> Iterator[Assessed]:
    """One score of each definition; of those about money, one in each currency in which the person bought.

    With a currency, in that one alone, whether the person bought in it or not.
    """
    bought_in = currencies(figures) if currency is None else [currency]
    for definition in definitions:
        for each in bought_in if definition.is_money else [None]:
            case = Case(person, figures, statistics, as_of, each)
            yield Assessed(definition, each, definition.score(case))
