"""Pages of lists that everybody looks at, kept until more is folded of what they come from."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import NamedTuple

from libs.events.position import Partition
from libs.events.topics import Topic
from libs.service.runtime import Service

MAX_KEPT_BYTES = 8 << 20


class Answer(NamedTuple):
    """A page as it is sent."""

    body: bytes
    headers: list[tuple[bytes, bytes]]


class KeptPages:
    """Of one list, whose pages are a function of the query string and of what is folded of some topics.

    They are kept until more of those is folded here, where it is folded; memory: at most 8 MB. `besides` tells of
    whatever else a page comes from: pages are kept while it stays equal.
    """

    def __init__(
        self, service: Service, topics: Collection[Topic], besides: Callable[[], object] = lambda: None
    ) -> None:  # fmt: skip
        self._service = service
        self._partitions = [Partition(topic.name, n) for topic in topics for n in range(topic.partitions)]
        self._besides = besides
        self._kept: dict[bytes, Answer] = {}
        self._read: dict[bytes, asyncio.Future[Answer]] = {}
        self._kept_at: object = None
        self._kept_bytes = 0

    async def answer(self, query_string: bytes, read: Callable[[], Awaitable[Answer]]) -> Answer:
        """The page, read where it is not kept. Raises what `read` raises, and 503 while there are no tables to read."""
        at = self._folded()
        if at != self._kept_at:
            self._kept, self._read, self._kept_at, self._kept_bytes = {}, {}, at, 0
        if (kept := self._kept.get(query_string)) is not None:
            return kept
        if (task := self._read.get(query_string)) is None:  # whoever asks while it is read waits for the same
            task = self._read[query_string] = asyncio.ensure_future(read())
            task.add_done_callback(lambda done: self._keep(query_string, done, at))
        return await asyncio.shield(task)

    def _keep(self, query_string: bytes, done: "asyncio.Future[Answer]", at: object) -> None:
        """Where whoever asked has gone, nobody else hears of an error."""
        is_answer = not done.cancelled() and done.exception() is None
        if at != self._kept_at:
            return
        del self._read[query_string]
        if is_answer and self._kept_bytes + len(done.result().body) <= MAX_KEPT_BYTES:
            self._kept[query_string] = done.result()
            self._kept_bytes += len(done.result().body)

    def _folded(self) -> object:
        """What tells that more was folded, or into other tables."""
        reached = self._service.progress.reached
        return self._service.reads, self._besides(), [reached.get(partition) for partition in self._partitions]
