"""What holds for every definition, whatever has happened to somebody and whoever else there is."""

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from fractions import Fraction

import pytest
from hypothesis import given

from services.scoring.numbers.figures import Figures
from services.scoring.numbers.measures import ALSO
from services.scoring.numbers.registry import DEFINITIONS, POPULATIONS
from services.scoring.numbers.scores import Case, Definition, Score, no_statistics, settled
from services.scoring.numbers.standings import Kind
from services.scoring.tests.facts import ME, NOW, bought, problem, scored, story
from services.scoring.tests.story_strategies import cases, moments, stories

CODES = {
    "nothing_bought",
    "cost_unknown",
    "no_problems",
    "nothing_done",
    "nothing_said",
    "no_harm",
    "never_asked",
    "no_pair",
    "nothing_known",
    "no_statistics",
}


def scores(case: Case) -> Iterator[tuple[Definition, Score]]:
    for definition in DEFINITIONS.values():
        currency = case.currency if definition.is_money else None
        yield definition, definition.score(replace(case, currency=currency))


def read_by(definition: Definition) -> set[str]:
    """The measures of figures: those that are noted, and those of second amounts."""
    return {each for measure in definition.inputs for each in (measure, *ALSO.get(measure, ()))}


@given(cases())
def test_contributions_sum_to_the_value(case: Case) -> None:
    for _, score in scores(case):
        total = sum((Fraction(each.value) for each in score.contributions), Fraction())
        assert float(total) == pytest.approx(score.value or 0, rel=1e-12, abs=1e-12)


@given(cases())
def test_a_value_is_a_number_or_it_is_said_what_is_missing(case: Case) -> None:
    for _, score in scores(case):
        if score.missing is None:
            assert score.value is not None
            assert math.isfinite(score.value)
            assert score.contributions
            assert all(math.isfinite(each.value) for each in score.contributions)
        else:
            assert (score.value, list(score.contributions), score.coverage) == (None, [], None)
            assert score.missing.code in CODES
            assert score.missing.detail
        assert score.coverage is None or 0 < score.coverage <= 1


@given(cases())
def test_its_band_is_one_that_the_definition_names(case: Case) -> None:
    for definition, score in scores(case):
        if score.value is not None:
            assert score.band in definition.bands
        else:
            assert score.band == ("unknown" if definition.id == "advocacy" else None)


@given(cases(), moments)
def test_only_what_is_said_to_fade_does(case: Case, later: datetime) -> None:
    then = [(definition.id, score) for definition, score in scores(replace(case, as_of=later)) if not definition.fades]
    assert then == [(definition.id, score) for definition, score in scores(case) if not definition.fades]


@given(cases(), moments)
def test_nobody_changes_class_because_time_passes(case: Case, later: datetime) -> None:
    then = [(definition.id, score.band) for definition, score in scores(replace(case, as_of=later))]
    assert then == [(definition.id, score.band) for definition, score in scores(case)]


@given(cases())
def test_it_is_a_function_of_the_measures_that_it_names(case: Case) -> None:
    for definition, score in scores(case):
        read = read_by(definition)
        kept = Figures({key: figure for key, figure in case.figures.items() if key[0] in read})
        currency = case.currency if definition.is_money else None
        assert definition.score(replace(case, figures=kept, currency=currency)) == score
        assert {measure for each in score.contributions for measure, _ in each.behind} <= read


@given(cases())
def test_it_needs_no_other_statistics_than_it_names(case: Case) -> None:
    if case.statistics is None:
        return
    for definition, score in scores(case):
        needed = {each.measure for each in definition.population}
        currency = case.currency if definition.is_money else None
        kept = {key: each for key, each in case.statistics.standings.items() if key == (key[0], currency or "")}
        among = replace(case.statistics, standings={key: kept[key] for key in kept if key[0] in needed})
        assert definition.score(replace(case, statistics=among, currency=currency)) == score


@given(cases())
def test_who_was_counted_has_a_class(case: Case) -> None:
    """Of those that are told by how everybody stands: whoever takes part, and nobody else."""
    for definition, score in scores(case):
        if definition.id != "health" and (populations := definition.population) and case.statistics is not None:
            currency = case.currency if definition.is_money else None
            takes_part = all(each.value(case.figures, currency) is not None for each in populations)
            is_counted = all(case.statistics.of(each.measure, currency) is not None for each in populations)
            assert (score.value is not None) == (takes_part and is_counted)


@given(cases())
def test_a_pareto_class_is_by_the_value_itself(case: Case) -> None:
    for definition, score in scores(case):
        ranked = [each.value for each in definition.population if each.kind is Kind.PARETO]
        if score.value is not None:
            assert [value(case.figures, case.currency) for value in ranked] == [score.value] * len(ranked)


@given(stories)
def test_nobody_takes_part_with_something_that_is_no_number(figures: Figures) -> None:
    for each in POPULATIONS.values():
        value = each.value(figures, "GBP" if each.is_money else None)
        assert value is None or (type(value) in (int, float) and math.isfinite(value))


@pytest.mark.parametrize(
    "definition", [each for each in DEFINITIONS.values() if each.id != "health" and each.population]
)
def test_without_statistics_it_says_how_to_have_them(definition: Definition) -> None:
    missing = scored(definition, story(bought(1, cost=0), problem()), None).missing
    assert missing == no_statistics("GBP" if definition.is_money else None).missing
    assert missing is not None
    assert "POST /v1/statistics" in missing.detail
    assert ("in GBP" in missing.detail) == definition.is_money


@pytest.mark.parametrize("definition", DEFINITIONS.values(), ids=DEFINITIONS)
def test_of_somebody_unknown_nothing_is_known(definition: Definition) -> None:
    case = Case(ME, Figures({}), None, NOW, "GBP")
    assert definition.score(case).value is None


@pytest.mark.parametrize(("value", "by"), [(0.49999999999999994, 0.5), (39.99999999999999, 40), (0.499, 0.499), (7, 7)])
def test_a_mean_on_an_edge_is_on_it(value: float, by: float) -> None:
    assert settled(value) == by
