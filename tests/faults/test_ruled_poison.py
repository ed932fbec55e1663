"""F18 on what Rapport rules on: in `identity` the judge answers and nothing stops; elsewhere keys are parked."""

from collections import Counter
from typing import Any

import httpx
import msgspec
import pytest

from libs.events.log import EVENT_HEADERS, REQUEST_HEADER, EventLog, Record
from libs.events.topics import CONTACTS, IDENTITY
from tests.faults import invariants
from tests.faults.events import SERVICES, purchase, record_of
from tests.faults.golden import corpus
from tests.faults.invariants import contents
from tests.faults.logs import on_each_log_slowly
from tests.faults.poison import DEEP, FOREIGN
from tests.faults.ruled import (
    IDENTITY_KEY,
    claim,
    id_of,
    linked,
    merged,
    named,
    node_of,
    registered,
    traits_changed,
    unmerged,
)
from tests.faults.stage import Stage

CONTACT = id_of("the contact")
OF_SCORING = "rapport.scoring.class.changed.v1", "rapport.scoring.statistics.published.v1"
VERDICTS = 'SELECT verdict, reason FROM claims WHERE "offset" > 1 ORDER BY "offset"'


def registration(**changes: object) -> Record:
    """One that is wrong in its data."""
    id_ = id_of(f"registration {changes}")
    data = {"contact": id_, "kind": "person", "identifiers": [named(f"crm:{id_}")]}
    return claim("contact.registered", id_, f"contact:{id_}", data | changes)


def unreadable() -> list[Record]:
    """What no judge can read, but for one of the foreign records: that is an observation."""
    good = registered(id_of("good"), "crm:good").value
    return [
        *FOREIGN,
        *(Record(IDENTITY_KEY, value) for value in (b"\xff\xfe no JSON", b"", b"[]", b"{}", b"null")),
        Record(IDENTITY_KEY, good.replace(b'"data":{', b'"data":{"evidence":' + DEEP + b",")),
        Record(IDENTITY_KEY, good.replace(b'"crm:good"', b'"crm:\xff"')),
        Record(IDENTITY_KEY, good.replace(b'"crm:good"', b'"crm:\\ud800"')),
        registration(kind="robot"),
        registration(identifiers="crm:1"),
        registration(identifiers=[{"name": "crm:1", "node": "no uuid"}]),
        registration(contact="no uuid"),
        claim("contact.registered", id_of("timed"), "crm:1", {}, time="yesterday"),
        claim("contact.registered", id_of("numbered"), "crm:1", {}, id=7),
    ]


def nonsense() -> list[Record]:
    """What the judge reads and does not believe; nobody who may write here would write it."""
    id_ = id_of("nonsense")
    return [
        record_of(purchase("crm:1", "an observation")),
        claim("contact.vanished", id_of("vanished"), "crm:1", {}),
        traits_changed(CONTACT, 1, id_of("a decision")),
        *(Record(IDENTITY_KEY, msgspec.json.encode(corpus()[type_])) for type_ in OF_SCORING),
        registered("no-uuid", "crm:2"),
        registered(id_.upper(), "crm:2"),
        registration(contact=id_of("another")),
        registration(identifiers=[]),
        registration(identifiers=[{"name": "no identifier", "node": node_of("crm:2")}]),
        registration(identifiers=[{"name": "crm:\x00", "node": node_of("crm:2")}]),
        registration(identifiers=[named(f"contact:{CONTACT}")]),
        registration(traits={"name": "\x00"}, identifiers=[named("crm:of-nul")]),
        registration(traits={"\x00": "name"}, identifiers=[named("crm:nul-in-field")]),
        merged(id_of("a merge"), "crm:1"),
        merged(id_of("merge with itself"), "crm:1", "crm:1"),
        unmerged(id_of("unmerge"), id_of("no merge"), "crm:1", "crm:2"),
        linked(id_of("a link"), "crm:1", "crm:1"),
        claim("identifier.unlinked", id_of("unlink"), "crm:1", {"contact": named("crm:1"), "identifier": named("x:1")}),
        claim("conflict.resolved", id_of("resolve"), "crm:1", {
            "conflict": id_of("no conflict"), "holder": named("crm:1"), "reason": "none",
        }),
        Record(IDENTITY_KEY, registered(id_of("odd header"), "crm:odd").value, (
            *EVENT_HEADERS, (REQUEST_HEADER, b"\x00\xff"),
        )),
    ]  # fmt: skip


async def registers(client: httpx.AsyncClient, *names: str) -> dict[str, Any]:
    answer = await client.post("/v1/contacts", json={"identifiers": names})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.faults("F18", fault="poison on identity: the judge answers", times=len(unreadable()) + len(nonsense()))
