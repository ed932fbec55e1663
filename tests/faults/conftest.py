"""A stage for each test: a log, the services' databases, and no process left behind."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from libs.embedded.kafka import EmbeddedKafka
from libs.embedded.kafka_settings import Node
from libs.events.kafka_log.tests.places import new_place, remove_topics
from libs.events.log_created import AdministeredLog
from libs.events.opening import LogPlace
from tests.faults.events import SERVICES
from tests.faults.proxy import Proxy
from tests.faults.stage import Stage, empty
from tests.integration.conftest import System, kafka_environment, new_system, running
from tests.integration.providers import embedded_kafka

if TYPE_CHECKING:
    from tests.integration.providers import Broker, PostgresServer


@pytest_asyncio.fixture(scope="session")
async def stage_urls(postgres: "PostgresServer") -> list[str]:
    """Databases that the stages of this test process share, one after the other: emptying one is quicker."""
    names = [f"stage_{name}" for name in ("log", *SERVICES, "second")]
    await asyncio.to_thread(postgres.ensure_databases, names)
    return [postgres.url(name) for name in names]


@asynccontextmanager
async def set_up(place: LogPlace, urls: list[str], folder: Path) -> AsyncIterator[Stage]:
    """On empty databases; nothing runs after the block."""
    for url in urls:
        await empty(url)
    _, *database_urls, _ = urls
    made = Stage(place, dict(zip(SERVICES, database_urls, strict=True)), folder)
    yield made
    for process in made.processes:
        process.kill()


@pytest_asyncio.fixture
async def postgres_stage(stage_urls: list[str], tmp_path: Path) -> AsyncIterator[Stage]:
    async with set_up(stage_urls[0], stage_urls, tmp_path) as made:
        yield made


@pytest_asyncio.fixture
async def kafka_stage(kafka: "Broker", stage_urls: list[str], tmp_path: Path) -> AsyncIterator[Stage]:
    """Topics of its own on a broker that tests share."""
    place = new_place(kafka.bootstrap)
    async with set_up(place, stage_urls, tmp_path) as made:
        yield made
    await remove_topics(place)


@pytest.fixture
def stage(request: pytest.FixtureRequest) -> Stage:
    """Its log is in PostgreSQL; tests that are marked with `tests.faults.logs` run on Apache Kafka too, or only."""
    found: Stage = request.getfixturevalue(f"{getattr(request, 'param', 'postgres')}_stage")
    return found


@pytest.fixture
def second_url(stage: Stage, stage_urls: list[str]) -> str:
    """Another empty database, for a second process of a service on the same log."""
    return stage_urls[-1]


@pytest_asyncio.fixture
async def log(stage: Stage) -> AsyncIterator[AdministeredLog]:
    """The stage's log, with its topics."""
    async with stage.log() as opened:
        yield opened


@pytest.fixture
def postgres_live(tmp_path: Path) -> Iterator[System]:
    yield from running(new_system(tmp_path / "data"))


@pytest.fixture
def kafka_live(kafka: "Broker", tmp_path: Path) -> Iterator[System]:
    with kafka_environment(kafka.bootstrap) as environment:
        yield from running(new_system(tmp_path / "data", environment))


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    """In front of `breakable`."""
    with Proxy().running() as running_proxy:
        yield running_proxy


@pytest.fixture(scope="module")
def breakable(proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    """A broker that nobody else uses. Who comes through the proxy stays there, others come to it directly."""
    with embedded_kafka(tmp_path_factory.mktemp("breakable"), Node.alone(advertised=proxy.address)) as kafka:
        proxy.target = kafka.behind_proxy
        yield kafka


@pytest.fixture
def breakable_live(breakable: EmbeddedKafka, tmp_path: Path) -> Iterator[System]:
    with kafka_environment(breakable.bootstrap) as environment:
        yield from running(new_system(tmp_path / "data", environment))


@pytest.fixture
def proxied_live(breakable: EmbeddedKafka, proxy: Proxy, tmp_path: Path) -> Iterator[System]:
    with kafka_environment(proxy.address) as environment:
        yield from running(new_system(tmp_path / "data", environment))


@pytest.fixture
def live(request: pytest.FixtureRequest) -> System:
    """`rapport up` in a data folder of its own, ready. Where its log is: as of `stage`."""
    found: System = request.getfixturevalue(f"{getattr(request, 'param', 'postgres')}_live")
    return found
