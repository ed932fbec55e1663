"""Every service has the same file names: whoever knows one knows all."""

from collections.abc import Iterator

import pytest

from tests.architecture.source import ROOT, none_of

SHAPE = {
    "__init__", "__main__", "wiring", "schemas", "routes", "commands",
    "decider", "projection", "tables", "queries", "tests",
}  # fmt: skip
# The command line and the web page are no services: they own no topic.
NOT_SERVICES = {"cli", "console"}
# The timeline only reads.
WITHOUT = {"timeline": {"commands", "decider"}}
# What one service has and no other can have.
OWN = {
    "contacts": {"handling", "refusals"},
    "interactions": {"ingest", "recording"},
    "feedback": {"figures", "handling", "loop", "page", "ranking", "refusals", "tallying"},
    "scoring": {"definitions", "lists", "numbers", "page", "reacting", "reading", "refusals"},
    "timeline": {"page", "titles"},
}  # fmt: skip

SERVICES = sorted(
    path.parent.name for path in (ROOT / "services").glob("*/__init__.py") if path.parent.name not in NOT_SERVICES
)


def faults(service: str) -> Iterator[str]:
    folder = ROOT / "services" / service
    there = {path.stem for path in folder.iterdir() if path.suffix == ".py" or path.is_dir()} - {"__pycache__"}
    shape = SHAPE - WITHOUT.get(service, set())
    yield from (f"services/{service}/{name}: missing" for name in sorted(shape - there))
    yield from (f"services/{service}/{name}: unknown to the shape" for name in sorted(there - shape - own(service)))


def own(service: str) -> set[str]:
    return OWN.get(service, set())


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_the_shape_of_all(service: str) -> None:
    none_of("a service has the file names of every service", faults(service))


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_a_card(service: str) -> None:
    card = (ROOT / "services" / service / "__init__.py").read_text()
    missing = [word for word in ("Owns", "Writes", "Reads") if word not in card]
    none_of("a service's card says what it owns, writes and reads", (f"services/{service}: {word}" for word in missing))
