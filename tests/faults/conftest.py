"""A stage for each test: a log, the services' databases, and no process left behind."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from libs.events.postgres_log.adapter import PostgresLog
from tests.faults.events import SERVICES
from tests.faults.stage import Stage, empty
from tests.integration.conftest import System, new_system

if TYPE_CHECKING:
    from libs.embedded.postgres import EmbeddedPostgres


@pytest_asyncio.fixture(scope="session")
async def stage_urls(postgres: "EmbeddedPostgres") -> list[str]:
    """Databases that the stages of this test process share, one after the other: emptying one is quicker."""
    names = [f"stage_{name}" for name in ("log", *SERVICES, "second")]
    await asyncio.to_thread(postgres.ensure_databases, names)
    return [postgres.url(name) for name in names]


@pytest_asyncio.fixture
async def stage(stage_urls: list[str], tmp_path: Path) -> AsyncIterator[Stage]:
    for url in stage_urls:
        await empty(url)
    log_url, *database_urls, _ = stage_urls
    made = Stage(log_url, dict(zip(SERVICES, database_urls, strict=True)), tmp_path)
    yield made
    for process in made.processes:
        process.kill()


@pytest.fixture
def second_contacts_url(stage: Stage, stage_urls: list[str]) -> str:
    """Another empty database, for a second process of contacts on the same log."""
    return stage_urls[-1]


@pytest_asyncio.fixture
async def log(stage: Stage) -> AsyncIterator[PostgresLog]:
    """The stage's log, with its topics."""
    async with stage.log() as opened:
        yield opened


@pytest.fixture
def live(tmp_path: Path) -> Iterator[System]:
    """`rapport up` in a data folder of its own, ready."""
    system = new_system(tmp_path / "data")
    system.start()
    yield system
    if system.process:
        system.stop()
