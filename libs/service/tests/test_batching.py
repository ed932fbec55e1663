"""Questions that come while a query runs share the next one; every asker gets its own answer."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy.exc import SQLAlchemyError

from libs.service.batching import AT_ONCE, MAX_TOGETHER, Batcher

pytestmark = pytest.mark.asyncio

DEADLINE_S = 5


class Desk:
    """Answers when it is let; keeps what it was asked together."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.asked: list[tuple[str, list[int]]] = []
        self.queries = asyncio.Semaphore(0)  # released for each query that has begun

    async def run(self, shape: str, questions: Sequence[int]) -> list[int]:
        self.asked.append((shape, list(questions)))
        self.queries.release()
        await self.open.wait()
        if 13 in questions:
            raise SQLAlchemyError("no answer")
        return [question * 2 for question in questions]


async def answers(desk: Desk, questions: Sequence[tuple[str, int]]) -> list[int | BaseException]:
    batcher = Batcher(desk.run)
    asking = [asyncio.create_task(batcher.ask(*question)) for question in questions]
    for _ in range(min(AT_ONCE, len(questions))):
        await desk.queries.acquire()
    desk.open.set()
    async with asyncio.timeout(DEADLINE_S):
        return await asyncio.gather(*asking, return_exceptions=True)


async def test_each_gets_its_own_answer() -> None:
    questions = [("a", n) for n in range(100) if n != 13]
    assert await answers(Desk(), questions) == [n * 2 for _, n in questions]


async def test_only_questions_of_one_shape_share_a_query_and_never_too_many() -> None:
    desk = Desk()
    await answers(desk, [("ab"[n % 2], 100 + n) for n in range(150)])
    assert all({n % 2 for n in questions} == {"ab".index(shape)} for shape, questions in desk.asked)
    assert max(len(questions) for _, questions in desk.asked) <= MAX_TOGETHER
    assert len(desk.asked) < 20


async def test_a_query_that_fails_fails_those_who_shared_it() -> None:
    failed = await answers(Desk(), [("a", 13), ("b", 1)])
    assert isinstance(failed[0], SQLAlchemyError)
    assert failed[1] == 2


async def test_an_asker_that_gives_up_does_not_disturb_the_others() -> None:
    desk = Desk()
    batcher = Batcher(desk.run)
    gone, stays = (asyncio.create_task(batcher.ask("a", n)) for n in (1, 2))
    await desk.queries.acquire()
    gone.cancel()
    desk.open.set()
    assert await stays == 4


async def test_what_is_asked_on_an_answer_is_answered_also_when_all_queries_end_at_once() -> None:
    desk = Desk()
    batcher = Batcher(desk.run)

    async def asks_again() -> int:
        return await batcher.ask("c", await batcher.ask("a", 1))

    asking = [asyncio.create_task(asks_again()), asyncio.create_task(batcher.ask("b", 1))]
    for _ in range(AT_ONCE):
        await desk.queries.acquire()
    desk.open.set()
    async with asyncio.timeout(DEADLINE_S):
        assert await asyncio.gather(*asking) == [4, 2]
