"""What the queries answer after a story with everything in it, beside the same in plain Python over whole tables."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.bookkeeping import verdicts
from libs.events.database import for_reads
from libs.events.identity.tables import components, conflicts, links, members, merges, registrations
from libs.events.tests.rich_story import NAMES, log_of, rich_story
from services.contacts.queries import edges, lists, people
from services.contacts.queries.edges import Narrowed
from services.contacts.queries.lists import Sought
from services.contacts.queries.people import RANK
from services.contacts.tables import seen, traits
from services.contacts.tests.test_contract import TestContacts as Contract

pytestmark = pytest.mark.asyncio

Rows = Sequence[Mapping[str, Any]]
NOBODY = UUID(int=9)


@dataclass
class Told:
    """A database after a story, and its rows."""

    connection: AsyncConnection
    rows: dict[str, Rows]

    def now(self, table: Table) -> Rows:
        return [row for row in self.rows[table.name] if row["until"] is None]

    @property
    def homes(self) -> dict[UUID, UUID]:
        """The component of each node that lies in one."""
        return {row["node"]: row["component"] for row in self.now(members)}

    @property
    def known(self) -> set[UUID]:
        """Every node that anybody has heard of."""
        return {row["node"] for table in (members, seen) for row in self.rows[table.name]}

    @property
    def registered(self) -> dict[UUID, str]:
        return {row["contact"]: row["kind"] for row in self.rows["registrations"]}

    def inside(self, contact: UUID) -> set[UUID]:
        return {node for node, home in self.homes.items() if home == contact} or {contact}

    def contact(self, node: UUID) -> dict[str, Any]:
        """What is to be answered of a node."""
        id_ = self.homes.get(node, node)
        inside = self.inside(id_)
        given = sorted((row for row in self.rows["traits"] if row["node"] in inside), key=rank)
        shown = {row["field"]: msgspec.json.decode(row["value"]) for row in given}
        sights = [row for row in self.rows["seen"] if row["node"] in inside]
        together = [row for row in self.now(members) if row["node"] in inside]
        names = {row["name"] for row in together} or {self.called(id_)}
        heads = {str(each): self.head(each) for each in inside if self.head(each)}
        return {
            "id": id_,
            "kind": self.registered.get(id_),
            "identifiers": sorted(name for name in names if name and not name.startswith("contact:")),
            "members": {row["node"] for row in together if row["is_contact"]} or {id_},
            "nodes": inside,
            "traits": {name: value for name, value in shown.items() if value is not None},
            "observed_at": max((row["observed_at"] for row in given), default=None),
            "first_seen": min((row["first_seen"] for row in sights), default=None),
            "last_seen": max((row["last_seen"] for row in sights), default=None),
            "heads": heads,
            "last_claim": next((row["last_claim"] for row in self.rows["components"] if row["id"] == id_), None),
        }

    def called(self, node: UUID) -> str:
        """How a node is called that lies in no component: as events call it, else as claims did."""
        seen_as, said = (
            {row["name"] for row in self.rows[name] if row["node"] == node} for name in ("seen", "members")
        )
        return max(seen_as, default="") or max(said, default="")

    def head(self, node: UUID) -> int:
        scope = f"/contacts/{node}"
        return max((row["sequence"] or 0 for row in self.rows["verdicts"] if row["scope"] == scope), default=0)


def rank(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in RANK)


async def all_of(connection: AsyncConnection, table: Table) -> Rows:
    return [dict(row) for row in (await connection.execute(select(table))).mappings()]


@pytest_asyncio.fixture
async def told(database: str) -> AsyncIterator[Told]:
    contract, log = Contract(), await log_of(rich_story(3))
    async with contract.generation(log, database) as (folder, _, schema):
        await folder.fold(await contract.steps(log))
        engine = for_reads(database, schema, 1)
        async with engine.connect() as connection:
            tables = (members, registrations, components, links, merges, conflicts, seen, traits, verdicts)
            rows = {table.name: await all_of(connection, table) for table in tables}
            yield Told(connection, rows)
        await engine.dispose()


async def test_a_contact_is_everything_that_its_component_is(told: Told) -> None:
    nodes = [*sorted(told.known), NOBODY]
    *found, nobody = await people.contacts(told.connection, nodes)
    assert nobody is None
    assert len({told.contact(node)["id"] for node in nodes}) < len(found)
    for node, contact in zip(nodes, found, strict=False):
        assert contact is not None
        answered = contact._asdict()
        sets = {name: set(answered[name]) for name in ("members", "nodes")}
        assert answered | sets == told.contact(node)


async def test_an_etag_tells_states_apart(told: Told) -> None:
    contact = next(each for each in await people.contacts(told.connection, sorted(told.known)) if each and each.heads)
    later = [
        contact._replace(last_claim=(contact.last_claim or 0) + 1),
        contact._replace(heads=contact.heads | {str(NOBODY): 1}),
        contact._replace(heads={member: head + 1 for member, head in contact.heads.items()}),
    ]
    assert len({each.etag for each in (contact, *later)}) == 4


async def listed(told: Told, limit: int, **narrowed: Any) -> list[UUID]:
    """All pages of a list, one after the other."""
    found: list[UUID] = []
    sought = Sought(None, None, None, None, None, limit)._replace(**narrowed)
    while True:
        page = await lists.page(told.connection, sought._replace(after=found[-1] if found else None))
        found += page[:limit]
        if len(page) <= limit:
            return found


def homes(told: Told, nodes: Iterable[UUID]) -> list[UUID]:
    return sorted({told.homes.get(node, node) for node in nodes})


async def test_a_list_shows_everybody_once_in_the_order_of_ids(told: Told) -> None:
    nodes = {row["node"] for row in told.rows["seen"]} | told.homes.keys()
    everybody = homes(told, nodes)
    assert await listed(told, 3) == everybody == await listed(told, 100)
    registered = [id_ for id_ in everybody if id_ in told.registered]
    assert registered
    assert await listed(told, 2, registered=True) == registered == await listed(told, 2, kind="person")
    assert await listed(told, 2, kind="organisation") == []
    assert await listed(told, 2, registered=False) == [id_ for id_ in everybody if id_ not in told.registered]


@pytest.mark.parametrize(
    ("words", "name"), [("CRM 3", "crm:3"), ("da@exam", None), ("ada@exam", "email:ada@example.org")]
)
async def test_words_find_the_names_whose_words_they_begin(told: Told, words: str, name: str | None) -> None:
    assert name is None or name in NAMES
    nodes = {row["node"] for table in (seen, members) for row in told.rows[table.name] if row["name"] == name}
    current = {row["node"] for row in told.rows["seen"]} | told.homes.keys()
    assert await listed(told, 2, words=words) == homes(told, nodes & current)
    assert await listed(told, 2, words=words, registered=True) == [
        id_ for id_ in homes(told, nodes & current) if id_ in told.registered
    ]


async def test_words_find_a_name_that_is_shown_as_a_trait(told: Told) -> None:
    contacts = [told.contact(node) for node in told.known]
    called = {each["id"] for each in contacts if each["traits"].get("name") == "Ada Lovelace"}
    assert called
    assert await listed(told, 2, words="lovel ada") == sorted(called)


async def test_a_node_is_found_by_itself(told: Told) -> None:
    node = next(node for node, home in told.homes.items() if node != home)
    assert await listed(told, 2, words=str(node), node=node) == [told.homes[node]]


async def test_links_and_merges_are_those_that_hold(told: Told) -> None:
    owners = {row["owner"] for row in told.now(links)}
    found = await edges.links_of(told.connection, sorted(owners))
    said = {(each["identifier"], each["contact"], each["unique"]) for each in found}
    assert said == {(row["name"], str(row["owner"]), row["is_unique"]) for row in told.now(links)}
    nodes = sorted({row["member"] for row in told.now(merges)})
    active = await edges.merges_of(told.connection, nodes)
    assert {each["id"] for each in active} == {str(row["id"]) for row in told.now(merges)}
    for each in active:
        rows = sorted((row for row in told.now(merges) if str(row["id"]) == each["id"]), key=lambda row: row["place"])
        assert each["members"] == [str(row["member"]) for row in rows]
        assert each["contact"] == str(told.homes[rows[0]["member"]])
        assert each["active"] is True


@pytest.mark.parametrize("is_open", [None, True, False])
async def test_pages_of_conflicts_show_each_once_newest_first(told: Told, is_open: bool | None) -> None:
    wanted = [row for row in told.rows["conflicts"] if is_open in {None, row["until"] is None}]
    newest_first = [str(row["id"]) for row in sorted(wanted, key=lambda row: -row["since"])]
    assert len(newest_first) > 1
    found: list[dict[str, Any]] = []
    after: int | None = None
    while len(page := await edges.conflict_page(told.connection, Narrowed(is_open, after, 1))) > 1:
        found += [document for _, document in page[:1]]
        after = page[0][0]
    found += [document for _, document in page]
    assert [each["id"] for each in found] == newest_first
    for each in found:
        assert each == await edges.conflict(told.connection, UUID(each["id"]))
        assert (each["status"] == "open") == (each["resolution"] is None)
        assert each["identifiers"]
