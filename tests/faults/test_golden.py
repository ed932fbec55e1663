"""F31: every event version ever released upcasts, folds and gives the rows that it gave when it was released.

`python -m tests.faults.golden` writes the digests of what has none yet; those that stand there never change.
"""

import pytest

from libs.events.catalog.registry import CATALOG, Kind
from libs.events.log import EventLog
from libs.events.upcasts import UPCASTS
from tests.faults.events import SERVICES
from tests.faults.golden import corpus, digests_of_corpus, stored
from tests.faults.stage import Stage


@pytest.mark.faults("F31", fault="every event version ever released", times=len(corpus()))
@pytest.mark.asyncio
@pytest.mark.parametrize("service", SERVICES)
async def test_every_released_version_folds_as_it_did_when_it_was_released(
    stage: Stage, log: EventLog, service: str
) -> None:
    found = await digests_of_corpus(stage, log, service)
    expected = stored()[service]
    assert set(found) == set(expected), "a version without a stored digest: run `python -m tests.faults.golden`"
    assert [name for name in expected if found[name] != expected[name]] == []


@pytest.mark.faults("F31", fault="a version without a sample")
def test_every_type_of_the_catalog_but_controls_and_every_upcast_has_a_sample() -> None:
    types = {event["type"] for event in corpus().values()}
    assert {name for name, type_ in CATALOG.items() if type_.kind is not Kind.CONTROL} <= types
    assert set(UPCASTS._steps) <= types
