"""What other systems send in these tests, and what the services read of it."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import msgspec

from libs.events.fold import Projection
from libs.events.identifiers import Nodes
from libs.events.log import Record
from libs.events.position import Partition
from libs.events.topics import BY_NAME, INTERACTIONS

SECRET = bytes(range(32))
NODES = Nodes(SECRET)
TOPIC = INTERACTIONS.name
EVERYWHERE = [Partition(TOPIC, number) for number in range(INTERACTIONS.partitions)]
SERVICES = ("contacts", "interactions", "feedback", "scoring", "timeline")
SUMMING_UP = ("contacts", "feedback", "scoring")
"""Those that keep no row for every observation, but what they make of some."""
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


def purchases(count: int, *, customers: int, prefix: str = "order", **attributes: object) -> list[Record]:
    return [record_of(purchase(f"crm:{n % customers}", f"{prefix}-{n}", **attributes)) for n in range(count)]


def projection(service: str) -> Projection:
    found: Projection = import_module(f"services.{service}.projection").PROJECTION
    return found


def partitions_of(*services: str) -> list[Partition]:
    """Everything that any of these services reads; of all services where none is named."""
    topics = {topic for service in services or SERVICES for topic in projection(service).topics}
    return sorted(Partition(topic, number) for topic in topics for number in range(BY_NAME[topic].partitions))
