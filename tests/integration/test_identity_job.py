"""Identity on real input: a year of customers that nobody registered, registered on top, merged and parted again."""

import asyncio
import csv
import random
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TypeVar

import httpx
import pytest

from libs.embedded.home import Home
from libs.events.database import for_control
from libs.events.digest import Digest, digests_of, positions_of
from libs.events.fold import Projection
from libs.events.identifiers import Nodes
from libs.events.identity.tables import METADATA as IDENTITY_TABLES
from libs.events.log_created import recognise
from libs.events.opening import open_log
from libs.events.position import Partition, Positions
from libs.events.replays import digests, rebuilt
from services.cli.services import SERVICES
from tests.integration.client import BATCH, created, ok, purchase
from tests.integration.conftest import System, new_system
from tests.integration.test_main_job import (
    SAMPLE,
    WHOLE,
    everything_folded,
    imported,
    needs_the_whole,
    pence_by_customer,
)

CONTACTS_MAPPING = Path(__file__).parents[2] / "examples" / "contacts.toml"
FEW, MANY = 40, 200  # pairs
AT_ONCE = 16
IDENTITY = Partition("identity", 0)
OF_IDENTITY = {*IDENTITY_TABLES.tables, "identity_entries"}

Asked = TypeVar("Asked")
Digests = dict[str, Digest]


def contacts_of(customers: Iterable[str], file: Path) -> Path:
    """Contacts as another system might export them: the customer's number, an e-mail made from it, a country."""
    with file.open("w", newline="") as lines:
        rows = csv.writer(lines)
        rows.writerow(("customer", "email", "country"))
        rows.writerows((customer, f"customer-{customer}@example.org", "GB") for customer in customers)
    return file


async def at_once(ask: Callable[[Asked], Awaitable[None]], everything: Iterable[Asked]) -> None:
    waiting = iter(everything)

    async def one_after_another() -> None:
        for each in waiting:
            await ask(each)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(one_after_another())


async def listed(contacts: httpx.AsyncClient, registered: bool) -> list[str]:
    """The identifiers of everybody in a list, by following its pages to the end."""
    found: list[str] = []
    url = f"/v1/contacts?limit=500&registered={str(registered).lower()}"
    while url:
        response = await contacts.get(url)
        found += [name for contact in ok(response)["items"] for name in contact["identifiers"]]
        url = response.links["next"]["url"] if "next" in response.links else ""
    return found


async def merged_with_late_purchases_and_parted(system: System, pairs: list[tuple[str, str]]) -> None:
    merges: list[str] = []
    async with (
        httpx.AsyncClient(base_url=system.contacts, timeout=60) as contacts,
        httpx.AsyncClient(base_url=system.interactions, timeout=60) as interactions,
        httpx.AsyncClient(base_url=system.timeline, timeout=60) as timeline,
    ):

        async def merge(pair: tuple[str, str]) -> None:
            merges.append(created(await contacts.post("/v1/merges", json={"members": pair, "reason": "alike"}))["id"])

        async def buy(pair: tuple[str, str]) -> None:
            events = [purchase(member, f"late-{member}", time="2011-12-24T10:00:00Z") for member in pair]
            posted = await interactions.post("/v1/events", json=events, headers={"content-type": BATCH})
            assert posted.status_code == 202, posted.text
            page = await timeline.get(f"/v1/timeline/{pair[0]}", params={"min_position": posted.json()["position"]})
            assert {f"late-{member}" for member in pair} <= {item["event_id"] for item in ok(page)["items"]}

        async def part(merge: str) -> None:
            assert (await contacts.delete(f"/v1/merges/{merge}")).status_code == 204

        await at_once(merge, pairs)
        await at_once(buy, pairs)
        await at_once(part, merges)


async def without_merges(system: System, service: str, first_merge: int) -> tuple[Digests, Digests]:
    """A service's tables as they are, and folded from the same log as if it had no claims from that offset on."""
    projection: Projection = SERVICES[service].projection
    url = system.runtime.services[service].database_url
    async with open_log(system.log_place) as log:
        await recognise(log, Nodes(Home.at(system.data).identity_secret()).check_value())
        until: Positions = await log.ends(projection.topics) | {IDENTITY: first_merge}
        control = for_control(url)
        async with (
            rebuilt(projection, log, url, until, lambda _done, _total: None) as scratch,
            control.connect() as connection,
        ):
            assert await positions_of(connection, scratch.schema) == until
            alone = await digests_of(connection, projection, scratch.schema)
        await control.dispose()
    return await digests(projection, url), alone


async def end_of_identity(system: System) -> int:
    async with open_log(system.log_place) as log:
        return (await log.ends([IDENTITY.topic]))[IDENTITY]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "file",
    [SAMPLE, pytest.param(WHOLE, marks=[needs_the_whole, pytest.mark.slow])],
    ids=["sample", "whole"],
)
async def test_a_merge_and_its_end_leave_no_trace_beside_identity(tmp_path: Path, file: Path) -> None:
    """Recorded times and ids differ between two systems, so the run without merges folds this very log without them."""
    customers = list(pence_by_customer(file))
    names = sorted(f"crm:{customer}" for customer in customers)
    system = new_system(tmp_path / "data")
    system.start()
    imported(system, file)
    await everything_folded(system)
    async with httpx.AsyncClient(base_url=system.contacts, timeout=60) as contacts:
        assert sorted(await listed(contacts, registered=False)) == names
        done = system.run("import", str(contacts_of(customers, tmp_path / "c.csv")), "--mapping", str(CONTACTS_MAPPING))
        assert done.returncode == 0, done.stdout + done.stderr
        assert await listed(contacts, registered=False) == []
        assert len(await listed(contacts, registered=True)) == 2 * len(names)
        assert ok(await contacts.get("/v1/conflicts"))["items"] == []
    first_merge = await end_of_identity(system)
    drawn = random.Random(4).sample(names, 2 * (FEW if file == SAMPLE else MANY))
    await merged_with_late_purchases_and_parted(system, list(zip(drawn[::2], drawn[1::2], strict=True)))
    await everything_folded(system)
    for service in SERVICES:
        live, alone = await without_merges(system, service, first_merge)
        assert {name: live[name] for name in live.keys() - OF_IDENTITY} == {
            name: alone[name] for name in alone.keys() - OF_IDENTITY
        }, service
        assert live["merges"].rows == len(drawn)
        assert alone["merges"].rows == 0
    assert system.run("verify").returncode == 0
    assert system.stop() == 0
