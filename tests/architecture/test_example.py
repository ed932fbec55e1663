"""The page for other systems quotes the example as it is, and the example stands on its own."""

import re
import sys
from collections.abc import Callable, Iterator
from textwrap import indent

import pytest

from tests.architecture.rules import imports
from tests.architecture.source import ROOT, Module, none_of

PATH = "examples/consumer.py"
EXAMPLE = (ROOT / PATH).read_text()
PAGE = (ROOT / "docs" / "consuming.md").read_text()
CODE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ALLOWED = {"aiokafka", *sys.stdlib_module_names}


def quoted(page: str) -> list[str]:
    return CODE.findall(page)


def drifted(page: str) -> Iterator[str]:
    """Quotations that are no whole lines of the example, a blank line around them."""
    padded = f"\n\n{EXAMPLE}\n"
    return (code for code in quoted(page) if not re.search(rf"\n\n{re.escape(code)}\n", padded))


def foreign(module: Module) -> Iterator[str]:
    names = ((node, name.partition(".")[0]) for node, name in imports(module))
    return (module.at(node, f"{name} is neither aiokafka nor the standard library") for node, name in names
            if name not in ALLOWED)  # fmt: skip


def test_the_page_quotes_the_example() -> None:
    assert len(quoted(PAGE)) == PAGE.count("```python")
    none_of("docs/consuming.md quotes examples/consumer.py, whole functions of it", drifted(PAGE))


@pytest.mark.parametrize("change", [lambda code: code.replace("return", "yield"), lambda code: indent(code, " ")])
def test_a_drift_is_seen(change: Callable[[str], str]) -> None:
    assert len(list(drifted(PAGE.replace(quoted(PAGE)[0], change(quoted(PAGE)[0]))))) == 1


def test_the_example_needs_nothing_of_rapport() -> None:
    none_of("the example is a program of another system", foreign(Module.of(PATH, EXAMPLE)))


@pytest.mark.parametrize(
    "text", ["import libs.events.log", "def late():\n    from services import contacts", "import msgspec"]
)
def test_an_import_is_seen(text: str) -> None:
    assert list(foreign(Module.of(PATH, text)))


def test_the_page_names_every_outcome() -> None:
    said = set(re.findall(r'"(applied|duplicate|quarantined|superseded|unjudged|invalid|parked|held)"', EXAMPLE))
    table = PAGE.split("| outcome | |")[1].split("\n\n")[0]
    assert said == set(re.findall(r"`(\w+)`", table))
