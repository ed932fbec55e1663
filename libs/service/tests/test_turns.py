"""Commands on one thing take turns."""

import asyncio

import pytest

from libs.events.log import AppendRefused
from libs.service.errors import HttpRefusal, unavailable
from libs.service.turns import Turns


class Taking:
    """Somebody who takes a turn, and ends it when told to."""

    def __init__(self, turns: Turns, thing: str = "ada") -> None:
        self.has_it = asyncio.Event()
        self._end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(self._take(turns, thing))

    async def _take(self, turns: Turns, thing: str) -> None:
        async with turns.take(thing):
            self.has_it.set()
            await self._end

    async def end(self, reason: Exception | None = None) -> None:
        await self.has_it.wait()
        if reason is None:
            self._end.set_result(None)
        else:
            self._end.set_exception(reason)
        await asyncio.wait([self.task])


@pytest.mark.asyncio
async def test_the_next_one_begins_when_the_first_one_ends() -> None:
    turns = Turns()
    first, next_, other = Taking(turns), Taking(turns), Taking(turns, "bob")
    await asyncio.gather(first.has_it.wait(), other.has_it.wait())
    assert not next_.has_it.is_set()
    await first.end()
    await next_.end()
    await other.end()
    assert [each.task.exception() for each in (first, next_, other)] == [None, None, None]


@pytest.mark.asyncio
@pytest.mark.parametrize("reason", [unavailable("outcome_unknown", "no answer"), AppendRefused("no answer")])
async def test_whoever_waits_behind_one_that_the_log_did_not_answer_is_told_at_once(reason: Exception) -> None:
    turns = Turns()
    first, waiting = Taking(turns), [Taking(turns) for _ in range(3)]
    await first.end(reason)
    await asyncio.wait([each.task for each in waiting])
    for each in waiting:
        refusal = each.task.exception()
        assert isinstance(refusal, HttpRefusal)
        assert (refusal.status_code, refusal.code) == (503, "log_unavailable")
    later = Taking(turns)
    await later.end()
    assert later.task.exception() is None
    assert first.task.exception() is reason


@pytest.mark.asyncio
async def test_a_refusal_by_a_rule_concerns_nobody_else() -> None:
    turns = Turns()
    first, next_ = Taking(turns), Taking(turns)
    await first.end(HttpRefusal(409, "superseded", "others were first"))
    await next_.end()
    assert first.task.exception() is not None
    assert next_.task.exception() is None
