"""The page about scoring lists what is computed as the code has it, and its example of a definition works."""

import re
import sys
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any

import pytest

from services.scoring import definitions
from services.scoring.definitions.rfm import BAND_OF
from services.scoring.numbers.registry import DEFINITIONS
from services.scoring.numbers.scores import Definition
from tests.architecture.source import ROOT, none_of

PAGE = (ROOT / "docs" / "scoring.md").read_text()
CODE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MISSING = re.compile(r"nothing\(\s*\"(\w+)\"")


def quoted(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def rows() -> Iterator[str]:
    for each in DEFINITIONS.values():
        title = f"{each.title}, in each currency" if each.is_money else each.title
        statistics = quoted(population.measure for population in each.population) or "none"
        yield f"| `{each.id}` | {title}; {each.unit} | {each.formula} | {quoted(each.inputs)} | {statistics} |"
        yield f"| `{each.id}` | {', '.join(f'`{band}` ({who})' for band, who in each.bands.items())} |"
    for r in range(5, 0, -1):
        for f in range(5, 0, -1):
            yield f"| {r} | {f} | {' | '.join(f'`{BAND_OF[r, f, m]}`' for m in range(1, 6))} |"


def test_definitions_classes_and_cells_are_those_of_the_code() -> None:
    page = set(PAGE.splitlines())
    none_of("docs/scoring.md has this line", (row for row in rows() if row not in page))


def test_no_definition_is_on_the_page_that_there_is_not() -> None:
    section = PAGE.split("\n## Definitions\n")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == DEFINITIONS.keys()


def test_every_reason_for_a_missing_value_is_told() -> None:
    modules = [ROOT / "services/scoring/numbers/scores.py", *(ROOT / "services/scoring/definitions").glob("*.py")]
    table = PAGE.split("| `missing` | there is no |")[1].split("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == {
        code for module in modules for code in MISSING.findall(module.read_text())
    }


def test_the_example_of_a_definition_passes_its_test(monkeypatch: pytest.MonkeyPatch) -> None:
    source, test = CODE.findall(PAGE)
    returns, tests = ModuleType("returns"), dict[str, Any]()
    exec(source, returns.__dict__)
    monkeypatch.setitem(sys.modules, f"{definitions.__name__}.returns", returns)
    monkeypatch.setattr(definitions, "returns", returns, raising=False)
    exec(test, tests)
    assert isinstance(returns.DEFINITION, Definition)
    found = [run for name, run in tests.items() if name.startswith("test_")]
    for run in found:
        run()
    assert len(found) == 2
