"""Contacts on their way to the service: one a request, many requests at once, never twice in effect.

The Idempotency-Key of a contact is made from what is posted: sent again, it is answered with what became of it the
first time. Two contacts that share a name are sent one after the other: who stands first in the file has the name.
"""

import asyncio
import base64
from collections.abc import Iterable
from uuid import UUID

import httpx
import msgspec

from libs.events.position import Positions, covers, decode
from services.cli.errors import Failure
from services.cli.importing.contacts import key_of
from services.cli.importing.posting import BREATHE_EVERY, Answered, Done
from services.cli.importing.rows import Row
from services.cli.importing.sending import RETRIED, Problem, Sender

LANES = 32  # what waits for one commit of the log goes into it together

_REFUSED = {400, 409, 413, 422}
_UNTIL_RULED = RETRIED | {202}  # 202: recorded, and nobody has ruled on it yet


class _Names(msgspec.Struct):
    identifiers: list[str]


class _Contact(msgspec.Struct):
    id: str


_names_of = msgspec.json.Decoder(_Names).decode


class Registrar:
    """Registers contacts at one service. Raises Failure when nothing moves for `give_up_after_s`."""

    def __init__(self, client: httpx.AsyncClient, url: str, *, give_up_after_s: float) -> None:
        self._sender = Sender(client, f"{url.rstrip('/')}/v1/contacts", give_up_after_s)
        self._before: Positions = {}

    async def look(self) -> None:
        """See how far the log is: what was recorded by now was registered before."""
        answer = await self._sender.get()
        if answer.status_code != 200:
            raise self._stranger(answer)
        self._before = _position(answer)

    async def register(self, row: Row) -> Answered:
        headers = {"content-type": "application/json", "idempotency-key": key_of(row.body)}
        answer = await self._sender.post(row.body, headers, _UNTIL_RULED)
        try:
            match answer.status_code:
                case 200 | 201:
                    msgspec.json.decode(answer.content, type=_Contact)
                    is_known = answer.status_code == 200 or covers(self._before, _position(answer))
                    return Answered(int(not is_known), [], known=int(is_known))
                case status if status in _REFUSED:
                    return Answered(0, [(row, msgspec.json.decode(answer.content, type=Problem).faults)])
        except msgspec.MsgspecError:
            pass
        raise self._stranger(answer)

    def _stranger(self, answer: httpx.Response) -> Failure:
        return Failure(f"{self._sender.url} answers {answer.status_code}: is this the service contacts?")


def _position(answer: httpx.Response) -> Positions:
    """The position that an answer covers. Raises Failure for what is no answer of a service."""
    try:
        token = answer.headers["rapport-position"]
        log, _ = msgspec.msgpack.decode(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return decode(token, UUID(bytes=log))
    except (KeyError, ValueError, TypeError, msgspec.MsgspecError):
        raise Failure(f"{answer.url} names no position: is this the service contacts?") from None


async def register_all(rows: Iterable[Row], registrar: Registrar, done: Done) -> None:
    """Send every row that has no fault; `done` is told of each as it is answered. Raises Failure."""
    slots = asyncio.Semaphore(LANES)
    last: dict[str, asyncio.Task[None]] = {}  # of each name that is on its way, the contact that was sent last

    async def send(row: Row, names: list[str], earlier: set[asyncio.Task[None]]) -> None:
        if earlier:
            await asyncio.wait(earlier)
        done(await registrar.register(row))
        slots.release()
        for name in names:
            if last[name] is asyncio.current_task():
                del last[name]

    await registrar.look()
    try:
        async with asyncio.TaskGroup() as group:
            for number, row in enumerate(rows):
                if number % BREATHE_EVERY == 0:
                    await asyncio.sleep(0)
                if row.fault is not None:
                    done(Answered(0, [(row, [row.fault])]))
                    continue
                await slots.acquire()
                names = _names_of(row.body).identifiers
                task = group.create_task(send(row, names, {last[name] for name in names if name in last}))
                last.update(dict.fromkeys(names, task))
    except BaseExceptionGroup as errors:  # several gave up at the same time, all for the same reason
        raise errors.exceptions[0] from None


async def check_all(rows: Iterable[Row], done: Done) -> None:
    """Send nothing: a row without a fault is a good one."""
    for number, row in enumerate(rows):
        if number % BREATHE_EVERY == 0:
            await asyncio.sleep(0)
        done(Answered(1, []) if row.fault is None else Answered(0, [(row, [row.fault])]))
