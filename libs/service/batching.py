"""Questions asked while a query is in flight go into the next one together."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from libs.service.errors import HttpRefusal

Shape = TypeVar("Shape", bound=Hashable)
Question = TypeVar("Question")
Answer = TypeVar("Answer")

MAX_TOGETHER = 32  # a query of more would keep its first asker waiting
AT_ONCE = 2  # one query is written and read while another is computed


class Batcher(Generic[Shape, Question, Answer]):
    """Asks `run(shape, questions)`, which answers in order; questions of one shape can share a query."""

    def __init__(self, run: Callable[[Shape, Sequence[Question]], Awaitable[Sequence[Answer]]]) -> None:
        self._run = run
        self._waiting: dict[Shape, list[tuple[Question, asyncio.Future[Answer]]]] = {}
        self._active: set[asyncio.Task[None] | None] = set()

    async def ask(self, shape: Shape, question: Question) -> Answer:
        """Raises what `run` raises."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(shape, []).append((question, answer))
        if len(self._active) < AT_ONCE:
            task = asyncio.create_task(self._drain())
            self._active.add(task)
            task.add_done_callback(self._active.discard)
        return await answer

    async def _drain(self) -> None:
        """Counts as active until nothing waits, and not a turn longer: who asks then must find it gone."""
        try:
            while self._waiting:
                shape, waiting = next(iter(self._waiting.items()))
                together = waiting[:MAX_TOGETHER]
                del waiting[:MAX_TOGETHER]
                if not waiting:
                    del self._waiting[shape]
                await self._answer(shape, together)
        finally:
            self._active.discard(asyncio.current_task())

    async def _answer(self, shape: Shape, together: list[tuple[Question, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self._run(shape, [question for question, _ in together])
        except (HttpRefusal, SQLAlchemyError, OSError, TimeoutError) as error:
            for _, future in together:
                if not future.done():
                    future.set_exception(error)
            return
        except BaseException:
            for _, future in together:
                future.cancel()
            raise
        for (_, future), answer in zip(together, answers, strict=True):
            if not future.done():
                future.set_result(answer)
