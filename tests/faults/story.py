"""A story of everything that a log may hold: what others sent, claims about identity, decisions; some of it poison."""

from collections.abc import Sequence
from itertools import groupby

from libs.events.log import EventLog, Record
from libs.events.tests.rich_story import rich_story
from services.interactions.decider import RECORDED
from tests.faults.events import TOPIC, purchase, record_of
from tests.faults.poison import FOREIGN, poisoned
from tests.faults.ruled import Told


def observations(count: int) -> list[Record]:
    """Of everything some: purchases, conversations, late events, repetitions in the same or other words, poison."""
    records: list[Record] = []
    for n in range(count):
        subject, id_ = f"crm:{n % 97}", f"{n}"
        match n % 10:
            case 0:
                talk = {"channel": "telephone", "direction": "inbound", "summary": id_}
                records.append(record_of(purchase(subject, id_, type=RECORDED, data=talk)))
            case 1:
                records.append(record_of(purchase(subject, id_, time=f"2020-01-{n % 28 + 1:02}T00:00:00+05:00")))
            case 2:
                records.append(record_of(purchase(subject, id_, type="com.example.cart.abandoned", data={"ü": [n]})))
            case 3:
                records.append(records[n // 2])
            case 4:
                earlier = records[-3]
                records.append(Record(earlier.key, earlier.value.replace(b":", b": ", 1)))
            case 5:
                records.append(record_of(purchase(f"crm:{(n - 5) % 97}", f"{n - 5}", type="com.example.another")))
            case _:
                records.append(record_of(purchase(subject, id_)))
    return [*records[: count // 2], *poisoned(20), *FOREIGN, *records[count // 2 :]]


def story(count: int, seed: int = 25) -> list[Told]:
    """So many observations, and claims and decisions among them."""
    ruled = rich_story(seed)
    told = [(TOPIC, record) for record in observations(count)]
    half = len(told) // 2
    return [*told[:half], *ruled, *told[half:]]


async def tell(log: EventLog, told: Sequence[Told], size: int = 100) -> None:
    """Append in order, so many at once."""
    for topic, records in groupby(told, key=lambda each: each[0]):
        same = [record for _, record in records]
        for start in range(0, len(same), size):
            await log.append(topic, same[start : start + size])
