"""The main job on real input: a year of invoices in, every customer's timeline out, and again from the log alone."""

import asyncio
import csv
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest

from libs.embedded.postgres import EmbeddedPostgres
from libs.events.clock import monotonic_s
from libs.events.digest import Digest
from libs.events.replays import digests
from services.cli.services import SERVICES
from tests.integration.client import STRUCTURED, foreign
from tests.integration.conftest import System, new_system

ROOT = Path(__file__).parents[2]
MAPPING = ROOT / "examples" / "online-retail.toml"
SAMPLE = ROOT / "examples" / "online-retail-sample.csv"
WHOLE = ROOT.parent / "shared" / "data" / "online-retail.csv"
WHOLE_CUSTOMERS, WHOLE_PENCE = 4_338, 891_140_790
AT_ONCE = 8
WAIT = {"Prefer": "wait=30"}

Digests = dict[str, dict[str, Digest]]

needs_the_whole = pytest.mark.skipif(not WHOLE.exists(), reason="../shared/data/online-retail.csv is not here")


def pence_by_customer(file: Path) -> Counter[str]:
    pence: Counter[str] = Counter()
    with file.open(newline="") as lines:
        for row in csv.DictReader(lines):
            pence[row["customer"]] += int(Decimal(row["amount_gbp"]) * 100)
    return pence


async def everything_folded(system: System) -> None:
    """All services have folded what the log holds now."""
    token = system.position()
    async with httpx.AsyncClient(timeout=60) as client:
        for url in system.urls.values():
            response = await client.get(f"{url}/v1/anything", params={"min_position": token}, headers=WAIT)
            assert response.status_code == 404, response.text


async def digests_now(system: System) -> Digests:
    await everything_folded(system)
    urls = {name: service.database_url for name, service in system.runtime.services.items()}
    return {name: await digests(entry.projection, urls[name]) for name, entry in SERVICES.items()}


async def pence_on_timelines(system: System, customers: Iterable[str]) -> Counter[str]:
    """What each timeline adds up to, by following its pages to the end."""
    pence: Counter[str] = Counter()
    waiting = iter(customers)

    async def read(client: httpx.AsyncClient) -> None:
        for customer in waiting:
            url = f"/v1/timeline/crm:{customer}?service=interactions"
            while url:
                response = await client.get(url)
                assert response.status_code == 200, response.text
                pence[customer] += sum(item["data"]["amount_minor"] for item in response.json()["items"])
                url = response.links["next"]["url"] if "next" in response.links else ""

    async with httpx.AsyncClient(base_url=system.timeline, timeout=60) as client, asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(read(client))
    return pence


async def drop_service_databases(system: System) -> None:
    """Of a system that is stopped: nothing is left of it but its log."""
    with EmbeddedPostgres(system.data) as postgres:
        admin = await asyncpg.connect(postgres.url("postgres"))
        for service in system.runtime.services.values():
            await admin.execute(f'DROP DATABASE "{urlsplit(service.database_url).path.removeprefix("/")}"')
        await admin.close()


def imported(system: System, file: Path) -> float:
    began_s = monotonic_s()
    done = system.run("import", str(file), "--mapping", str(MAPPING))
    assert done.returncode == 0, done.stdout + done.stderr
    return monotonic_s() - began_s


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("environment", "file"),
    [
        pytest.param("postgres", SAMPLE, id="sample"),
        pytest.param("postgres", WHOLE, marks=[needs_the_whole, pytest.mark.slow], id="whole"),
        # On a part of the sample test_guarded_on_kafka.py does the same job on Kafka.
        pytest.param("kafka", SAMPLE, marks=pytest.mark.slow, id="kafka-sample"),
        pytest.param("kafka", WHOLE, marks=[needs_the_whole, pytest.mark.slow], id="kafka-whole"),
    ],
    indirect=["environment"],
)
async def test_timelines_hold_every_invoice_and_come_back_from_the_log(
    tmp_path: Path, environment: dict[str, str], file: Path
) -> None:
    system = new_system(tmp_path / "data", environment)
    expected = pence_by_customer(file)
    system.start()
    print(f"import took {imported(system, file):.1f} s")  # under 20 s is the goal, measured by the benchmarks
    first = await digests_now(system)
    assert await pence_on_timelines(system, expected) == expected
    imported(system, file)
    assert await digests_now(system) == first
    verified = system.run("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert system.stop() == 0
    await drop_service_databases(system)
    system.start()
    assert await digests_now(system) == first
    posted = httpx.post(f"{system.interactions}/v1/events", json=foreign("crm:1"), headers={"content-type": STRUCTURED})
    assert posted.status_code == 202
    assert system.stop() == 0


@needs_the_whole
def test_the_whole_file_is_the_one_that_is_meant() -> None:
    pence = pence_by_customer(WHOLE)
    assert (len(pence), pence.total()) == (WHOLE_CUSTOMERS, WHOLE_PENCE)
