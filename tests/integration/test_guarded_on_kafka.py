"""Services meet only in the log: processes that reach nothing but their database and the brokers do the main job."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from libs.embedded.ports import listening
from libs.embedded.postgres import EmbeddedPostgres
from tests.faults.deadlines import until
from tests.integration.client import Api, purchase
from tests.integration.conftest import SERVICES, kafka_environment, new_system
from tests.integration.guarded_system import GuardedSystem
from tests.integration.providers import Broker
from tests.integration.test_identity_job import CONTACTS_MAPPING, contacts_of
from tests.integration.test_main_job import SAMPLE, digests_now, imported, pence_by_customer, pence_on_timelines

ROOT = Path(__file__).parents[2]
ROWS = 300
CONTACTS = 40
REFUSED_WITHIN_S = 20.0
CONNECT_ELSEWHERE = """
import asyncio, sys
from pathlib import Path
from tests.integration.guarded import guard
guard({("127.0.0.1", int(sys.argv[1]))}, Path(sys.argv[3]))
asyncio.run(asyncio.open_connection("127.0.0.1", int(sys.argv[1])))
print("the one that is allowed")
asyncio.run(asyncio.open_connection("127.0.0.1", int(sys.argv[2])))
"""


@pytest.fixture(scope="module")
def guarded(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedSystem]:
    """Topics and empty databases; no service runs yet."""
    data = tmp_path_factory.mktemp("guarded") / "data"
    with kafka_environment(kafka.bootstrap) as environment, EmbeddedPostgres(data) as postgres:
        made = GuardedSystem(data, new_system(data).ports, environment, postgres=postgres)
        postgres.ensure_databases([f"{made.prefix}{service}" for service in SERVICES])
        ensured = made.run("topics", "ensure")
        assert ensured.returncode == 0, ensured.stderr
        yield made
        made.kill()


@pytest.mark.asyncio
async def test_services_that_reach_only_their_database_and_the_brokers_do_the_main_job(
    guarded: GuardedSystem, tmp_path: Path
) -> None:
    with SAMPLE.open() as lines:
        part = tmp_path / "part.csv"
        part.write_text("".join(line for _, line in zip(range(ROWS + 1), lines, strict=False)))
    expected = pence_by_customer(part)
    customers = sorted(expected)
    await guarded.begin(*SERVICES)
    imported(guarded, part)
    contacts = contacts_of(customers[:CONTACTS], tmp_path / "contacts.csv")
    done = guarded.run("import", str(contacts), "--mapping", str(CONTACTS_MAPPING))
    assert done.returncode == 0, done.stderr
    one, other = (f"crm:{customer}" for customer in customers[:2])
    with closing(Api(guarded)) as api:
        idea = api.submitted(api.opened(), one)
        api.voted(idea, one), api.voted(idea, other)
        assert api.tally(idea)["people"] == 2
        merge = api.merged(one, other)
        assert api.tally(idea)["people"] == 1
        late = purchase(other)
        assert late["id"] in api.ids(one, min_position=api.posted(late))
        api.unmerged(merge)
        assert late["id"] not in api.ids(one)
    before = await digests_now(guarded)
    guarded.end(*SERVICES)
    await guarded.empty(SERVICES)
    await guarded.begin(*SERVICES)
    assert await digests_now(guarded) == before
    found = await pence_on_timelines(guarded, customers[2:])
    assert found == {customer: expected[customer] for customer in customers[2:]}
    verified = guarded.run("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert await guarded.databases() == {f"{guarded.prefix}{service}" for service in SERVICES}, "none is of a log"
    guarded.end(*SERVICES)
    assert guarded.refused.read_text() == ""


@pytest.mark.asyncio
async def test_a_service_that_asks_another_database_is_refused_it(guarded: GuardedSystem, tmp_path: Path) -> None:
    """The guard looks at DATABASE_URL alone, and the settings know that database by another name, too."""
    refused = tmp_path / "refused"
    environment = guarded.environment_of("timeline")
    environment["RAPPORT_DATABASE_URL"] = environment.pop("DATABASE_URL")
    guarded.launch("timeline", environment, refused)

    async def is_told() -> bool:
        return "PermissionError" in str((await guarded.checks("timeline")).get("state"))

    await until(is_told, REFUSED_WITHIN_S, "the timeline says why it does not start")
    guarded.end("timeline")
    asked = set(refused.read_text().splitlines())
    assert len(asked) == 1
    assert asked.pop().endswith("/.s.PGSQL.5432")


def test_whatever_such_a_process_connects_to_elsewhere_is_refused(tmp_path: Path) -> None:
    refused = tmp_path / "refused"
    with listening(0) as allowed, listening(0) as other:
        ports = [str(each.getsockname()[1]) for each in (allowed, other)]
        command = [sys.executable, "-c", CONNECT_ELSEWHERE, *ports, str(refused)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=REFUSED_WITHIN_S, check=False)
    assert (done.returncode, done.stdout) == (1, "the one that is allowed\n")
    assert "PermissionError: socket.connect ('127.0.0.1'," in done.stderr
    assert refused.read_text() == f"socket.connect ('127.0.0.1', {ports[1]})\n"
