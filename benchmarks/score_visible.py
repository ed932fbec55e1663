"""`score_visible`: from a POST's acknowledgement to the score that it changed, over HTTP, while every service folds.

The same open loop as `visible`, single events alone. Everybody has bought before and statistics were published, so
that there are scores; the loop begins once all classes are announced, and any purchase may change some. Each measured
POST is a purchase of today of a customer of its own, whose engagement was read before and must have grown.
"""

import asyncio
from collections.abc import Mapping, Sequence

import msgspec

from benchmarks.events import BATCH, CUSTOMERS, Events, batch, customer, get, post
from benchmarks.figures import Benchmark, Figure, Outcome, percentiles
from benchmarks.http_client import BadAnswer, Pool, body_of, connect, header_of, status_of
from benchmarks.ingest import BATCH_EVENTS, PATH
from benchmarks.score_page import publish
from benchmarks.system import System, run, running, scratch_folder
from benchmarks.visible import CONNECTIONS, WARM_UP_S, Run, Seen, Stream, note, probe_name
from libs.events.clock import now

POSTS_A_S = 500
PROBES_A_S = 20  # a score with its receipt costs 5 ms: more would be a load of its own
PROBES, EVERYBODY = 1, 2  # seeds
READERS = 16  # as few as are never all busy: each must be used before the server takes it for idle


def score_visible(size: int) -> Outcome:
    stream = Stream(POSTS_A_S, 1, size)
    with scratch_folder() as folder, running(folder) as system:
        system.wait_until_ready()
        seen, announced_s = run(_measure(system, stream))
    p50, p99 = percentiles(seen.visible_ms)
    figures = [
        Figure("score_visible, p99 at 500/s", p99, "ms", goal=60),
        Figure("score_visible, p50 at 500/s", p50, "ms"),
    ]
    before = f"{CUSTOMERS:,} people had bought before; all their classes were announced within {announced_s:.0f} s"
    return Outcome(figures, [note(stream, seen), before])


async def _measure(system: System, stream: Stream) -> tuple[Seen, float]:
    warm_up = Stream(stream.posts_a_s, stream.together, WARM_UP_S)
    probes = [probe_name(PROBES, n + 1) for n in range(round((warm_up.seconds + stream.seconds) * PROBES_A_S))]
    await _buy(system, [*map(customer, range(CUSTOMERS)), *probes])
    announced_s = await publish(system.ports["scoring"])
    engaged = await _engaged(system, probes)
    posts, reads = await _pools(system, CONNECTIONS, READERS)
    going = _Run(posts, reads, engaged)
    await going.send(warm_up)
    going.seen = Seen()
    seen = await going.send(stream)
    posts.close()
    reads.close()
    return seen, announced_s


async def _pools(system: System, posting: int, reading: int) -> tuple[Pool, Pool]:
    """New ones at each stage: a server closes connections that are idle for a while."""
    posts, reads = await connect(system.ports["interactions"], posting), await connect(system.ports["scoring"], reading)
    return Pool(posts), Pool(reads)


async def _buy(system: System, names: Sequence[str]) -> None:
    """Everybody of these names, once; until scoring has folded it."""
    (posts, reads), events = await _pools(system, 1, 1), Events(EVERYBODY)
    for start in range(0, len(names), BATCH_EVENTS):
        bought = batch([events.one(name) for name in names[start : start + BATCH_EVENTS]])
        answer = _checked(await posts.ask(post(PATH, BATCH, bought)), 202)
        token = header_of(answer, b"rapport-position")
        _checked(await reads.ask(get(f"/v1/definitions?min_position={token}")))
    posts.close()
    reads.close()


async def _engaged(system: System, names: Sequence[str]) -> dict[str, float]:
    reads = Pool(await connect(system.ports["scoring"], READERS))
    values = await asyncio.gather(*(_engagement(reads, name) for name in names))
    reads.close()
    return dict(zip(names, values, strict=True))


async def _engagement(reads: Pool, name: str, query: str = "") -> float:
    """Raises BadAnswer where there is none."""
    answer = _checked(await reads.ask(get(f"/v1/scores/{name}/engagement{query}")))
    value: float = msgspec.json.decode(body_of(answer))["value"]
    return value


def _checked(answer: bytes, status: int = 200) -> bytes:
    """Raises BadAnswer at any other status."""
    if status_of(answer) != status:
        raise BadAnswer(answer[:2_000].decode(errors="replace"))
    return answer


class _Run(Run):
    """Purchases of today, each read back in the engagement of whoever bought."""

    def __init__(self, posts: Pool, reads: Pool, engaged: Mapping[str, float]) -> None:
        super().__init__(posts, reads, PROBES, PROBES_A_S)
        self._engaged = engaged

    def _event(self, subject: str | None) -> bytes:
        return self._events.one(subject, None if subject is None else now())

    async def _follow(self, subject: str, token: str) -> None:
        """What nobody adds to only fades."""
        if (value := await _engagement(self._reads, subject, f"?min_position={token}")) <= self._engaged[subject]:
            raise BadAnswer(f"the engagement of {subject} is {value} as before")


BENCHMARKS = {"score_visible": Benchmark(score_visible, 20, "seconds")}
