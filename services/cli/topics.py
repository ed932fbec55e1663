"""`rapport topics ensure`."""

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from libs.embedded.errors import HomeUnusable
from libs.embedded.home import IDENTITY_SECRET_BYTES, kept
from libs.events.identifiers import Nodes
from libs.events.log import LogForbidden, LogUnavailable
from libs.events.log_created import AdministeredLog, ensure_topics
from libs.events.opening import open_log
from libs.events.position import Positions
from libs.events.topics import TOPICS
from services.cli.errors import Failure, settings_or_failure
from services.cli.running import run
from services.cli.system import find_system
from services.cli.tables import console, table
from services.cli.waiting import once_there

if TYPE_CHECKING:
    from libs.events.opening import LogPlace


@dataclass(frozen=True, slots=True)
class Found:
    log_id: UUID
    counts: Mapping[str, int]
    ends: Positions


def ensure(*, new_secret: bool, single_broker: bool) -> None:
    """Make what is missing and print what there is. Raises Failure."""
    place, secret = _with_a_secret() if new_secret else _of_the_system()
    if single_broker:
        place = _on_one_broker(place)
    found = run(_ensure(place, Nodes(secret).check_value()))
    made = table("topic", ">partitions", ">records", "written by", title=f"log {found.log_id}")
    for topic in TOPICS:
        records = sum(end for partition, end in found.ends.items() if partition.topic == topic.name)
        made.add_row(topic.name, str(found.counts[topic.name]), f"{records:,}", topic.writer)
    console.print(made)


def _of_the_system() -> "tuple[LogPlace, bytes]":
    system = find_system()
    return system.log, system.secret


def _with_a_secret() -> "tuple[LogPlace, bytes]":
    """Where the environment says that the log is, and its secret, made where the log is new. Raises Failure."""
    settings = settings_or_failure()
    file = settings.identity_secret_file
    if file is None or settings.identity_secret is not None:
        raise Failure("--new-secret: RAPPORT_IDENTITY_SECRET_FILE must name the file, and no other variable the secret")
    try:
        place = settings.log_place()
        if not file.exists():
            run(_require_new(place, file))
            kept(file, _new_secret)
        return place, settings.secret()
    except (ValueError, OSError, HomeUnusable) as reason:
        raise Failure(str(reason)) from None


def _new_secret() -> bytes:
    """As text, which is easier to keep elsewhere than bytes are."""
    return f"{secrets.token_hex(IDENTITY_SECRET_BYTES)}\n".encode()


async def _require_new(place: "LogPlace", file: Path) -> None:
    """Nobody would be found by name with a secret that is made after the log."""

    async def records() -> int:
        async with _opened(place) as log:
            return await _records(log)

    if await once_there(records, LogUnavailable):
        raise Failure(
            f"{file} is missing, and this log has a name already: it was made with a secret that is not here. "
            "Put that one back; a new one would not open this log"
        )


@asynccontextmanager
async def _opened(place: "LogPlace") -> AsyncIterator[AdministeredLog]:
    """Raises Failure where waiting would not help."""
    try:
        async with open_log(place) as log:
            yield log
    except LogForbidden as reason:
        raise Failure(str(reason)) from None


async def _records(log: AdministeredLog) -> int:
    there = [topic for topic, partitions in (await log.partition_counts()).items() if partitions]
    return sum((await log.ends(there)).values())


def _on_one_broker(place: "LogPlace") -> "LogPlace":
    """What RAPPORT_SINGLE_BROKER=1 sets."""
    if isinstance(place, str):
        raise Failure("--single-broker: this log is in PostgreSQL, which has no brokers")
    return replace(place, single_broker=True)


async def _ensure(place: "LogPlace", secret_check: str) -> Found:
    async def ensured() -> Found:
        async with _opened(place) as log:
            log_id = await ensure_topics(log, secret_check)
            return Found(log_id, await log.partition_counts(), await log.ends([topic.name for topic in TOPICS]))

    return await once_there(ensured, LogUnavailable)
