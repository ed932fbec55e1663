"""How a service process ends, and what it tells of its log meanwhile."""

import asyncio
from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from libs.events.background import running
from libs.events.log import LogBroken, LogUnavailable
from libs.events.log_created import ensure_topics
from libs.events.memory_log import MemoryLog
from libs.events.position import Positions
from libs.service import runtime
from libs.service.runtime import EXIT_REFUSED, Service, State
from libs.service.serving import EXIT_CODES
from libs.service.settings import Settings
from libs.service.tests.deciding import PROJECTION


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("reason", "state", "code"),
    [
        (LogBroken("log went backwards"), State.REFUSED, EXIT_REFUSED),
        (RuntimeError("unforeseen"), State.DIED, 1),
    ],
)
async def test_only_what_a_start_would_not_mend_is_a_refusal_to_run(
    reason: Exception, state: State, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_place: object) -> None:
        raise reason

    monkeypatch.setattr(runtime, "open_log", fails)
    service, ended = Service(PROJECTION), asyncio.Event()
    service.end_process = ended.set
    url = "postgresql://nowhere"
    settings = Settings.model_validate({"log_url": url, "database_url": url, "identity_secret": "00" * 32})
    async with asyncio.timeout(5), service.running(settings):
        await ended.wait()
    assert (service.state, EXIT_CODES[service.state], service.reason) == (state, code, str(reason))


@pytest.mark.asyncio
async def test_a_log_that_goes_away_and_comes_back_is_told_of_once(monkeypatch: pytest.MonkeyPatch) -> None:
    service, log, watched = Service(PROJECTION), MemoryLog(), asyncio.Event()
    await ensure_topics(log, "check")
    away, ends = iter([False, True, True, False, False]), log.ends

    async def asked(topics: Sequence[str]) -> Positions:
        if (is_away := next(away, None)) is None:
            watched.set()
            await asyncio.Event().wait()
        if is_away:
            raise LogUnavailable("nobody answers")
        return await ends(topics)

    monkeypatch.setattr(log, "ends", asked)
    monkeypatch.setattr(runtime, "ENDS_EVERY_S", 0.0)
    service.log_reason = None
    with capture_logs() as said:
        async with asyncio.timeout(5), running(service._watch(log)):
            await watched.wait()
    assert [(line["event"], line.get("reason")) for line in said] == [
        ("log_away", "nobody answers"),
        ("log_back", None),
    ]
