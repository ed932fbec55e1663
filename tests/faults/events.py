"""What other systems send in these tests, and whom and what the services know of it."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import msgspec

from libs.events.fold import Projection
from libs.events.identifiers import Nodes
from libs.events.log import Record
from libs.events.position import Partition
from libs.events.topics import INTERACTIONS

SECRET = bytes(range(32))
NODES = Nodes(SECRET)
TOPIC = INTERACTIONS.name
EVERYWHERE = [Partition(TOPIC, number) for number in range(INTERACTIONS.partitions)]
PURCHASE = "rapport.interactions.purchase.recorded.v1"
SOURCE = "urn:example:faults"


def purchase(subject: str, id_: str, **attributes: object) -> dict[str, Any]:
    """An event as another system sends it."""
    data = {"amount_minor": 1_230, "currency": "GBP", "order": id_}
    event = {"specversion": "1.0", "id": id_, "source": SOURCE, "type": PURCHASE, "subject": subject, "data": data}
    return event | attributes


def record_of(event: Mapping[str, Any]) -> Record:
    """What the edge would append."""
    return Record(NODES.key(event["subject"]), msgspec.json.encode(event))


def purchases(count: int, *, customers: int, prefix: str = "order") -> list[Record]:
    return [record_of(purchase(f"crm:{n % customers}", f"{prefix}-{n}")) for n in range(count)]


def projection(service: str) -> Projection:
    found: Projection = import_module(f"services.{service}.projection").PROJECTION
    return found
