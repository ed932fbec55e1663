"""`visible`: from a POST's acknowledgement to its row in the timeline, over HTTP, while every service folds.

An open loop: requests leave by the clock, whether the ones before them were answered or not. What is read is one
customer of its own for each measured POST, with `min_position` of the POST's answer, and must hold the posted event.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from time import perf_counter, process_time
from typing import Any

from benchmarks.events import BATCH, STRUCTURED, Events, batch, get, post
from benchmarks.figures import Benchmark, Figure, Outcome, percentiles
from benchmarks.http_client import BadAnswer, Pool, body_of, connect, header_of, status_of
from benchmarks.ingest import PATH
from benchmarks.system import System, run, running, scratch_folder

CONNECTIONS = 64  # of each service; more than are ever busy, so that no request waits for a connection
WARM_UP_S = 3.0
PROBES_A_S = 100  # so many POSTs a second are followed into the timeline, so that reading is no load of its own


@dataclass(frozen=True, slots=True)
class Stream:
    """`posts_a_s` requests a second of `together` events each, for so many seconds."""

    posts_a_s: int
    together: int
    seconds: float

    @property
    def rate(self) -> int:
        return self.posts_a_s * self.together


@dataclass(slots=True)
class Seen:
    """Milliseconds from acknowledgement to visibility, and of the POSTs themselves."""

    visible_ms: list[float] = field(default_factory=list)
    posted_ms: list[float] = field(default_factory=list)
    late_ms: float = 0.0
    client: float = 0.0


def visible(size: int) -> Outcome:
    singles, batches = Stream(500, 1, size), Stream(50, 100, size)
    with scratch_folder() as folder, running(folder) as system:
        system.wait_until_ready()
        slow, fast = run(_both(system, singles, batches))
    (p50, p99), (fast_p50, fast_p99) = percentiles(slow.visible_ms), percentiles(fast.visible_ms)
    return Outcome(
        [
            Figure("visible, p50 at 500/s", p50, "ms", goal=4),
            Figure("visible, p99 at 500/s", p99, "ms", goal=15),
            Figure("visible, p99 at 5,000/s", fast_p99, "ms", goal=40),
            Figure("visible, p50 at 5,000/s", fast_p50, "ms"),
        ],
        [note(singles, slow), note(batches, fast)],
    )


async def _both(system: System, *streams: Stream) -> list[Seen]:
    posts = Pool(await connect(system.ports["interactions"], CONNECTIONS))
    reads = Pool(await connect(system.ports["timeline"], CONNECTIONS))
    seen = []
    for seed, stream in enumerate(streams):
        run_ = Run(posts, reads, seed)
        await run_.send(Stream(stream.posts_a_s, stream.together, WARM_UP_S))
        run_.seen = Seen()
        seen.append(await run_.send(stream))
    posts.close()
    reads.close()
    return seen


class Run:
    """Sends streams; some of the POSTs are about a customer of their own, and are followed."""

    def __init__(self, posts: Pool, reads: Pool, seed: int, probes_a_s: int = PROBES_A_S) -> None:
        self._posts = posts
        self._reads = reads
        self._seed = seed
        self._probes_a_s = probes_a_s
        self._events = Events(seed)
        self._probes = 0
        self.seen = Seen()

    async def send(self, stream: Stream) -> Seen:
        count = round(stream.posts_a_s * stream.seconds)
        every = max(1, stream.posts_a_s // self._probes_a_s)
        work = [self._work(stream.together, probe=number % every == 0) for number in range(count)]
        began_s, busy_s = perf_counter(), process_time()
        async with asyncio.TaskGroup() as group:
            for number, each in enumerate(work):
                due_s = began_s + number / stream.posts_a_s
                if (early_s := due_s - perf_counter()) > 0:
                    await asyncio.sleep(early_s)
                self.seen.late_ms = max(self.seen.late_ms, (perf_counter() - due_s) * 1e3)
                group.create_task(each())
        self.seen.client = (process_time() - busy_s) / (perf_counter() - began_s)
        return self.seen

    def _work(self, together: int, *, probe: bool) -> Callable[[], Coroutine[Any, Any, None]]:
        """The request is made before the clock runs."""
        self._probes += probe
        subject = probe_name(self._seed, self._probes) if probe else None
        events = [*self._events.many(together - 1), last := self._event(subject)]
        request = post(PATH, STRUCTURED, last) if together == 1 else post(PATH, BATCH, batch(events))

        async def post_and_follow() -> None:
            sent_s = perf_counter()
            answer = await self._posts.ask(request)
            acknowledged_s = perf_counter()
            if status_of(answer) != 202:
                raise BadAnswer(answer[:2_000].decode(errors="replace"))
            self.seen.posted_ms.append((acknowledged_s - sent_s) * 1e3)
            if subject is not None:
                await self._follow(subject, header_of(answer, b"rapport-position"))
                self.seen.visible_ms.append((perf_counter() - acknowledged_s) * 1e3)

        return post_and_follow

    def _event(self, subject: str | None) -> bytes:
        return self._events.one(subject)

    async def _follow(self, subject: str, token: str) -> None:
        """Until it can be read what was posted about this customer. Raises BadAnswer where it cannot."""
        page = await self._reads.ask(get(f"/v1/timeline/{subject}?limit=1&min_position={token}"))
        if status_of(page) != 200 or b'"event_id"' not in body_of(page):
            raise BadAnswer(page[:2_000].decode(errors="replace"))


def probe_name(seed: int, number: int) -> str:
    """Of the customer whom the POST of that number, from 1, is about."""
    return f"crm:probe-{seed}-{number}"


def note(stream: Stream, seen: Seen) -> str:
    p50, p99 = percentiles(seen.posted_ms)
    return (
        f"{stream.rate:,}/s for {stream.seconds:g} s: "
        f"{len(seen.visible_ms):,} of {len(seen.posted_ms):,} POSTs followed; "
        f"the POST itself p50 {p50:.1f} ms, p99 {p99:.1f} ms; sent at most {seen.late_ms:.1f} ms late; "
        f"client {seen.client:.0%} of a core"
    )


BENCHMARKS = {"visible": Benchmark(visible, 15, "seconds at each rate")}
