"""F33: one contract suite holds every adapter of the log."""

import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from libs.events.tests.log_contract import LogContract
from libs.events.tests.log_created_contract import LogCreatedContract

ROOT = Path(__file__).parents[2]
SUITES = {name: f"libs.events.tests.test_{name}" for name in ("memory_log", "postgres_log")} | {
    "kafka_log": "libs.events.kafka_log.tests.test_contract"
}
CONTRACTS = (LogContract, LogCreatedContract)


def adapters() -> set[str]:
    """Whatever implements the port: modules and packages of `libs/events` that are named after a log."""
    return {path.stem for path in (ROOT / "libs/events").glob("*_log*") if path.suffix in {"", ".py"}}


@pytest.mark.faults("F33", fault="an adapter without the contract")
def test_every_adapter_inherits_the_whole_contract() -> None:
    assert adapters() == set(SUITES)
    for suite in SUITES.values():
        classes = [each for _, each in inspect.getmembers(import_module(suite), inspect.isclass)]
        for contract in CONTRACTS:
            held = [each for each in classes if issubclass(each, contract) and each is not contract]
            assert held, f"{suite} has no {contract.__name__}"


@pytest.mark.faults("F33", fault="one contract suite on every log adapter", times=len(SUITES))
@pytest.mark.slow
@pytest.mark.parametrize("adapter", sorted(SUITES))
def test_every_adapter_passes_the_contract(adapter: str) -> None:
    file = f"{SUITES[adapter].replace('.', '/')}.py"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", file],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3_000:]
