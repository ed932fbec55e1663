"""F03 of decisions and claims: contacts dies between append and answer, and the retry tells what became of it."""

from typing import Any, NamedTuple

import httpx
import pytest

from libs.events.log import EventLog
from tests.faults import invariants
from tests.faults.invariants import contents
from tests.faults.logs import on_each_log_slowly
from tests.faults.processes import ServiceProcess
from tests.faults.stage import Stage

KILLED = -9
FAILPOINT = "command.after_append=1"
ANSWERS = ("etag", "location", "rapport-position")
EFFECTIVE = "SELECT count(*) FROM claims WHERE verdict = 'effective'"
APPLIED = "SELECT count(*) FROM verdicts WHERE outcome = 'applied'"
REPEATED = "SELECT count(*) FROM duplicates"


class Asked(NamedTuple):
    """One request of a round; `status` is its answer's, `claims` whether the judge rules on it."""

    method: str
    path: str
    body: Any
    status: int
    claims: bool = True


def round_of(number: int, merge: str) -> list[Asked]:
    """Two people come, are changed, linked, merged, parted and lose a name: seven commands."""
    first, second = f"crm:{number}", f"email:c{number}@example.org"
    return [
        Asked("POST", "/v1/contacts", {"identifiers": [first], "traits": {"name": "Ada"}}, 201),
        Asked("POST", "/v1/contacts", {"identifiers": [second]}, 201),
        Asked("PATCH", f"/v1/contacts/{first}", {"traits": {"country": "GB"}}, 200, claims=False),
        Asked("POST", f"/v1/contacts/{first}/identifiers", {"identifier": f"tel:+4930{number:04}"}, 201),
        Asked("POST", "/v1/merges", {"members": [first, second], "reason": "asked"}, 201),
        Asked("DELETE", f"/v1/merges/{merge}", None, 204),
        Asked("DELETE", f"/v1/contacts/{first}/identifiers/tel:+4930{number:04}", None, 204),
    ]


async def send(client: httpx.AsyncClient, asked: Asked, key: str) -> httpx.Response:
    headers = {"idempotency-key": key, "if-match": "*"}
    return await client.request(asked.method, asked.path, json=asked.body, headers=headers)


async def is_answered_alike(client: httpx.AsyncClient, asked: Asked, key: str) -> httpx.Response:
    once, again = [await send(client, asked, key) for _ in range(2)]
    assert once.status_code == asked.status, once.text
    assert (again.status_code, again.content) == (once.status_code, once.content)
    assert [again.headers.get(name) for name in ANSWERS] == [once.headers.get(name) for name in ANSWERS]
    return once


async def dies_while_answering(process: ServiceProcess, client: httpx.AsyncClient, asked: Asked, key: str) -> None:
    with pytest.raises(httpx.TransportError):
        await send(client, asked, key)
    assert await process.ends() == KILLED
    process.start(RAPPORT_FAILPOINTS=FAILPOINT)
    await process.ready()


@pytest.mark.faults("F03", fault="die between append and answer of a decision or a claim", times="commands")
@pytest.mark.asyncio
@on_each_log_slowly
@pytest.mark.parametrize("commands", [7, pytest.param(203, marks=pytest.mark.slow)])
async def test_a_command_of_contacts_that_was_not_answered_has_one_effect_and_one_answer(
    stage: Stage, log: EventLog, commands: int
) -> None:
    process = stage.process("contacts")
    process.start(RAPPORT_FAILPOINTS=FAILPOINT)
    await process.ready()
    done: list[Asked] = []
    async with process.client() as client:
        for number in range(commands // 7):
            merge = ""
            for place in range(7):
                asked, key = round_of(number, merge)[place], f"command {number} {place}"
                await dies_while_answering(process, client, asked, key)
                answer = await is_answered_alike(client, asked, key)
                merge = answer.json()["id"] if asked.path == "/v1/merges" else merge
                done.append(asked)
    claims = sum(asked.claims for asked in done)
    assert await stage.rows("contacts", EFFECTIVE) == [(claims,)]
    assert await stage.rows("contacts", APPLIED) == [(len(done) - claims,)]
    assert await stage.rows("contacts", REPEATED) == [(0,)]
    await check(stage, log, "contacts")


@pytest.mark.faults("F03", fault="die between append and answer of an amendment", times="rounds")
@pytest.mark.asyncio
@on_each_log_slowly
@pytest.mark.parametrize("rounds", [2, pytest.param(50, marks=pytest.mark.slow)])
async def test_an_amendment_that_was_not_answered_has_one_effect_and_one_answer(
    stage: Stage, log: EventLog, rounds: int
) -> None:
    process = stage.process("interactions")
    process.start()
    await process.ready()
    async with process.client() as client:
        call = {"contact": "crm:1", "channel": "telephone", "direction": "inbound", "status": "opened"}
        path = f"/v1/interactions/{(await client.post('/v1/interactions', json=call)).json()['id']}"
        await process.stop()
        process.start(RAPPORT_FAILPOINTS=FAILPOINT)
        await process.ready()
        for n in range(rounds):
            asked = Asked("PATCH", path, {"changes": {"summary": f"{n}"}, "reason": "misheard"}, 200, claims=False)
            if n == rounds - 1:
                asked = Asked("POST", f"{path}/completion", {"resolution": "called back"}, 200, claims=False)
            await dies_while_answering(process, client, asked, f"amendment {n}")
            answer = await is_answered_alike(client, asked, f"amendment {n}")
            assert answer.json()["version"] == n + 2
            assert len(answer.json()["amendments"]) == n + 1
    assert await stage.rows("interactions", REPEATED) == [(0,)]
    await check(stage, log, "interactions")


async def check(stage: Stage, log: EventLog, service: str) -> None:
    await stage.folded(log, service)
    database = {service: stage.database_urls[service]}
    await invariants.i2_nothing_takes_effect_twice(database)
    await invariants.i5_sequences_have_no_gap_and_no_inversion(database, await contents(log))
    await invariants.i6_no_offset_is_skipped(database)
    await invariants.i8_live_is_rebuilt(database, log)
