"""F27 and F29 on boards: equal votes at once are one, and no two names of a person spend what one of them has."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import httpx
import pytest

from libs.events.database import for_control, for_folds
from libs.events.digest import digests_of
from libs.events.folding import Folder
from libs.events.generations import Generations
from libs.events.ids import new_id
from libs.events.leases import Leases
from libs.events.log import EventLog
from libs.events.progress import Progress
from libs.events.steps import Step, steps_of
from libs.events.tests.projection_contract import in_turn
from libs.events.topics import IDENTITY
from tests.faults import invariants
from tests.faults.board import Board, Spent, applied_in, votes_in
from tests.faults.events import partitions_of, projection
from tests.faults.invariants import contents
from tests.faults.logs import on_each_log_slowly
from tests.faults.refold import Digests
from tests.faults.ruled import id_of, node_of, registered
from tests.faults.stage import Stage, folded
from tests.faults.test_crowds import busy

VOTES = 100
VOTERS = 8
BUDGET, CAP, IDEAS = 12, 5, 4
ANSWERED_WITHIN_S = 60.0
NAMES = "crm:1", "email:ada@example.org"
APPLIED = "SELECT command FROM verdicts WHERE outcome = 'applied' AND topic = 'feedback' ORDER BY partition, \"offset\""
STANDINGS = "SELECT person::text, root::text, credits FROM standings"
TALLIES = "SELECT idea::text, people, credits FROM tallies WHERE people > 0"


async def asked(client: httpx.AsyncClient, method: str, path: str, key: str, body: object = None) -> httpx.Response:
    """Until the answer is known, as clients are told to do."""
    more: dict[str, Any] = {} if body is None else {"json": body}
    async with asyncio.timeout(ANSWERED_WITHIN_S):
        while True:
            answer = await client.request(method, path, headers={"idempotency-key": key}, **more)
            if answer.status_code not in {202, 429, 503}:
                return answer


async def made(client: httpx.AsyncClient, path: str, body: object) -> str:
    answer = await asked(client, "POST", path, path, body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def ideas_on(client: httpx.AsyncClient, count: int, **board: object) -> list[str]:
    """On a board of their own."""
    opened = await made(client, "/v1/boards", {"title": "Our shop", **board})
    idea = {"board": opened, "contact": "crm:author", "touchpoint": "store"}
    answers = [
        await asked(client, "POST", "/v1/ideas", f"{n}", idea | {"title": f"Idea {n}"}) for n in range(count)
    ]  # fmt: skip
    return [answer.json()["id"] for answer in answers]


async def votes(client: httpx.AsyncClient, idea: str, number: int) -> httpx.Response:
    """By one of the names of one person; every client has its own key."""
    return await asked(client, "POST", "/v1/votes", f"voter {number}", {"idea": idea, "voter": NAMES[number // 2 % 2]})


async def check(stage: Stage, log: EventLog) -> None:
    services = ("feedback", "timeline")
    urls = {name: stage.database_urls[name] for name in services}
    await stage.folded(log, *services)
    await invariants.i2_nothing_takes_effect_twice(urls)
    await invariants.i5_sequences_have_no_gap_and_no_inversion(urls, await contents(log))
    await invariants.i8_live_is_rebuilt(urls, log)


@pytest.mark.faults("F27", fault="100 equal votes at once, by two names of a person", times=VOTES)
@on_each_log_slowly
@pytest.mark.asyncio
async def test_equal_votes_at_once_are_one(stage: Stage, log: EventLog) -> None:
    feedback, _ = await stage.start("feedback", "timeline")
    await log.append(IDENTITY.name, [registered(id_of("ada"), *NAMES)])
    await stage.folded(log, "feedback", "timeline")
    async with busy(feedback) as client:
        (idea,) = await ideas_on(client, 1)
        answers = await asyncio.gather(*(votes(client, idea, n) for n in range(VOTES)))
        assert Counter(answer.status_code for answer in answers) == {201: 1, 200: VOTES - 1}
        assert {answer.json()["voter"] for answer in answers} == {id_of("ada")}
        tally = (await client.get(f"/v1/ideas/{idea}/tally")).json()["tally"]
    assert (tally["people"], tally["up"], tally["unregistered"]) == (1, 1, 0)
    await check(stage, log)
    written = await contents(log)
    assert len(applied_in(written, await applied(stage))) == 1
    assert len(votes_in(written)) <= len(NAMES), "of each name's votes one may be on its way"


@pytest.mark.faults("F27", fault="100 equal votes by one name", times=VOTES)
@pytest.mark.slow
@pytest.mark.asyncio
async def test_equal_votes_of_one_name_are_one_event(stage: Stage, log: EventLog) -> None:
    feedback, _ = await stage.start("feedback", "timeline")
    async with busy(feedback) as client:
        (idea,) = await ideas_on(client, 1)
        answers = await asyncio.gather(*(votes(client, idea, 4 * n) for n in range(VOTES)))
        assert Counter(answer.status_code for answer in answers) == {201: 1, 200: VOTES - 1}
    await check(stage, log)
    assert len(votes_in(await contents(log))) == 1


@pytest.mark.faults("F27", fault="100 equal votes in two processes on one log", times=VOTES)
@on_each_log_slowly
@pytest.mark.asyncio
async def test_equal_votes_in_two_processes_are_one(stage: Stage, log: EventLog, second_url: str) -> None:
    """Each folds into a database of its own: neither knows of the other but by the log."""
    one, _ = await stage.start("feedback", "timeline")
    other = stage.process("feedback", second_url)
    other.start()
    await other.ready()
    await log.append(IDENTITY.name, [registered(id_of("ada"), *NAMES)])
    async with busy(one) as here, busy(other) as there:
        (idea,) = await ideas_on(here, 1)
        for url in (stage.database_urls["feedback"], second_url):
            await folded(url, log, "feedback")
        answers = await asyncio.gather(*(votes((here, there)[n % 2], idea, n) for n in range(VOTES)))
        assert Counter(answer.status_code for answer in answers) == {201: 1, 200: VOTES - 1}
        await check(stage, log)
        await folded(second_url, log, "feedback")
        tallies = [(await client.get(f"/v1/ideas/{idea}/tally")).json()["tally"] for client in (here, there)]
    assert tallies[0] == tallies[1]
    assert tallies[0]["people"] == 1
    assert len(applied_in(await contents(log), await applied(stage))) == 1


@pytest.mark.faults("F27", fault="ideas merged into each other in two processes", times=10)
@pytest.mark.slow
@pytest.mark.asyncio
async def test_merges_in_two_processes_close_no_circle(stage: Stage, log: EventLog, second_url: str) -> None:
    one, _ = await stage.start("feedback", "timeline")
    other = stage.process("feedback", second_url)
    other.start()
    await other.ready()
    async with busy(one) as here, busy(other) as there:
        ideas = await ideas_on(here, 20)
        for url in (stage.database_urls["feedback"], second_url):
            await folded(url, log, "feedback")
        for a, b in zip(ideas[::2], ideas[1::2], strict=True):
            answers = await asyncio.gather(merges(here, a, b), merges(there, b, a))
            assert sorted(answer.status_code for answer in answers) == [201, 409]
            (lost,) = (answer.json() for answer in answers if answer.status_code == 409)
            assert lost["code"] == "merge_in_a_circle"
        await check(stage, log)
    groups = Counter(root for (root,) in await stage.rows("feedback", "SELECT root::text FROM tallies"))
    assert sorted(groups.values()) == [2] * 10


async def merges(client: httpx.AsyncClient, idea: str, into: str) -> httpx.Response:
    body = {"into": into, "reason": "the same"}
    return await asked(client, "POST", f"/v1/ideas/{idea}/merge", "the only one", body)


async def applied(stage: Stage) -> Sequence[str]:
    return [row["command"] for row in await stage.rows("feedback", APPLIED)]


class Voter:
    """Spends credits here and there by two names, and takes them back, as chance will have it."""

    def __init__(self, number: int, ideas: Sequence[str]) -> None:
        self.random, self.ideas = Random(number), ideas
        self.id = id_of(f"voter {number}")
        self.names = f"crm:v{number}", f"email:v{number}@example.org"

    async def ballots(self, client: httpx.AsyncClient, count: int) -> Counter[str]:
        """Two at a time; how they were answered."""
        told: Counter[str] = Counter()
        for n in range(0, count, 2):
            answers = await asyncio.gather(*(self.ballot(client, name, f"{n} {name}") for name in self.names))
            for answer in answers:
                code = answer.json()["code"] if answer.status_code >= 400 else f"{answer.status_code}"
                told[code] += 1
        return told

    async def ballot(self, client: httpx.AsyncClient, name: str, key: str) -> httpx.Response:
        idea = self.random.choice(self.ideas)
        if self.random.random() < 0.25:
            return await asked(client, "DELETE", f"/v1/votes/{idea}/{name}", key)
        body = {"idea": idea, "voter": name, "credits": self.random.randint(1, CAP)}
        return await asked(client, "POST", "/v1/votes", key, body)


@pytest.mark.faults("F29", fault="8 voters, many ballots each, two at a time", times=VOTERS)
@pytest.mark.parametrize("ballots", [24, pytest.param(200, marks=pytest.mark.slow)])
@on_each_log_slowly
@pytest.mark.asyncio
async def test_no_budget_is_spent_twice_and_all_is_as_in_a_sequential_run(
    stage: Stage, log: EventLog, ballots: int
) -> None:
    feedback, _ = await stage.start("feedback", "timeline")
    async with busy(feedback) as client:
        ideas = await ideas_on(client, IDEAS, ballot={"kind": "credits", "budget": BUDGET, "cap": CAP})
        voters = [Voter(number, ideas) for number in range(VOTERS)]
        await log.append(IDENTITY.name, [registered(voter.id, *voter.names) for voter in voters])
        await stage.folded(log, "feedback", "timeline")
        told = await asyncio.gather(*(voter.ballots(client, ballots) for voter in voters))
    codes = sum(told, Counter[str]())
    assert codes.keys() <= {"200", "201", "204", "over_budget", "vote_unknown"}, codes
    assert sum(codes.values()) == VOTERS * ballots
    assert codes["over_budget"], "nobody ever met the budget: the test tests nothing"
    await check(stage, log)
    await equals_a_sequential_run(stage, log, voters)
    assert await digests_one_by_one(stage.database_urls["feedback"], log) == await stage.digests("feedback")


async def equals_a_sequential_run(stage: Stage, log: EventLog, voters: Sequence[Voter]) -> None:
    board = Board(whose(voters), budget=BUDGET, cap=CAP)
    for event in applied_in(await contents(log), await applied(stage)):
        board.take(event)
    assert board.credits
    assert {Spent(*row) for row in await stage.rows("feedback", STANDINGS)} == board.standings
    assert {idea: (people, spent) for idea, people, spent in await stage.rows("feedback", TALLIES)} == board.tallies


def whose(voters: Sequence[Voter]) -> Mapping[str, str]:
    return {node_of(name): voter.id for voter in voters for name in voter.names}


async def digests_one_by_one(url: str, log: EventLog) -> Digests:
    """Of a fresh generation that takes one event at a time, partitions in any order."""
    control, folds, partitions = for_control(url), projection("feedback"), partitions_of("feedback")
    generations = Generations(control, folds)
    scratch = await generations.make_scratch(log.log_id, partitions)
    engine = for_folds(url, scratch.schema)
    folder = Folder(folds, engine, log, Progress(), limited=lambda: False)
    await folder.begin(await Leases(control, scratch.schema, "one by one", new_id()).take(partitions))
    try:
        for step in in_turn(await every_step(log), Random(29)):
            await folder.fold([step])
        async with control.connect() as connection:
            return await digests_of(connection, folds, scratch.schema)
    finally:
        await engine.dispose()
        await generations.drop(scratch)
        await control.dispose()


async def every_step(log: EventLog) -> list[Step]:
    positions, steps = dict.fromkeys(partitions_of("feedback"), 0), list[Step]()
    while slices := await log.read(positions, max_records=5_000, max_bytes=8 << 20):
        read, _ = steps_of(slices, positions)
        steps += read
    return steps
