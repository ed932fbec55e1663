"""F01, F03 and F13 on the reactor of scoring: however it dies, whatever comes again, each change is announced once."""

from collections.abc import Sequence
from random import Random
from typing import Any

import httpx
import pytest

from libs.events.log import EventLog
from libs.events.position import encode
from libs.events.topics import IDENTITY, INTERACTIONS, SCORING
from tests.faults.announcing import (
    PUBLISHED,
    TWO_HOURS_MS,
    Event,
    announced,
    check,
    classes_are_what_scores_say,
    complains,
    is_said_once,
    published,
    records_of,
    shopping,
    started,
    versions,
    written,
)
from tests.faults.deadlines import until
from tests.faults.logs import on_each_log, on_each_log_slowly
from tests.faults.processes import ServiceProcess
from tests.faults.ruled import claim, id_of, linked, merged, named, registered, unmerged
from tests.faults.stage import Stage, append_in_pieces, empty, settled

KILLED = -9
DIES_WITHIN_S = 20.0
NAMES = [f"crm:{n}" for n in range(30)]


def times(few: int, many: int) -> list[Any]:
    return [few, pytest.param(many, marks=pytest.mark.slow)]


@pytest.mark.faults("F03", fault="die between append and fold of announced classes", times="deaths")
@pytest.mark.asyncio
@on_each_log_slowly
@pytest.mark.parametrize("deaths", times(1, 20))
async def test_what_was_announced_and_not_folded_is_announced_once(stage: Stage, log: EventLog, deaths: int) -> None:
    process, random = stage.process("scoring"), Random(3)
    await shopping(log, NAMES, random)
    await started(process)
    await published(process, log)
    new = [[f"crm:new-{n}-{each}" for each in range(5)] for n in range(deaths)]
    for names in new:
        process.kill()
        before = len(await written(log))
        await started(process, RAPPORT_FAILPOINTS="reactor.after_append=1")
        await shopping(log, [*NAMES, *names], random)
        assert await process.ends(DIES_WITHIN_S) == KILLED
        assert len(await written(log)) > before, "it died after it had appended"
        await started(process)
        await settled(process.url, log)
    await is_said_once(stage, log)
    await check(stage, log, process, [*NAMES, *(name for names in new for name in names)])


@pytest.mark.faults("F13", fault="announcements and what caused them appended again")
@pytest.mark.asyncio
@on_each_log_slowly
async def test_what_comes_again_is_announced_no_second_time(stage: Stage, log: EventLog) -> None:
    (process,) = await stage.start("scoring")
    await shopping(log, NAMES, Random(13))
    await published(process, log)
    await shopping(log, NAMES, Random(14))
    await settled(process.url, log)
    before, said = await stage.digests("scoring"), await announced(stage, log)
    again = {topic: await records_of(log, topic) for topic in (INTERACTIONS.name, SCORING.name)}
    for topic, records in again.items():
        await append_in_pieces(log, records, topic=topic)
    await settled(process.url, log)
    await stage.folded(log, "scoring")
    assert await stage.digests("scoring") == before
    assert await announced(stage, log) == said
    assert len(await written(log)) == 2 * len(said)
    assert await stage.rows("scoring", "SELECT count(*) FROM duplicates") == [(sum(map(len, again.values())),)]
    await check(stage, log, process, NAMES)


@pytest.mark.faults("F13", fault="the reactor's consumer rewound to the beginning", times="rewinds")
@pytest.mark.asyncio
@on_each_log_slowly
@pytest.mark.parametrize("rewinds", times(1, 10))
async def test_folding_everything_again_announces_nothing(stage: Stage, log: EventLog, rewinds: int) -> None:
    process, random = stage.process("scoring"), Random(5)
    await started(process)
    await shopping(log, NAMES, random)
    await published(process, log)
    for _ in range(rewinds):
        await shopping(log, NAMES, random)
        await settled(process.url, log)
        before, ends = await stage.digests("scoring"), await log.ends([SCORING.name])
        process.kill()
        await empty(stage.database_urls["scoring"])
        await started(process)
        await settled(process.url, log)
        assert await log.ends([SCORING.name]) == ends
        assert await stage.digests("scoring") == before
    await is_said_once(stage, log)
    await check(stage, log, process, NAMES)


@pytest.mark.faults("F01", fault="kill -9 scoring while people buy", times="kills")
@pytest.mark.asyncio
@on_each_log_slowly
@pytest.mark.parametrize("kills", times(1, 20))
async def test_a_killed_reactor_leaves_nobody_in_a_wrong_class(stage: Stage, log: EventLog, kills: int) -> None:
    process, random = stage.process("scoring"), Random(1)
    await shopping(log, NAMES, random)
    await started(process)
    await published(process, log)
    for _ in range(kills):
        before = len(await written(log))

        async def buys_until_announced(before: int = before) -> bool:
            await shopping(log, random.sample(NAMES, 10), random)
            return len(await written(log)) > before

        await until(buys_until_announced, DIES_WITHIN_S, "scoring announces classes")
        process.kill()
        await shopping(log, random.sample(NAMES, 10), random)
        await started(process)
    await published(process, log)
    await announced(stage, log)
    await check(stage, log, process, NAMES)


