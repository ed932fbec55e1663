"""The system that a command talks to: what runs in the data folder or, in a cluster, what the environment names."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from libs.embedded.errors import EmbeddedError
from libs.embedded.home import Home, Runtime, default_path
from libs.events.identifiers import Nodes
from services.cli.errors import Failure, settings_or_failure
from services.cli.services import SERVICES, ServiceEntry

if TYPE_CHECKING:
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
    log_url: str
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
        return _cluster(settings, settings.log_url.get_secret_value())
    if not default_path().is_dir():
        raise Failure(NOT_RUNNING.format(path=default_path()))
    try:
        home = Home.at()
        runtime = home.read_runtime()
        if runtime is None or not runtime.running:
            raise Failure(NOT_RUNNING.format(path=home.path))
        return _embedded(settings, runtime, home.identity_secret())
    except EmbeddedError as reason:
        raise Failure(str(reason)) from None


def _embedded(settings: "Settings", runtime: Runtime, secret: bytes) -> System:
    host = _host(settings)
    places = {
        name: Place(SERVICES[name], f"http://{host}:{found.port}", found.database_url)
        for name, found in runtime.services.items()
        if name in SERVICES
    }
    return System(runtime.log_url, secret, places)


def _cluster(settings: "Settings", log_url: str) -> System:
    try:
        secret = settings.secret()
    except (ValueError, OSError) as reason:
        raise Failure(str(reason)) from None
    places = {}
    for name, entry in SERVICES.items():
        url = os.environ.get(f"RAPPORT_URL_{name.upper()}") or f"http://{_host(settings)}:{entry.port}"
        places[name] = Place(entry, url.rstrip("/"), os.environ.get(f"DATABASE_URL_{name.upper()}") or None)
    return System(log_url, secret, places)


def _host(settings: "Settings") -> str:
    host = _LOOPBACK if settings.host in _EVERYWHERE else settings.host
    return f"[{host}]" if ":" in host else host
