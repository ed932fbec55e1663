"""How a service process ends."""

import asyncio

import pytest

from libs.events.log import LogBroken
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
