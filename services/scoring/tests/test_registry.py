"""The registry finds every definition there is, and each of them says what it is."""

import pkgutil
import re
from importlib import import_module

import pytest

from libs.events.catalog.registry import CATALOG
from services.scoring import definitions
from services.scoring.numbers.measures import entries, noted
from services.scoring.numbers.registry import DEFINITIONS, POPULATIONS
from services.scoring.numbers.scores import Definition
from services.scoring.tests.facts import NODE, fact

MODULES = [each.name for each in pkgutil.iter_modules(definitions.__path__)]
EACH = pytest.mark.parametrize("definition", DEFINITIONS.values(), ids=DEFINITIONS)
IDS = [
    "advocacy",
    "engagement",
    "expectation_gap",
    "harm",
    "health",
    "problems",
    "profit",
    "rfm",
    "turnover",
    "voice",
]


def test_every_module_is_a_definition_of_its_own() -> None:
    assert len(DEFINITIONS) == len(MODULES)
    for name in MODULES:
        assert DEFINITIONS[name] is import_module(f"{definitions.__name__}.{name}").DEFINITION
        assert DEFINITIONS[name].id == name


def test_they_are_in_the_order_of_their_ids() -> None:
    assert list(DEFINITIONS) == IDS


@EACH
def test_it_says_what_it_is(definition: Definition) -> None:
    assert definition.version >= 1
    assert all((definition.title, definition.unit, definition.formula, *definition.bands.values()))


@EACH
def test_its_bands_can_be_announced(definition: Definition) -> None:
    assert len(definition.bands) >= 2
    assert all(re.fullmatch(r"[a-z][a-z0-9_]{0,62}", band) for band in definition.bands)


@EACH
def test_it_reads_what_is_noted(definition: Definition) -> None:
    known = {"outbound", "idea", "vote", "comment"}
    for type_ in CATALOG:
        if kept := noted(fact(type_.removeprefix("rapport.").removesuffix(".v1"), subject="crm:1", subjectnode=NODE)):
            known.add(entries(kept)[0].measure)
    assert definition.inputs
    assert len(set(definition.inputs)) == len(definition.inputs)
    assert set(definition.inputs) <= known


def test_each_measure_of_a_population_has_one_meaning() -> None:
    found = [each for definition in DEFINITIONS.values() for each in definition.population]
    assert all(POPULATIONS[each.measure] is each for each in found)
    assert sorted(POPULATIONS) == [
        "engagement",
        "frequency",
        "monetary",
        "problems",
        "profit",
        "recency",
        "turnover",
    ]


@EACH
def test_statistics_about_money_are_for_definitions_about_money(definition: Definition) -> None:
    assert all(each.is_money == definition.is_money for each in definition.population)
