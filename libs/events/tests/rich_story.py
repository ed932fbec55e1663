"""A story for every topic of a projection: observations, claims and decisions, with all that can be wrong with them."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from libs.events.arbitration import sequence_of, sequence_text
from libs.events.catalog.registry import CATALOG, EventType, Kind
from libs.events.envelope import name_of
from libs.events.identifiers import Nodes, as_uuid8, parse
from libs.events.log import EVENT_HEADERS, REQUEST_HEADER, Record
from libs.events.log_created import ensure_topics
from libs.events.memory_log import MemoryLog
from libs.events.tests import rich_scoring
from libs.events.tests.rich_feedback import boards
from libs.events.topics import CONTACTS, FEEDBACK, IDENTITY, INTERACTIONS, SCORING

GOLDEN = {path.stem: path.read_bytes() for path in (Path(__file__).parents[3] / "tests/golden").glob("*.json")}
CUSTOMERS = [f"crm:{number}" for number in range(7)] + ["email:ada@example.org"]
NAMES = [*CUSTOMERS, "email:joe@example.org", "tel:+4930123", "device:1"]
BOARDS = 4
CALL = "rapport.interactions.interaction.recorded.v1"

_nodes = Nodes(b"the secret of a test, 32 bytes..")

Told = tuple[str, Record]
Event = dict[str, Any]


def _kind(type_: str) -> Kind:
    return CATALOG[type_].kind if type_ in CATALOG else Kind.OBSERVATION


def _record(event: Mapping[str, Any], key: bytes | None = None, request: str = "") -> Record:
    headers = ((*EVENT_HEADERS, (REQUEST_HEADER, request.encode()))) if request else EVENT_HEADERS
    return Record(key or _nodes.key(event["subject"]), json.dumps(event).encode(), headers)


def rich_story(seed: int) -> list[Told]:
    """Records with their topics. Claims stand in one order, and the decisions about one thing do."""
    random = Random(seed)
    queues = [[(INTERACTIONS.name, each)] for each in _observations(random)]
    queues.append([(IDENTITY.name, each) for each in _claims(random)])
    decided = [*_decisions(random), *_boards(random), *_scores(random)]
    queues += [[(topic, each) for each in queue] for topic, queue in decided]
    turns = [queue for queue in queues for _ in queue]
    random.shuffle(turns)
    taken = [iter(queue) for queue in queues]
    place = {id(queue): n for n, queue in enumerate(queues)}
    return [next(taken[place[id(queue)]]) for queue in turns]


async def log_of(story: Sequence[Told]) -> MemoryLog:
    log = MemoryLog()
    await ensure_topics(log, "check")
    await tell(log, story)
    return log


async def tell(log: MemoryLog, story: Sequence[Told]) -> None:
    for topic, record in story:
        await log.append(topic, [record])


def _observations(random: Random) -> Iterator[Record]:
    """Every golden observation for every customer; some again, re-spelled, or with other content."""
    for type_, sample in GOLDEN.items():
        if _kind(type_) is not Kind.OBSERVATION:
            continue
        for subject in CUSTOMERS:
            event = json.loads(sample) | {"subject": subject}
            yield _record(event)
            match random.randrange(6):
                case 0:
                    yield _record(event)
                case 1:
                    yield _record(dict(reversed(event.items())))
                case 2:
                    yield _record(event | {"time": "2026-03-01T00:00:00Z"})
                case 3 if random.random() < 0.1:
                    yield Record(_nodes.key(subject), b"no event at all")
                case 4:
                    undated = {name: value for name, value in event.items() if name != "time"}
                    yield _record(undated | {"id": f"{event['id']}-undated"})


def _claim_id(number: int) -> UUID:
    return UUID(int=0x7000_8000_0000_0000_0000 + number)


class _Claims:
    """Claims about what was said before, so that many of them take effect; some come again, some are nonsense."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.ids: dict[str, list[UUID]] = {}
        self.said: list[Event] = []

    def named(self, name: str) -> Event:
        return {"name": name, "node": str(_nodes.of(parse(name)))}

    def ref(self) -> Event:
        registered = [f"contact:{id_}" for id_ in self.ids.get("contact.registered", [])]
        return self.named(self.random.choice([*NAMES, *registered]))

    def earlier(self, *types: str) -> str:
        ids = [id_ for type_ in types for id_ in self.ids.get(type_, [])]
        return str(self.random.choice(ids) if ids else UUID(int=7))

    def data(self, name: str, id_: UUID) -> Event:
        two = self.random.sample(NAMES, 2)
        match name:
            case "contact.registered":
                names = [self.named(each) for each in two]
                traits = {"name": f"Ada {id_.int % 7}", "country": "GB"}
                return {"contact": str(id_), "kind": "person", "identifiers": names, "traits": traits}
            case "identifier.linked" | "identifier.unlinked":
                return {"contact": self.ref(), "identifier": self.named(two[0])}
            case "contacts.merged":
                return {"merge": str(id_), "members": [self.ref(), self.ref()], "reason": "the same"}
            case "contacts.unmerged":
                return {"merge": self.earlier("contacts.merged"), "members": [self.ref(), self.ref()]}
            case _:
                conflict = self.earlier("contact.registered", "identifier.linked")
                return {"conflict": conflict, "holder": self.ref(), "reason": "asked"}

    def event(self, number: int) -> Event:
        names = ["contact.registered", "identifier.linked", "contacts.merged"] * 2
        names += ["identifier.unlinked", "contacts.unmerged", "conflict.resolved"]
        name, id_ = self.random.choice(names), _claim_id(number)
        event = {
            "specversion": "1.0", "id": str(id_), "source": "/identity", "type": f"rapport.contacts.{name}.v1",
            "subject": self.random.choice(NAMES), "subjectnode": str(_nodes.of(parse(self.random.choice(NAMES)))),
            "time": f"2026-03-02T11:{number % 60:02}:00Z", "data": self.data(name, id_),
        }  # fmt: skip
        self.ids.setdefault(name, []).append(id_)
        self.said.append(event)
        return event


