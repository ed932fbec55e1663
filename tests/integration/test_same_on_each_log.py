"""The same year of customers tells the same stories from each kind of log; places, times and ids are a log's own."""

import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.client import created, ok
from tests.integration.conftest import System, kafka_environment, new_system
from tests.integration.providers import Broker
from tests.integration.test_identity_job import CONTACTS_MAPPING, at_once, contacts_of
from tests.integration.test_main_job import (
    SAMPLE,
    WHOLE,
    everything_folded,
    imported,
    needs_the_whole,
    pence_by_customer,
)

FEW, MANY = 60, 300  # customers
PAIRS = 10
AFTER_ALL = "2026-01-01T00:00:00Z"
OF_A_LOG = {"position", "recorded_at", "contact", "id", "node", "members", "merge"}
OF_A_DECISION = {"event_id", "occurred_at"}  # we make its id, and it happens when it is recorded

Stories = dict[str, tuple[Any, list[Any], list[Any], list[Any]]]


def business(value: Any) -> Any:
    """Without what is a log's own."""
    match value:
        case dict():
            return {name: business(each) for name, each in value.items() if name not in OF_A_LOG}
        case list():
            return [business(each) for each in value]
        case _:
            return value


def decided(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name not in OF_A_DECISION}


def figures_of(score: dict[str, Any]) -> list[Any]:
    """Without the amount of the last: which of two of one moment that is, is a log's own."""
    return [
        (score["definition"], {name: value for name, value in each.items() if name != "last_amount"})
        for each in score["inputs"]
    ]


async def stories(system: System, customers: Sequence[str]) -> Stories:
    """Of each customer: the contact, what happened in its order, what was decided, by its title, and their numbers.

    Events of two customers, and registrations, travel beside each other: the order of two of one moment is a log's own.
    """
    found: Stories = {}
    async with (
        httpx.AsyncClient(base_url=system.contacts, timeout=60) as contacts,
        httpx.AsyncClient(base_url=system.scoring, timeout=60) as scoring,
        httpx.AsyncClient(base_url=system.timeline, timeout=60) as timeline,
    ):

        async def read(customer: str) -> None:
            contact = ok(await contacts.get(f"/v1/contacts/crm:{customer}"))
            page = ok(await timeline.get(f"/v1/timeline/crm:{customer}", params={"limit": 500}))
            assert page["next_cursor"] is None
            assert (page["contact"], page["members"]) == (contact["id"], contact["members"])
            assert page["identifiers"] == contact["identifiers"]
            items: list[dict[str, Any]] = [business(item) for item in page["items"]]
            happened = [item for item in items if item["service"] == "interactions"]
            if len(contact["members"]) > 1:
                happened.sort(key=lambda item: (item["occurred_at"], item["event_id"]))
            ruled = [decided(item) for item in items if item["service"] != "interactions"]
            ruled.sort(key=lambda item: str(item["title"]))
            scores = ok(await scoring.get(f"/v1/scores/crm:{customer}", params={"as_of": AFTER_ALL}))
            assert (scores["contact"], scores["identifiers"]) == (contact["id"], contact["identifiers"])
            figures = [figure for score in scores["items"] for figure in figures_of(score)]
            found[customer] = (business(contact) | {"of": len(contact["members"])}, happened, ruled, figures)

        await at_once(read, customers)
    return found


async def told_by(system: System, file: Path, customers: Sequence[str], contacts_file: Path) -> Stories:
    """Invoices, then who the customers are, then that some are the same: and what is read after that."""
    imported(system, file)
    done = system.run("import", str(contacts_file), "--mapping", str(CONTACTS_MAPPING))
    assert done.returncode == 0, done.stdout + done.stderr
    async with httpx.AsyncClient(base_url=system.contacts, timeout=60) as contacts:
        for one, other in zip(customers[:PAIRS], customers[PAIRS : 2 * PAIRS], strict=True):
            body = {"members": [f"crm:{one}", f"email:customer-{other}@example.org"], "reason": "alike"}
            created(await contacts.post("/v1/merges", json=body))
    await everything_folded(system)
    return await stories(system, customers)


@contextmanager
def one_on_each_log(folder: Path, kafka: Broker) -> Iterator[list[System]]:
    """Running side by side."""
    with ExitStack() as stack:
        environment = stack.enter_context(kafka_environment(kafka.bootstrap))
        systems = [new_system(folder / "postgres"), new_system(folder / "kafka", environment)]
        for system in systems:
            system.start()
            stack.callback(system.stop)
        yield systems


@pytest.mark.slow
@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("file", "count"),
    [(SAMPLE, FEW), pytest.param(WHOLE, MANY, marks=needs_the_whole)],
    ids=["sample", "whole"],
)
async def test_every_customers_story_is_the_same(tmp_path: Path, kafka: Broker, file: Path, count: int) -> None:
    customers = random.Random(5).sample(sorted(pence_by_customer(file)), count)
    contacts_file = contacts_of(customers, tmp_path / "contacts.csv")
    with one_on_each_log(tmp_path, kafka) as systems:
        in_postgres, in_kafka = [await told_by(system, file, customers, contacts_file) for system in systems]
        assert systems[1].runtime.log_url is None
    assert len(in_postgres) == len(customers)
    assert sum(contact["of"] == 2 for contact, *_ in in_postgres.values()) == 2 * PAIRS
    for customer in customers:
        assert in_kafka[customer] == in_postgres[customer]
