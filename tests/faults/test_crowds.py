"""F27 and F28: many ask for the same thing at once; one wins each place, and everybody else is told why not."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import httpx
import msgspec
import pytest

from libs.events.log import EventLog, Record
from libs.events.topics import CONTACTS, IDENTITY
from tests.faults import invariants
from tests.faults.events import SERVICES
from tests.faults.invariants import contents
from tests.faults.processes import ServiceProcess
from tests.faults.ruled import id_of, registered, traits_changed
from tests.faults.stage import Stage, folded

WRITERS = 50
REGISTRATIONS = 100
ANSWERED_WITHIN_S = 60.0
CONTACT = id_of("the contact")
APPLIED = "SELECT command FROM verdicts WHERE outcome = 'applied' ORDER BY sequence"


def busy(process: ServiceProcess) -> httpx.AsyncClient:
    """Many connections, and patience for a queue."""
    return httpx.AsyncClient(base_url=process.url, trust_env=False, verify=False, timeout=ANSWERED_WITHIN_S)


async def change(client: httpx.AsyncClient, number: int, if_match: str) -> httpx.Response:
    """Asked until it is known, as clients are told to do."""
    headers = {"if-match": if_match, "idempotency-key": f"writer {number}"}
    body = {"traits": {"note": f"of writer {number}", f"by_{number}": True}}
    async with asyncio.timeout(ANSWERED_WITHIN_S):
        while True:
            answer = await client.patch(f"/v1/contacts/{CONTACT}", json=body, headers=headers)
            if answer.status_code not in {202, 429, 503}:
                return answer


async def registered_contact(client: httpx.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(f"/v1/contacts/{CONTACT}")).json()
    return found


def explained(answers: Sequence[httpx.Response]) -> Counter[int]:
    """How they were answered; each refusal by its name."""
    for answer in answers:
        code = answer.json().get("code")
        assert (answer.status_code, code) in {(200, None), (409, "superseded"), (412, "precondition_failed")}, code
    return Counter(answer.status_code for answer in answers)


async def check(stage: Stage, log: EventLog) -> None:
    await stage.folded(log)
    await invariants.i2_nothing_takes_effect_twice(stage.database_urls)
    await invariants.i5_sequences_have_no_gap_and_no_inversion(stage.database_urls, await contents(log))
    await invariants.i8_live_is_rebuilt(stage.database_urls, log)


@pytest.mark.faults("F27", fault="50 writers on the traits of one contact", times=WRITERS)
@pytest.mark.asyncio
async def test_writers_who_overwrite_all_take_effect_once(stage: Stage, log: EventLog) -> None:
    contacts, *_ = await stage.start(*SERVICES)
    await log.append(IDENTITY.name, [registered(CONTACT, "crm:1")])
    await stage.folded(log)
    async with busy(contacts) as client:
        answers = await asyncio.gather(*(change(client, n, "*") for n in range(WRITERS)))
        counts = explained(answers)
        assert counts[200] == WRITERS
        assert len({answer.headers["etag"] for answer in answers}) == WRITERS
        shown = await registered_contact(client)
    await check(stage, log)
    assert {f"by_{n}" for n in range(WRITERS)} < set(shown["traits"])
    assert len(await stage.rows("contacts", APPLIED)) == WRITERS


@pytest.mark.faults("F27", fault="50 writers who saw the same state", times=WRITERS)
@pytest.mark.asyncio
async def test_of_writers_who_saw_the_same_state_one_wins(stage: Stage, log: EventLog) -> None:
    contacts, *_ = await stage.start(*SERVICES)
    await log.append(IDENTITY.name, [registered(CONTACT, "crm:1")])
    await stage.folded(log)
    async with busy(contacts) as client:
        seen = (await client.get(f"/v1/contacts/{CONTACT}")).headers["etag"]
        answers = await asyncio.gather(*(change(client, n, seen) for n in range(WRITERS)))
        assert explained(answers) == {200: 1, 412: WRITERS - 1}
        (winner,) = [answer.json() for answer in answers if answer.status_code == 200]
        assert await registered_contact(client) == winner
    await check(stage, log)
    assert len(await stage.rows("contacts", APPLIED)) == 1


@pytest.mark.faults("F27", fault="50 writers in two processes on one log", times=WRITERS)
@pytest.mark.asyncio
async def test_writers_in_two_processes_are_told_apart_by_the_log(stage: Stage, log: EventLog, second_url: str) -> None:
    """Each process folds into a database of its own: neither knows of the other but by the log."""
    one, *_ = await stage.start(*SERVICES)
    other = stage.process("contacts", second_url)
    other.start()
    await other.ready()
    await log.append(IDENTITY.name, [registered(CONTACT, "crm:1")])
    for url in (stage.database_urls["contacts"], second_url):
        await folded(url, log, "contacts")
    async with busy(one) as here, busy(other) as there:
        answers = await asyncio.gather(*(change((here, there)[n % 2], n, "*") for n in range(WRITERS)))
        counts = explained(answers)
        await check(stage, log)
        await folded(second_url, log, "contacts")
        both = [await registered_contact(client) for client in (here, there)]
    assert both[0] == both[1]
    applied = await stage.rows("contacts", APPLIED)
    assert len(applied) == counts[200] >= WRITERS // 2
    for n, answer in enumerate(answers):
        assert (f"by_{n}" in both[0]["traits"]) is (answer.status_code == 200)


@pytest.mark.faults("F27", fault="50 decisions of one sequence in the log", times=WRITERS)
@pytest.mark.asyncio
async def test_of_decisions_of_one_sequence_the_first_in_the_log_wins(stage: Stage, log: EventLog) -> None:
    await stage.start("contacts", "timeline")
    await log.append(IDENTITY.name, [registered(CONTACT, "crm:1")])

    async def write(sequence: int, number: int) -> None:
        record: Record = traits_changed(CONTACT, sequence, id_of(f"{sequence} of {number}"))
        await log.append(CONTACTS.name, [record])

    for sequence in (1, 2):
        await asyncio.gather(*(write(sequence, n) for n in range(WRITERS)))
    await stage.folded(log, "contacts", "timeline")
    written = [msgspec.json.decode(value) for values in (await contents(log)).values() for value in values]
    decisions = [event for event in written if "sequence" in event]
    firsts = {event["sequence"]: event["id"] for event in reversed(decisions)}
    for service in ("contacts", "timeline"):
        assert [row["command"] for row in await stage.rows(service, APPLIED)] == [firsts[n] for n in sorted(firsts)]
        lost = await stage.rows(service, "SELECT count(*) FROM verdicts WHERE outcome = 'superseded'")
        assert lost == [(2 * WRITERS - 2,)]
    databases = {name: stage.database_urls[name] for name in ("contacts", "timeline")}
    await invariants.i8_live_is_rebuilt(databases, log)


async def registers(client: httpx.AsyncClient, number: int, *names: str) -> httpx.Response:
    body = {"identifiers": list(names), "traits": {"name": f"Ada {number}"}}
    async with asyncio.timeout(ANSWERED_WITHIN_S):
        while True:
            headers = {"idempotency-key": f"registration {number}"}
            answer = await client.post("/v1/contacts", json=body, headers=headers)
            if answer.status_code not in {202, 429, 503}:
                return answer


@pytest.mark.faults("F28", fault="100 registrations of the same names at once", times=REGISTRATIONS)
@pytest.mark.slow
@pytest.mark.asyncio
async def test_the_same_registration_a_hundred_times_makes_one_contact(stage: Stage, log: EventLog) -> None:
    contacts, *_ = await stage.start(*SERVICES)
    names = "crm:1", "email:ada@example.org"
    async with busy(contacts) as client:
        answers = await asyncio.gather(*(registers(client, n, *names) for n in range(REGISTRATIONS)))
        assert Counter(answer.status_code for answer in answers) == {201: 1, 200: REGISTRATIONS - 1}
        assert len({answer.text for answer in answers}) == 1
        listed = (await client.get("/v1/contacts")).json()["items"]
        conflicts = (await client.get("/v1/conflicts")).json()["items"]
    assert (listed, conflicts) == ([answers[0].json()], [])
    await check(stage, log)
    assert await stage.rows("timeline", "SELECT count(*) FROM registrations") == [(1,)]


@pytest.mark.faults("F28", fault="100 contacts with one e-mail at once", times=REGISTRATIONS)
@pytest.mark.slow
@pytest.mark.asyncio
async def test_of_a_hundred_who_claim_one_e_mail_one_has_it_and_the_others_are_listed(
    stage: Stage, log: EventLog
) -> None:
    contacts, *_ = await stage.start(*SERVICES)
    email = "email:ada@example.org"
    async with busy(contacts) as client:
        answers = await asyncio.gather(*(registers(client, n, f"crm:{n}", email) for n in range(REGISTRATIONS)))
        assert Counter(answer.status_code for answer in answers) == {201: 1, 409: REGISTRATIONS - 1}
        (winner,) = [answer.json() for answer in answers if answer.status_code == 201]
        refused = [answer.json() for answer in answers if answer.status_code == 409]
        assert {problem["code"] for problem in refused} == {"identifier_claimed"}
        listed = (await client.get("/v1/conflicts?status=open&limit=500")).json()["items"]
        assert {problem["conflict"] for problem in refused} == {conflict["id"] for conflict in listed}
        assert {each["holder"] for conflict in listed for each in conflict["identifiers"]} == {winner["id"]}
        lookup = await client.post("/v1/lookup", json={"identifier": email})
        assert lookup.json() == {"id": winner["id"]}
        assert [item["id"] for item in (await client.get("/v1/contacts?registered=true")).json()["items"]] == [
            winner["id"]
        ]
    await check(stage, log)
