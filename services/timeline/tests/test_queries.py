"""What a page calls a person whom nobody has registered: the name in their events, whatever was decided on them."""

import json
from uuid import UUID

import pytest

from libs.events.database import for_reads
from libs.events.identifiers import Nodes, parse
from libs.events.log import Record
from libs.events.tests.rich_story import GOLDEN, log_of
from libs.events.topics import INTERACTIONS, SCORING
from libs.service.cursors import BEGINNING
from services.timeline.queries import Found, Pages, Shape, Wanted
from services.timeline.tests.test_contract import TestTimeline as Contract

pytestmark = pytest.mark.asyncio

NODE = Nodes(bytes(32)).of(parse("crm:4711"))
PURCHASE = json.loads(GOLDEN["rapport.interactions.purchase.recorded.v1"])
CLASS = json.loads(GOLDEN["rapport.scoring.class.changed.v1"]) | {
    "source": f"/scoring/classes/{NODE}/rfm/GBP", "subject": f"contact:{NODE}", "time": "2026-03-01T00:00:00Z",
}  # fmt: skip


async def found(url: str, node: UUID, *told: tuple[str, dict[str, object]]) -> Found:
    """The page of a node after these events, folded one after the other."""
    contract = Contract()
    log = await log_of([(topic, Record(str(NODE).encode(), json.dumps(event).encode())) for topic, event in told])
    async with contract.generation(log, url) as (folder, _, schema):
        steps = await contract.steps(log)
        for step in sorted(steps, key=lambda step: step.partition.topic, reverse=True):
            await folder.fold([step])
        engine = for_reads(url, schema, 1)
        try:
            return await Pages(lambda: engine).page(Shape(10, ()), Wanted(node, BEGINNING))
        finally:
            await engine.dispose()


async def test_a_name_comes_before_a_contacts_id(database: str) -> None:
    page = await found(database, NODE, (SCORING.name, CLASS), (INTERACTIONS.name, PURCHASE))
    assert (page.contact, page.names, page.subject) == (NODE, None, "crm:4711")


async def test_a_contacts_id_is_better_than_nothing(database: str) -> None:
    page = await found(database, NODE, (SCORING.name, CLASS))
    assert page.subject == f"contact:{NODE}"


async def test_who_has_no_entry_is_not_called_anything(database: str) -> None:
    page = await found(database, UUID(int=7), (SCORING.name, CLASS))
    assert (page.entries, page.subject, page.is_claimed) == (None, None, False)
