"""Events on their way to the service in batches: several in flight, repeated until answered, never twice in effect.

A batch that is sent again has the same ids, and a reader drops what it has seen. The events of one subject travel in
one lane, one batch after the other: the log has them in the file's order.
"""

import asyncio
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import httpx
import msgspec

from libs.events.background import running
from services.cli.errors import Failure
from services.cli.importing.rows import Fault, Row
from services.cli.importing.sending import Problem, Sender

LANES = 4
MAX_BATCH_BYTES = 1024 * 1024  # every lane holds up to three batches: 12 MB, however large the file
BREATHE_EVERY = 1_000  # rows between two looks at what else there is to do, Ctrl-C included

_REFUSED = {400, 413, 422}
_HEADERS = {"content-type": "application/cloudevents-batch+json", "prefer": "handling=lenient"}


class Rejected(msgspec.Struct):
    index: int
    pointer: str
    code: str
    detail: str


class _Answer(msgspec.Struct):
    accepted: int
    rejected: list[Rejected] = []


class _Subject(msgspec.Struct):
    subject: str = ""


class Answered(NamedTuple):
    """What became of one request; `known` counts contacts that were there already."""

    accepted: int
    rejected: list[tuple[Row, list[Fault]]]
    known: int = 0


Done = Callable[[Answered], None]
_subject_of = msgspec.json.Decoder(_Subject).decode


class Poster:
    """Posts batches to one service. Raises Failure when nothing moves for `give_up_after_s`."""

    def __init__(self, client: httpx.AsyncClient, url: str, *, dry_run: bool, give_up_after_s: float) -> None:
        address = f"{url.rstrip('/')}/v1/events" + ("?dry_run=true" if dry_run else "")
        self._sender = Sender(client, address, give_up_after_s)

    async def post(self, batch: Sequence[Row]) -> Answered:
        """Lenient, as the service is; halves a batch that is refused whole."""
        answer = await self._sender.post(b"[" + b",".join(row.body for row in batch) + b"]", _HEADERS)
        try:
            if answer.status_code in _REFUSED:
                return await self._halved(batch, msgspec.json.decode(answer.content, type=Problem))
            if answer.is_success:
                return _answered(batch, msgspec.json.decode(answer.content, type=_Answer))
        except msgspec.MsgspecError:
            pass
        raise Failure(f"{self._sender.url} answers {answer.status_code}: is this the service interactions?")

    async def _halved(self, batch: Sequence[Row], problem: Problem) -> Answered:
        if len(batch) == 1:
            return Answered(0, [(batch[0], problem.faults)])
        middle = len(batch) // 2
        first, second = await self.post(batch[:middle]), await self.post(batch[middle:])
        return Answered(first.accepted + second.accepted, first.rejected + second.rejected)


async def post_all(rows: Iterable[Row], poster: Poster, batch_size: int, done: Done) -> None:
    """Send every row that has no fault; `done` is told of each batch as it is answered. Raises Failure."""
    queues: list[asyncio.Queue[list[Row]]] = [asyncio.Queue(maxsize=1) for _ in range(LANES)]
    try:
        async with running(*(_lane(queue, poster, done) for queue in queues)):
            await _fill(rows, queues, batch_size, done)
            for queue in queues:
                await queue.join()
    except BaseExceptionGroup as errors:  # several lanes gave up at the same time, all for the same reason
        raise errors.exceptions[0] from None


async def _fill(rows: Iterable[Row], queues: Sequence[asyncio.Queue[list[Row]]], batch_size: int, done: Done) -> None:
    waiting: list[list[Row]] = [[] for _ in queues]
    sizes = [0] * len(queues)
    for number, row in enumerate(rows):
        if number % BREATHE_EVERY == 0:
            await asyncio.sleep(0)
        if row.fault is not None:
            done(Answered(0, [(row, [row.fault])]))
            continue
        lane = _lane_of(row, len(queues))
        if waiting[lane] and sizes[lane] + len(row.body) > MAX_BATCH_BYTES:
            await queues[lane].put(waiting[lane])
            waiting[lane], sizes[lane] = [], 0
        waiting[lane].append(row)
        sizes[lane] += len(row.body)
        if len(waiting[lane]) >= batch_size:
            await queues[lane].put(waiting[lane])
            waiting[lane], sizes[lane] = [], 0
    for queue, batch in zip(queues, waiting, strict=True):
        if batch:
            await queue.put(batch)


async def _lane(queue: asyncio.Queue[list[Row]], poster: Poster, done: Done) -> None:
    while True:
        batch = await queue.get()
        done(await poster.post(batch))
        queue.task_done()


def _lane_of(row: Row, lanes: int) -> int:
    try:
        subject = _subject_of(row.body).subject
    except msgspec.MsgspecError:  # the service will say what is wrong with it
        return 0
    return zlib.crc32(subject.encode(errors="replace")) % lanes


def _answered(batch: Sequence[Row], answer: _Answer) -> Answered:
    faults: dict[int, list[Fault]] = {}
    for each in answer.rejected:
        faults.setdefault(each.index, []).append(Fault(each.pointer, each.code, each.detail))
    return Answered(answer.accepted, [(batch[index], found) for index, found in faults.items()])
