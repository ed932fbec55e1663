"""The system that a command talks to: what runs in the data folder or, in a cluster, what the environment names."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from libs.embedded.errors import EmbeddedError
from libs.embedded.home import Home, Runtime, default_path
from libs.events.identifiers import Nodes
from services.cli.errors import Failure, kafka_or_failure, settings_or_failure
from services.cli.services import SERVICES, ServiceEntry

if TYPE_CHECKING:
    from libs.events.opening import LogPlace
    from libs.service.settings import Settings

NOT_RUNNING = "nothing runs in {path}; start it with `rapport up`, or set RAPPORT_DATA to the folder of what runs"
_LOOPBACK = "127.0.0.1"
_EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104  nobody can be called there


@dataclass(frozen=True, slots=True)
class Place:
    """Where one service is; `database_url` is None where the environment does not say."""

    entry: ServiceEntry
    url: str
    database_url: str | None

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def database(self) -> str:
        """Raises Failure that names the variable."""
        if self.database_url is None:
            raise Failure(f"DATABASE_URL_{self.name.upper()} must name the database of {self.name}")
        return self.database_url


@dataclass(frozen=True, slots=True)
class System:
    log: "LogPlace"
    secret: bytes
    places: dict[str, Place]

    @property
    def nodes(self) -> Nodes:
        return Nodes(self.secret)

    def chosen(self, service: str | None) -> list[Place]:
        """One service, or all. Raises Failure for a name that no service has."""
        if service is None:
            return list(self.places.values())
        if service not in self.places:
            raise Failure(f"there is no service {service}; there are {', '.join(self.places)}")
        return [self.places[service]]


def find_system() -> System:
    """Raises Failure when nothing runs."""
    settings = settings_or_failure()
    if settings.log_url is not None:
        return _cluster(settings)
    try:
        home = Home.at() if default_path().is_dir() else None
        runtime = None if home is None else home.read_runtime()
        if home is not None and runtime is not None and runtime.running:
            return _embedded(settings, runtime, home.identity_secret())
    except EmbeddedError as reason:
        raise Failure(str(reason)) from None
    if kafka_or_failure().bootstrap_servers is not None:
        return _cluster(settings)
    raise Failure(NOT_RUNNING.format(path=default_path() if home is None else home.path))


def _embedded(settings: "Settings", runtime: Runtime, secret: bytes) -> System:
    host = _host(settings)
    places = {
        name: Place(SERVICES[name], f"http://{host}:{found.port}", found.database_url)
        for name, found in runtime.services.items()
        if name in SERVICES
    }
    return System(_log_of(settings, runtime), secret, places)


def _log_of(settings: "Settings", runtime: Runtime) -> "LogPlace":
    """Where it runs; how Kafka is spoken to, and who asks, says the environment."""
    if runtime.kafka is None:
        return runtime.log_url or ""
    kafka = kafka_or_failure().model_copy(update={"bootstrap_servers": runtime.kafka})
    return kafka.place(runtime.prefix, single_broker=settings.single_broker)


def _cluster(settings: "Settings") -> System:
    try:
        log, secret = settings.log_place(), settings.secret()
    except (ValueError, OSError) as reason:
        raise Failure(str(reason)) from None
    places = {}
    for name, entry in SERVICES.items():
        url = os.environ.get(f"RAPPORT_URL_{name.upper()}") or f"http://{_host(settings)}:{entry.port}"
        places[name] = Place(entry, url.rstrip("/"), os.environ.get(f"DATABASE_URL_{name.upper()}") or None)
    return System(log, secret, places)


def _host(settings: "Settings") -> str:
    host = _LOOPBACK if settings.host in _EVERYWHERE else settings.host
    return f"[{host}]" if ":" in host else host
