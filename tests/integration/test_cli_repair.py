"""Commands that are for a system in trouble: on one of their own, which they may spoil."""

import json
import re
from collections.abc import Iterator

import asyncpg
import httpx
import pytest

from libs.embedded.home import Home
from libs.events.identifiers import Nodes
from libs.events.log import Record
from libs.events.log_created import recognise
from libs.events.opening import open_log
from tests.integration.conftest import SERVICES, System, new_system


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    made = new_system(tmp_path_factory.mktemp("repair") / "data")
    made.start()
    made.run("demo")
    yield made
    if made.process:
        assert made.stop() == 0


async def execute(system: System, service: str, statement: str) -> str:
    connection = await asyncpg.connect(system.runtime.services[service].database_url)
    try:
        return await connection.execute(statement)
    finally:
        await connection.close()


async def append(system: System, key: bytes, *values: bytes) -> None:
    async with open_log(system.log_place) as log:
        await recognise(log, Nodes(Home.at(system.data).identity_secret()).check_value())
        await log.append("interactions", [Record(key, value) for value in values])


def settle(system: System) -> None:
    """Return when all services have folded all there is."""
    params = {"min_position": system.position()}
    for url in system.urls.values():
        wait = {"prefer": "wait=30"}
        response = httpx.get(f"{url}/v1/anything", params=params, headers=wait, timeout=40, trust_env=False)
        assert response.status_code == 404, response.text


def ready(url: str) -> bool:
    return httpx.get(f"{url}/readyz", trust_env=False).status_code == 200


def generation(system: System, service: str) -> str:
    found = json.loads(system.run("status", "--json").stdout)
    schemas: dict[str, str] = {each["name"]: each["generation"]["schema"] for each in found["services"]}
    return schemas[service]


def test_nothing_is_parked_at_first(spoilt: System) -> None:
    done = spoilt.run("parked", "list")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Nothing is parked.\n", "")


def test_equal_tables_are_verified(spoilt: System) -> None:
    settle(spoilt)
    done = spoilt.run("verify")
    assert done.returncode == 0
    for service in spoilt.urls:
        assert f"{service}: equal" in done.stdout
    entries = next(line.split() for line in done.stdout.splitlines() if line.strip().startswith("entries"))
    assert entries[1] == entries[2] != "0"
    assert "; interactions 0:" in done.stdout


@pytest.mark.asyncio
async def test_a_row_that_differs_is_shown_and_a_rebuild_mends_it(spoilt: System) -> None:
    schema = generation(spoilt, "timeline")
    await execute(spoilt, "timeline", f"DELETE FROM {schema}.entries WHERE subject = 'crm:demo-brook'")
    done = spoilt.run("verify", "timeline")
    assert done.returncode == 1
    assert "timeline: DIFFERENT" in done.stdout
    assert done.stdout.count("served   no such row") == 4
    assert done.stdout.count("\n  rebuilt  node=") == 4
    assert "cart abandoned" in done.stdout
    unasked = spoilt.run("rebuild", "timeline")
    assert (unasked.returncode, unasked.stderr) == (1, "rapport: nobody is here to ask; --yes says that it is meant\n")
    rebuilt = spoilt.run("rebuild", "timeline", "--yes")
    assert (rebuilt.returncode, rebuilt.stderr) == (0, "")
    assert "answers 503 `rebuilding`" in rebuilt.stdout
    assert re.search(r"timeline is rebuilt: \d+ records folded", rebuilt.stdout)
    assert generation(spoilt, "timeline") != schema
    assert ready(spoilt.timeline)
    settle(spoilt)
    assert spoilt.run("verify", "timeline").returncode == 0


@pytest.mark.asyncio
async def test_a_parked_key_is_listed_with_what_it_holds(spoilt: System) -> None:
    await append(spoilt, b"bad \x1b[31m key", b'{"not":"an event"}', b"\xffnor this")
    settle(spoilt)
    done = spoilt.run("parked", "list")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b[31m" not in done.stdout
    lines = [line.split() for line in done.stdout.splitlines() if " undecodable: " in line]
    assert [line[0] for line in lines] == [*SERVICES]
    assert all("2" in line for line in lines)
    place = next(word for word in lines[0] if word.startswith("interactions/"))
    shown = spoilt.run("parked", "show", "timeline", place)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert '{"not":"an event"}' in shown.stdout
    assert "\\xffnor this" in shown.stdout
    assert shown.stdout.count("  code    ") == 2
    missing = spoilt.run("parked", "show", "timeline", "interactions/0/999")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "timeline holds nothing back at interactions/0/999" in missing.stderr
    status = json.loads(spoilt.run("status", "--json").stdout)
    assert [service["parked_keys"] for service in status["services"]] == [1] * len(SERVICES)
    assert spoilt.run("verify", "timeline").returncode == 0
    assert "not an event: interactions/" in spoilt.run("tail").stdout


def test_a_stopped_system_is_told_from_a_running_one(spoilt: System) -> None:
    assert spoilt.stop() == 0
    done = spoilt.run("import", "pyproject.toml")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"rapport: nothing runs in {spoilt.data}; start it with `rapport up`, "
        "or set RAPPORT_DATA to the folder of what runs\n"
    )
