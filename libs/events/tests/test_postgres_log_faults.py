"""What the PostgreSQL log does when its server dies, freezes or may lose data; on a server of its own."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from libs.embedded import postgres as embedded
from libs.embedded.postgres import EmbeddedPostgres
from libs.events.log import AppendRefused, AppendUnknown, LogBroken, LogUnavailable
from libs.events.log_created import ensure_topics
from libs.events.postgres_log import writer
from libs.events.postgres_log.adapter import open_postgres_log
from libs.events.tests.log_contract import (
    CHECK,
    DEADLINE_S,
    until,
)
from libs.events.tests.log_load import WRITERS, Load, appends, kept

ENDS_WITHIN_S = 6.0  # the writer's time limit, and room for two busy cores


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(tmp_path_factory.mktemp("own")) as server:
        server.ensure_databases(["killed", "frozen", "refused"])
        yield server


@pytest.mark.asyncio
@pytest.mark.faults
async def test_nothing_acknowledged_is_lost_when_the_server_is_killed(server: EmbeddedPostgres) -> None:
    async with open_postgres_log(server.url("killed")) as log:
        await ensure_topics(log, CHECK)
        load = Load(log)
        writing = [asyncio.create_task(load.write(n)) for n in range(WRITERS)]

        async def busy() -> bool:
            return len(load.acknowledged) > 10 * WRITERS

        await until(log, busy)
        await asyncio.to_thread(server.kill)
        async with asyncio.timeout(ENDS_WITHIN_S):
            await asyncio.gather(*writing)
        assert load.longest_s < ENDS_WITHIN_S
        assert {type(failure) for failure in load.failures} <= {AppendUnknown, AppendRefused}
        assert len(load.failures) == WRITERS
        await asyncio.to_thread(server.start)
        await until(log, lambda: appends(log))
        await kept(log, load)


@pytest.mark.asyncio
@pytest.mark.faults
async def test_appends_to_a_frozen_server_end_in_time(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit_s = 0.5
    monkeypatch.setattr(writer, "COMMIT_TIMEOUT_S", limit_s)
    async with open_postgres_log(server.url("frozen")) as log:
        await ensure_topics(log, CHECK)
        load = Load(log)
        writing = [asyncio.create_task(load.write(n)) for n in range(WRITERS)]

        async def busy() -> bool:
            return len(load.acknowledged) > WRITERS

        await until(log, busy)
        assert server.pid is not None
        frozen = [psutil.Process(server.pid), *psutil.Process(server.pid).children()]
        for process in frozen:
            process.suspend()
        writing.append(asyncio.create_task(load.write(WRITERS)))
        try:
            async with asyncio.timeout(10 * limit_s):
                await asyncio.gather(*writing)
        finally:
            for process in frozen:
                process.resume()
        await until(log, lambda: appends(log))
        await kept(log, load)
        assert load.longest_s < 1.5 * limit_s


async def refusal(url: str) -> str:
    """Why the log does not open, once its server is up."""
    async with asyncio.timeout(2 * DEADLINE_S):
        while True:
            try:
                async with open_postgres_log(url):
                    return "it opened"
            except LogUnavailable:
                continue
            except LogBroken as reason:
                return str(reason)


@pytest.mark.asyncio
@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
async def test_a_server_that_may_lose_what_it_acknowledged_is_refused(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    monkeypatch.setitem(embedded.SETTINGS, setting, "off")
    server.stop()
    try:
        server.start()
        assert f"{setting} = off; it must be on" in await refusal(server.url("refused"))
    finally:
        monkeypatch.undo()
        server.stop()
        server.start()
    assert await refusal(server.url("refused")) == "it opened"


@pytest.mark.asyncio
async def test_a_standby_is_refused(server: EmbeddedPostgres) -> None:
    cluster: Path = server._cluster.path
    mark = cluster / "standby.signal"
    server.stop()
    mark.touch()
    os.chown(mark, cluster.stat().st_uid, cluster.stat().st_gid)
    try:
        server.revive()
        assert "transaction_read_only = on; it must be off" in await refusal(server.url("refused"))
    finally:
        server.stop()
        mark.unlink()
        server.start()
