"""What holds for every test of the project."""

import os
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest
import pytest_asyncio
import structlog
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import LoadFileScheduling

    from tests.integration.providers import Broker, PostgresServer

# These say where the tests' servers come from (tests/integration/providers.py); workers of xdist inherit them.
for name in ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", "RAPPORT_TEST_PROVIDER"):
    if value := os.environ.get(name):
        os.environ[f"TESTS_{name}"] = value

# A developer's own settings must not reach the tests: they use folders, ports and databases of their own.
for name in [name for name in os.environ if name.startswith(("RAPPORT_", "KAFKA_", "DATABASE_URL"))]:
    del os.environ[name]

# Servers of tests write hundreds of small clusters and topics, and make sure that each reaches the disk: in memory,
# where there is enough of it, a third of the time goes.
MEMORY, MEMORY_BYTES = Path("/dev/shm"), 16 << 30


def _has_room(folder: Path) -> bool:
    found = os.statvfs(folder)
    programs_run = not found.f_flag & os.ST_NOEXEC
    return programs_run and os.access(folder, os.W_OK) and found.f_blocks * found.f_frsize >= MEMORY_BYTES


if "TMPDIR" not in os.environ and MEMORY.is_dir() and _has_room(MEMORY):
    os.environ["TMPDIR"] = str(MEMORY)  # workers of xdist and the programs that tests start inherit it
    tempfile.tempdir = None  # asked before, it would be remembered

# What a shell starts in the background hears no Ctrl-C, nor do the programs that a test starts and interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Each client reads the certificates of this machine, in 20 ms, though tests speak HTTP with it: once is enough.
httpx._transports.default.create_ssl_context = cache(httpx.create_ssl_context)  # type: ignore[attr-defined]  # noqa: SLF001

# No deadline: two busy cores make any single example slow now and then, and that is no fault of the code.
settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# In CI the same examples every time: a red run can be run again.
settings.register_profile("ci", parent=settings.get_profile("local"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

_numbers = count(1)
NewDatabase = Callable[[], Awaitable[str]]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where no Docker engine is used, a test of containers is not wanted rather than skipped."""
    needing = [item for item in items if item.get_closest_marker("engine")]
    if not needing:
        return
    from tests.integration.providers import engine_used  # noqa: PLC0415 - reads settings, which are gone only now

    if not engine_used():
        config.hook.pytest_deselected(items=needing)
        items[:] = [item for item in items if item not in needing]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: "Producer") -> "LoadFileScheduling | None":
    """Of several processes one has the broker."""
    if config.getoption("dist") != "loadfile":
        return None
    from tests.sharing import OneWithKafka  # noqa: PLC0415 - without xdist there is nothing to share

    return OneWithKafka(config, log)


@pytest.fixture(autouse=True)
def _logs_go_nowhere_else() -> Iterator[None]:
    """A service that a test ran in its own process has set them up for a stream that is closed afterwards."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Broker"]:
    """A broker for this test process (one each worker of xdist, unless the environment names one)."""
    from tests.integration.providers import broker  # noqa: PLC0415 - as above

    with broker(tmp_path_factory.mktemp("kafka")) as found:
        yield found


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator["PostgresServer"]:
    """A PostgreSQL for this test process (one each worker of xdist, unless the environment names one)."""
    from tests.integration.providers import postgres_server  # noqa: PLC0415 - as above

    with postgres_server(tmp_path_factory.mktemp("home")) as server:
        yield server


@pytest_asyncio.fixture
async def databases(postgres: "PostgresServer") -> AsyncIterator[NewDatabase]:
    """Makes empty databases and gives their URLs; they are dropped after the test."""
    admin = await asyncpg.connect(postgres.url("postgres"))
    made: list[str] = []

    async def new() -> str:
        url = postgres.url(f"test_{next(_numbers)}")
        made.append(urlsplit(url).path.removeprefix("/"))
        await admin.execute(f"CREATE DATABASE {made[-1]}")
        return url

    yield new
    for database in made:
        await admin.execute(f"DROP DATABASE {database} WITH (FORCE)")
    await admin.close()


@pytest_asyncio.fixture
async def database(databases: NewDatabase) -> str:
    """The URL of a fresh empty database."""
    return await databases()