ADA, BOB = id_of("ada"), id_of("bob")
BOTH = f"contact:{ADA}", f"contact:{BOB}"
SHARED = {"contact": named("crm:ada"), "identifier": named("crm:shared")}
JOINED = {
    "unlinked": (
        linked(id_of("link"), "crm:ada", "crm:shared"),
        "crm:shared",
        claim("identifier.unlinked", id_of("unlink"), "crm:ada", SHARED),
    ),
    "unmerged": (merged(id_of("merge"), *BOTH), "crm:bob", unmerged(id_of("unmerge"), id_of("merge"), *BOTH)),
}
"""What joins a name to Ada, which name that is, and what takes it from her again."""


@pytest.mark.faults("F02", fault="die when it is folded that somebody lost all that their class came from")
@pytest.mark.asyncio
@pytest.mark.parametrize("how", ["unlinked", pytest.param("unmerged", marks=pytest.mark.slow)])
async def test_a_class_that_nothing_speaks_for_is_taken_back_after_a_death(
    stage: Stage, log: EventLog, how: str
) -> None:
    """Ada's class comes from a name that is taken from her while nobody looks."""
    process = stage.process("scoring")
    await log.append(IDENTITY.name, [registered(ADA, "crm:ada"), registered(BOB, "crm:bob")])
    join, name, part = JOINED[how]
    await log.append(IDENTITY.name, [join])
    await log.append(INTERACTIONS.name, [complains(name, 5)])
    await started(process)
    await settled(process.url, log)
    assert await harmed(process) == [ADA]
    process.kill()
    process.start(RAPPORT_FAILPOINTS="fold.after_commit=1")
    await process.ready()
    await log.append(IDENTITY.name, [part])
    assert await process.ends(DIES_WITHIN_S) == KILLED
    await started(process)
    await settled(process.url, log)
    assert ADA not in await harmed(process)
    assert len(await harmed(process)) == 1
    last = {event["data"]["definition"]: event["data"].get("to") for event in await of_ada(stage, log)}
    assert last == {"harm": None, "health": None}
    await check(stage, log, process, ["crm:ada", "crm:bob"])


async def of_ada(stage: Stage, log: EventLog) -> list[Event]:
    return [event for event in await announced(stage, log) if event["source"].startswith(f"/scoring/classes/{ADA}/")]


async def harmed(process: ServiceProcess) -> list[str]:
    async with process.client() as client:
        listed = await client.get("/v1/scores", params={"definition": "harm"})
    return [each["contact"] for each in listed.json()["items"]]


@pytest.mark.faults("F27", fault="two reactors on one log", times=2)
@pytest.mark.slow
@pytest.mark.asyncio
@on_each_log
async def test_two_reactors_announce_and_publish_what_one_would(stage: Stage, log: EventLog, second_url: str) -> None:
    """Each folds into a database of its own: neither knows of the other but by the log."""
    (one,) = await stage.start("scoring")
    other = stage.process("scoring", second_url)
    await started(other)
    random = Random(27)
    await shopping(log, NAMES, random)
    assert await published(one, log, next_in_h=1, time="2026-01-01T00:00:00Z") == 1
    await until(lambda: versions(one, 2), DIES_WITHIN_S, "they are due, and one of both publishes them")
    for _ in range(5):
        await shopping(log, NAMES, random)
        for process in (one, other):
            await settled(process.url, log)
    assert await versions(one, 2)
    assert await versions(other, 2)
    for process in (one, other):
        await settled(process.url, log)
    await announced(stage, log)
    await check(stage, log, one, NAMES)
    bands = [await listed(process) for process in (one, other)]
    assert bands[0] == bands[1]


@pytest.mark.faults("F27", fault="statistics published while everybody is compared with others", times="rounds")
@pytest.mark.asyncio
@on_each_log_slowly
@pytest.mark.parametrize("rounds", times(1, 50))
async def test_everybody_is_compared_with_the_last_of_many_statistics(stage: Stage, log: EventLog, rounds: int) -> None:
    (process,) = await stage.start("scoring")
    random = Random(9)
    await shopping(log, NAMES, random)
    await published(process, log)
    async with process.client() as client:
        for _ in range(rounds):
            for _ in range(3):
                await shopping(log, random.sample(NAMES, 15), random)
                ends = encode(log.log_id, await log.ends([INTERACTIONS.name]))
                answer = await client.post("/v1/statistics", json={}, params={"min_position": ends})
                assert answer.status_code == 201, answer.text
            await settled(process.url, log)
            await classes_are_what_scores_say(stage, process, NAMES)
    await is_said_once(stage, log)
    await check(stage, log, process, NAMES)


async def listed(process: ServiceProcess) -> Sequence[tuple[str, str]]:
    async with process.client() as client:
        answer: httpx.Response = await client.get("/v1/scores", params={"limit": 500})
    return [(each["contact"], each["band"]) for each in answer.json()["items"]]


@pytest.mark.faults("F17", fault="statistics fall due while nobody runs")
@pytest.mark.slow
@pytest.mark.asyncio
@on_each_log
async def test_statistics_that_fell_due_in_the_meantime_are_published_once(stage: Stage, log: EventLog) -> None:
    process = stage.process("scoring")
    await shopping(log, NAMES, Random(17))
    await started(process)
    await published(process, log, next_in_h=1)
    for _ in range(2):
        process.kill()
        await started(process, RAPPORT_CLOCK_OFFSET_MS=TWO_HOURS_MS)
        await until(lambda: versions(process, 2), DIES_WITHIN_S, "they are due, and published")
        await settled(process.url, log)
    assert len(await written(log, PUBLISHED)) == 2
    await is_said_once(stage, log)
    await check(stage, log, process, NAMES)