def _claims(random: Random) -> Iterator[Record]:
    claims, key = _Claims(random), b"identity"
    for number in range(90):
        event = claims.event(number)
        match random.randrange(14):
            case 0:
                yield _record(random.choice(claims.said), key)
            case 1:
                yield _record(random.choice(claims.said) | {"time": "2026-03-01T00:00:00Z"}, key)
            case 2:
                yield from (_record(random.choice(claims.said), key, request=str(number % 2)) for _ in range(2))
            case 3:
                yield Record(key, b"no event at all")
            case 4:
                yield _record(event | {"id": f"claim {number % 3}"}, key)
            case 5:
                yield _record(event | {"id": str(UUID(int=number)), "type": "com.example.claimed"}, key)
            case 6:
                yield _record(event | {"id": str(UUID(int=number)), "data": {"reason": 7}}, key)
        yield _record(event, key, request=f"request {number}" if number % 3 == 0 else "")


def _decisions(random: Random) -> Iterator[tuple[str, list[Record]]]:
    """For each thing that is decided about: its topic, and records in the order of their sequences."""
    types = [each for each in CATALOG.values() if each.kind is Kind.DECISION]
    for topic in (CONTACTS.name, INTERACTIONS.name):
        for customer in CUSTOMERS:
            mine = [each for each in types if each.topic == topic]
            yield topic, list(_about(random, topic, mine, customer))


def _about(random: Random, topic: str, types: Sequence[EventType], customer: str) -> Iterator[Record]:
    source, key, common = _place(random, topic, customer)
    more = {} if topic == CONTACTS.name else {"interaction": source.removeprefix("/interactions/")}
    events = []
    for head in range(10):
        sample = json.loads(GOLDEN[random.choice(types).name])
        id_ = as_uuid8(hashlib.sha256(f"{source} {head}".encode()).digest())
        event = sample | common | {"id": str(id_), "source": source, "sequence": sequence_text(head + 1)}
        events.append(event | {"data": sample["data"] | more})
    return _written(random, events, key, spoilt=0.2)


def _boards(random: Random) -> Iterator[tuple[str, list[Record]]]:
    """Several boards, the last of which goes wrong somewhere."""
    for number, (board, events) in enumerate(boards(random, _everybody(), BOARDS)):
        records = list(_written(random, events, board.encode(), spoilt=0))
        if number == BOARDS - 1:
            records.insert(random.randrange(len(records)), Record(board.encode(), b"no event at all"))
        yield FEEDBACK.name, records


def _scores(random: Random) -> Iterator[tuple[str, list[Record]]]:
    """Statistics, and the classes of everybody; those of the last one go wrong somewhere."""
    nodes = [each["node"] for each in _everybody()]
    yield SCORING.name, list(_written(random, rich_scoring.statistics(random, nodes), b"statistics", spoilt=0))
    for node, events in rich_scoring.classes(random, nodes):
        records = list(_written(random, events, node.encode(), spoilt=0))
        if node == nodes[-1]:
            records.insert(random.randrange(len(records)), Record(node.encode(), b"no event at all"))
        yield SCORING.name, records


def _everybody() -> list[dict[str, str]]:
    names = [*NAMES, *(f"contact:{_claim_id(number)}" for number in range(0, 30, 10))]
    return [{"name": name, "node": str(_nodes.of(parse(name)))} for name in names]


def _written(random: Random, events: Sequence[Event], key: bytes, *, spoilt: float) -> Iterator[Record]:
    """Decisions of one key, with superseded and repeated copies among them."""
    said: list[tuple[Event, str]] = []
    for number, event in enumerate(events):
        head, request = sequence_of(event["sequence"]) - 1, f"request {number}" if number % 2 else ""
        match random.randrange(9):
            case 0 if head:
                yield _record(event | {"sequence": sequence_text(head)}, key, request)
            case 1 if said:
                again, with_ = random.choice(said)
                yield _record(again | {"sequence": sequence_text(head + 1)}, key, with_)
            case 2 if said:
                again, _ = random.choice(said)
                yield _record(again, key, "of another request")
            case 3 if random.random() < spoilt:
                yield _record(event | {"sequence": "the next"}, key, request)
        yield _record(event, key, request)
        said.append((event, request))


def _place(random: Random, topic: str, customer: str) -> tuple[str, bytes, Event]:
    """Where decisions about this customer stand: an interaction of theirs, at times one that nobody knows."""
    node = str(_nodes.of(parse(customer)))
    if topic == CONTACTS.name:
        return f"/contacts/{node}", node.encode(), {"subject": customer, "subjectnode": node}
    call = json.loads(GOLDEN[CALL])
    id_ = call["id"] if random.random() < 0.7 else "nobody knows"
    name = name_of(topic, node, call["source"], id_)
    return f"/interactions/{as_uuid8(bytes.fromhex(name))}", node.encode(), {"subject": customer}
