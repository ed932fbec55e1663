"""Reactors: they begin once, and go on whatever the world does."""

import asyncio

import pytest
from structlog.testing import capture_logs

from libs.events.log import AppendUnknown
from libs.events.writing import Changes
from libs.service import reacting
from libs.service.errors import unavailable


class Faulty:
    """Does three steps, of which the world spoils some."""

    def __init__(self, *spoilt: Exception | None) -> None:
        self._spoilt = list(spoilt)
        self.begun = 0
        self.done = asyncio.Event()

    def begin(self) -> None:
        self.begun += 1

    def heard(self, changes: Changes) -> None: ...

    async def step(self) -> None:
        if not self._spoilt:
            self.done.set()
            await asyncio.Event().wait()
        if (reason := self._spoilt.pop(0)) is not None:
            raise reason


@pytest.mark.asyncio
async def test_what_the_world_spoils_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reacting, "RETRY_FIRST_S", 0.0)
    reactor = Faulty(AppendUnknown("no answer"), unavailable("starting", "not yet"), None, OSError("gone"))
    with capture_logs() as said:
        reacting_ = asyncio.create_task(reacting.react(reactor))
        await asyncio.wait_for(reactor.done.wait(), 10.0)
    reacting_.cancel()
    assert reactor.begun == 1
    assert [each["reason"] for each in said] == ["AppendUnknown", "HttpRefusal", "OSError"]


@pytest.mark.asyncio
async def test_what_nobody_foresaw_comes_out() -> None:
    with pytest.raises(KeyError):
        await reacting.react(Faulty(KeyError("a bug")))