@pytest.mark.asyncio
@on_each_log_slowly
@pytest.mark.parametrize("together", [True, False])
async def test_the_judge_calls_poison_invalid_and_nothing_stops(stage: Stage, log: EventLog, *, together: bool) -> None:
    processes = await stage.start(*SERVICES)
    await log.append(IDENTITY.name, [registered(CONTACT, "crm:1")])
    bad = [*unreadable(), *nonsense()]
    async with processes[0].client() as client:
        for piece in [bad] if together else [[each] for each in bad]:
            await log.append(IDENTITY.name, piece)
        later = await registers(client, "crm:later", "email:later@example.org")
        await stage.folded(log)
        for process in processes:
            assert await process.checks() == {}
            verdicts = await stage.rows(process.service, VERDICTS)
            reasons = Counter(row["reason"] for row in verdicts if row["verdict"] == "invalid")
            assert reasons["undecodable"] >= len(unreadable()) - 1, reasons
            assert await stage.rows(process.service, "SELECT count(*) FROM parked_records") == [(0,)]
            known = await stage.rows(
                process.service, "SELECT DISTINCT component::text FROM members WHERE until IS NULL"
            )
            assert {row["component"] for row in known} >= {CONTACT, later["id"]}
    await invariants.i6_no_offset_is_skipped(stage.database_urls)
    await invariants.i8_live_is_rebuilt(stage.database_urls, log)


def misdecided() -> list[tuple[str, Record]]:
    """Decisions that were never made, each under a key of its own; and a good one behind each."""
    told = []
    for n, sequence in enumerate(["", "the next", "-1", "1.0", "9" * 21, "٣"]):
        contact = id_of(f"misdecided {n}")
        told += [(contact, traits_changed(contact, sequence, id_of(f"bad {n}")))]
        told += [(contact, traits_changed(contact, 1, id_of(f"behind {n}")))]
    return told


@pytest.mark.faults("F18", fault="poison among decisions", times=len(misdecided()) // 2 + len(FOREIGN))
@pytest.mark.asyncio
@on_each_log_slowly
async def test_poison_among_decisions_is_parked_with_its_key_and_others_are_decided(
    stage: Stage, log: EventLog
) -> None:
    contacts, timeline = await stage.start("contacts", "timeline")
    keys = {key for key, _ in misdecided()}
    await log.append(IDENTITY.name, [registered(key, f"crm:{key}") for key in sorted(keys)])
    await log.append(CONTACTS.name, [record for _, record in misdecided()] + FOREIGN)
    async with contacts.client() as client:
        sound = await registers(client, "crm:sound")
        any_ = {"if-match": "*"}
        answer = await client.patch(f"/v1/contacts/{sound['id']}", json={"traits": {"note": 1}}, headers=any_)
        assert (answer.status_code, answer.json()["traits"]) == (200, {"note": 1})
        await stage.folded(log, "contacts", "timeline")
        for key in keys:
            answer = await client.patch(f"/v1/contacts/{key}", json={"traits": {"note": 1}}, headers=any_)
            assert (answer.status_code, answer.json()["code"]) == (409, "parked")
    for process in (contacts, timeline):
        assert await process.checks() == {}
        parked = await stage.rows(process.service, "SELECT key FROM parked_keys")
        assert {row["key"] for row in parked} >= keys
        assert await stage.rows(process.service, "SELECT count(*) FROM parked_records") == [(2 * len(keys) + 4,)]
    databases = {name: stage.database_urls[name] for name in ("contacts", "timeline")}
    await invariants.i5_sequences_have_no_gap_and_no_inversion(databases, await contents(log))
    await invariants.i6_no_offset_is_skipped(databases)
    await invariants.i8_live_is_rebuilt(databases, log)


@pytest.mark.faults("F18", fault="decisions of one aggregate under two keys, in two topics", times=2)
@pytest.mark.asyncio
@on_each_log_slowly
async def test_a_decision_that_stands_where_its_aggregate_does_not_moves_nothing(stage: Stage, log: EventLog) -> None:
    """All records of one scope carry one key for ever: else the order of partitions would rule."""
    await stage.start("contacts", "timeline")
    await log.append(IDENTITY.name, [registered(CONTACT, "crm:1")])
    strange = traits_changed(CONTACT, 1, id_of("strange"))
    await log.append(CONTACTS.name, [Record(id_of(f"elsewhere {n}").encode(), strange.value) for n in range(4)])
    await log.append("interactions", [strange])
    await log.append(CONTACTS.name, [traits_changed(CONTACT, n, id_of(f"change {n}")) for n in (1, 2)])
    await stage.folded(log, "contacts", "timeline")
    for service in ("contacts", "timeline"):
        parked = await stage.rows(service, "SELECT DISTINCT code FROM parked_records")
        assert [row["code"] for row in parked] == ["misplaced"]
        applied = await stage.rows(service, "SELECT command FROM verdicts WHERE outcome = 'applied' ORDER BY sequence")
        assert [row["command"] for row in applied] == [id_of("change 1"), id_of("change 2")]
    databases = {name: stage.database_urls[name] for name in ("contacts", "timeline")}
    await invariants.i8_live_is_rebuilt(databases, log)
