"""All services, by name."""

import os
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from libs.events.fold import Projection
    from libs.service.shell import Shell


@dataclass(frozen=True, slots=True)
class ServiceEntry:
    """What the command line must know of a service without importing it."""

    name: str
    default_port: int

    @property
    def database(self) -> str:
        """The name of its database, with the installation's prefix."""
        return f"{os.environ.get('RAPPORT_PREFIX', '')}{self.name}"

    @property
    def port(self) -> int:
        return int(os.environ.get(f"RAPPORT_PORT_{self.name.upper()}") or self.default_port)

    @property
    def projection(self) -> "Projection":
        found: Projection = import_module(f"services.{self.name}.projection").PROJECTION
        return found

    def app(self) -> "Shell":
        """Its ASGI app; importing it reads the settings."""
        found: Shell = import_module(f"services.{self.name}.wiring").app
        return found


SERVICES = {
    entry.name: entry
    for entry in (
        ServiceEntry("contacts", 8001),
        ServiceEntry("interactions", 8002),
        ServiceEntry("feedback", 8003),
        ServiceEntry("scoring", 8004),
        ServiceEntry("timeline", 8005),
    )
}


def listed() -> str:
    """`a, b or c`, for a sentence."""
    *others, last = SERVICES
    return f"{', '.join(others)} or {last}"


def log_database() -> str:
    """The name of the log's database, with the installation's prefix."""
    return f"{os.environ.get('RAPPORT_PREFIX', '')}log"
