"""A stage for each test: a log, the services' databases, and no process left behind."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from libs.events.postgres_log.adapter import PostgresLog
from tests.faults.stage import Stage, new_stage
from tests.integration.conftest import System, new_system

if TYPE_CHECKING:
    from conftest import NewDatabase


@pytest_asyncio.fixture
async def stage(databases: "NewDatabase", tmp_path: Path) -> AsyncIterator[Stage]:
    made = await new_stage(databases, tmp_path)
    yield made
    for process in made.processes:
        process.kill()


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
