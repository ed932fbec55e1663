"""What holds for every test of the project."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import count
from typing import TYPE_CHECKING

import asyncpg
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from libs.embedded.postgres import EmbeddedPostgres

# A developer's own settings must not reach the tests: they use folders, ports and databases of their own.
for name in [name for name in os.environ if name.startswith(("RAPPORT_", "KAFKA_", "DATABASE_URL"))]:
    del os.environ[name]

# No deadline: two busy cores make any single example slow now and then, and that is no fault of the code.
settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# In CI the same examples every time: a red run can be run again.
settings.register_profile("ci", parent=settings.get_profile("local"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

_numbers = count(1)
NewDatabase = Callable[[], Awaitable[str]]


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator["EmbeddedPostgres"]:
    """A PostgreSQL of this test process (one each worker of xdist)."""
    from libs.embedded.postgres import EmbeddedPostgres  # noqa: PLC0415 - reads settings, which are gone only now

    with EmbeddedPostgres(tmp_path_factory.mktemp("home")) as server:
        yield server


@pytest_asyncio.fixture
async def databases(postgres: "EmbeddedPostgres") -> AsyncIterator[NewDatabase]:
    """Makes empty databases and gives their URLs; they are dropped after the test."""
    admin = await asyncpg.connect(postgres.url("postgres"))
    made: list[str] = []

    async def new() -> str:
        made.append(f"test_{next(_numbers)}")
        await admin.execute(f"CREATE DATABASE {made[-1]}")
        return postgres.url(made[-1])

    yield new
    for database in made:
        await admin.execute(f"DROP DATABASE {database} WITH (FORCE)")
    await admin.close()


@pytest_asyncio.fixture
async def database(databases: NewDatabase) -> str:
    """The URL of a fresh empty database."""
    return await databases()
