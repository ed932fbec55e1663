"""All definitions by id: every module of `services/scoring/definitions` is one."""

import pkgutil
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Final

from services.scoring import definitions
from services.scoring.numbers.scores import Definition, Population


def _found() -> list[Definition]:
    names = sorted(each.name for each in pkgutil.iter_modules(definitions.__path__))
    return [import_module(f"{definitions.__name__}.{name}").DEFINITION for name in names]


DEFINITIONS: Final[Mapping[str, Definition]] = MappingProxyType({each.id: each for each in _found()})

POPULATIONS: Final[Mapping[str, Population]] = MappingProxyType(
    {each.measure: each for definition in DEFINITIONS.values() for each in definition.population}
)
"""What statistics are made of, by measure."""
