"""Every module keeps the rules of the house, and every rule sees a breach."""

from statistics import median

import pytest

from tests.architecture.rules import RULES, Rule
from tests.architecture.source import Module, modules, none_of

CHECKS = {rule.check.__name__: rule.check for rule in RULES}
MEDIAN_FUNCTION_LINES = 10
MEDIAN_MODULE_LINES = 120


@pytest.mark.parametrize("name", CHECKS)
def test_the_code_keeps(name: str) -> None:
    none_of(name.replace("_", " "), (fault for module in modules() for fault in CHECKS[name](module)))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.check.__name__)
def test_a_breach_is_seen(rule: Rule) -> None:
    faults = list(rule.check(Module.of(rule.path, rule.breach)))
    assert [fault for fault in faults if fault.startswith(f"{rule.path}:")], faults


def test_functions_and_modules_are_small_in_the_middle() -> None:
    product = [module for module in modules() if not module.is_test]
    functions = [(node.end_lineno or 0) - node.lineno + 1 for module in product for node in module.functions]
    assert median(functions) <= MEDIAN_FUNCTION_LINES
    assert median(module.text.count("\n") for module in product) <= MEDIAN_MODULE_LINES
