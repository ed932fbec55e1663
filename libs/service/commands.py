"""Commands over HTTP: ids that make a retry safe, and an append whose every outcome is answered."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

import msgspec

from libs.events.ids import new_id
from libs.events.log import EVENT_HEADERS, AppendUnknown, Record
from libs.events.position import Partition
from libs.service.errors import RETRY_AFTER_S, HttpRefusal
from libs.service.runtime import WAIT_S, Service

MAX_KEY_CHARACTERS = 255
_REQUEST = "request"
_CALLER = ""  # everybody is one caller until access control exists


def command_id(log_id: UUID, method: str, path: str, key: str | None) -> UUID:
    """The id of a command and of its event: made from the client's key where it gives one, else new.

    Raises 400 for a key that is empty, too long or not printable ASCII.
    """
    if key is None:
        return new_id()
    if not 1 <= len(key) <= MAX_KEY_CHARACTERS or not (key.isascii() and key.isprintable()):
        raise HttpRefusal(400, "bad_idempotency_key", f"1 to {MAX_KEY_CHARACTERS} printable ASCII characters")
    return uuid5(log_id, f"{_CALLER}\n{method}\n{path}\n{key}")


async def append_once(
    service: Service, topic: str, key: bytes, event: Mapping[str, Any], request: str
) -> tuple[Partition, int]:
    """Append a command's event and say where it stands. An unknown outcome is 503 that names where to ask for it."""
    headers = (*EVENT_HEADERS, (_REQUEST, request.encode()))
    try:
        appended = await service.log.append(topic, [Record(key, msgspec.json.encode(event), headers)])
    except AppendUnknown:
        location = outcome_path(service.name, event["id"])
        raise HttpRefusal(
            503,
            "outcome_unknown",
            "the log did not answer in time; the same Idempotency-Key makes it safe to try again",
            headers={"Retry-After": str(RETRY_AFTER_S), "Location": location},
        ) from None
    ((number, span),) = appended.spans.items()
    return Partition(topic, number), span.first


def outcome_path(service: str, command: object) -> str:
    """Where the outcome of a command can be asked for later."""
    return f"/v1/outcomes/{service}/{command}"


async def folded(service: Service, partition: Partition, offset: int) -> bool:
    """Whether this service's own fold passed a record within the time that a caller waits."""
    return await service.progress.wait_for({partition: offset + 1}, WAIT_S)


async def require_same_request(service: Service, partition: Partition, offset: int, request: str) -> None:
    """The record at this place was written for this very request. Raises 422 where its key was used with another."""
    slices = await service.log.read({partition: offset}, max_records=1, max_bytes=1)
    headers = dict(slices[0].records[0].headers)
    if headers.get(_REQUEST, b"").decode() != request:
        raise HttpRefusal(422, "idempotency_key_reused", "this Idempotency-Key was used with another body")
