"""Receipts: a score with everything that it was computed from, so that anybody can compute it again. Pure."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from libs.events.position import place_text
from libs.events.times import utc_text
from services.scoring.numbers.assessing import Assessed
from services.scoring.numbers.figures import Figure, Figures, Key
from services.scoring.numbers.measures import ALSO, NOTED_AS
from services.scoring.numbers.scores import Contribution, Definition

Shown = dict[str, Any]


def noted_by(definition: Definition) -> set[str]:
    """The measures under which the facts behind a definition were noted."""
    return {NOTED_AS.get(measure, measure) for measure in definition.inputs}


def receipt(assessed: Assessed, figures: Figures, facts: Sequence[Any], statistics: Shown | None, most: int) -> Shown:
    """As the API shows it. `facts` are the person's, newest first; `statistics` those it was computed with."""
    definition, currency, score = assessed
    read = {each for noted in definition.inputs for each in (noted, *ALSO.get(noted, ()))}
    inputs = [
        _input(key, figure)
        for key, figure in figures.items()
        if key[0] in read and (not definition.is_money or key[1] == currency)
    ]
    return {
        "definition": definition.id,
        "version": definition.version,
        "currency": currency,
        "unit": definition.unit,
        "value": score.value,
        "band": score.band,
        "coverage": score.coverage,
        "missing": None if score.missing is None else score.missing._asdict(),
        "contributions": [_contribution(each, figures, facts, most) for each in score.contributions],
        "details": dict(score.details),
        "inputs": inputs,
        "statistics": _used(definition, currency, statistics),
    }


def _input(key: Key, figure: Figure) -> Shown:
    measure, about = key
    return {
        "measure": measure,
        "about": about,
        "n": figure.n,
        "total": figure.total,
        "first_at": utc_text(figure.first_at),
        "last_at": utc_text(figure.last_at),
        "last_amount": figure.last_amount,
        "weight": figure.weight,
    }


def _contribution(part: Contribution, figures: Figures, facts: Sequence[Any], most: int) -> Shown:
    behind = _behind(part.behind, figures)
    events = [fact for fact in facts if not behind.isdisjoint(_figures_of(fact))]
    noted = {(NOTED_AS.get(measure, measure), about): figures.n(measure, about) for measure, about in behind}
    return {
        "name": part.name,
        "value": part.value,
        "events_total": sum(noted.values()),
        "events": [_event(fact) for fact in events[:most]],
    }


def _behind(behind: Iterable[tuple[str, str | None]], figures: Figures) -> set[Key]:
    """Which figures those are; None is whatever there is."""
    return {
        (measure, each)
        for measure, about in behind
        for each in ((about,) if about is not None else figures.of(measure))
        if figures.get(measure, each) is not None
    }


def _figures_of(fact: Any) -> Collection[Key]:
    measures = (fact.measure, *(() if fact.also is None else ALSO.get(fact.measure, ())))
    return [(measure, fact.about) for measure in measures]


def _event(fact: Any) -> Shown:
    return {
        "event_id": fact.event_id,
        "source": fact.source,
        "position": place_text(fact.topic, fact.partition, fact.offset),
        "occurred_at": utc_text(fact.occurred_at),
        "measure": fact.measure,
        "about": fact.about,
        "amount": fact.amount,
        "also": fact.also,
    }


def _used(definition: Definition, currency: str | None, statistics: Shown | None) -> Shown | None:
    """What of the statistics the definition reads; None where it reads none."""
    if statistics is None or not definition.population:
        return None
    measures = {each.measure for each in definition.population}
    used = [m for m in statistics["measures"] if m["measure"] in measures and m.get("currency") == currency]
    return {name: statistics[name] for name in ("version", "as_of", "position")} | {"measures": used}
