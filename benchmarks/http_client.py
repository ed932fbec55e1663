"""A lean HTTP client: ready-made requests over connections that stay open, and as little parsing as an answer allows.

So the client takes a small part of what the server takes, and its own part is measured and said.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter, process_time
from typing import cast

import psutil

_END, _LENGTH = b"\r\n\r\n", b"content-length: "


class BadAnswer(Exception):
    """The server answered something else than a benchmark expects; its figures would be worth nothing."""


class Wire(asyncio.Protocol):
    """One connection with one request under way; `on_answer` is given the whole answer."""

    def __init__(self) -> None:
        self.on_answer: Callable[[bytes], None]
        self.on_lost: Callable[[], object] = lambda: None
        self._transport: asyncio.Transport
        self._parts: list[bytes] = []
        self._missing: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.on_lost()

    def send(self, request: bytes) -> None:
        self._transport.write(request)

    def close(self) -> None:
        self.on_lost = lambda: None
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._parts.append(data)
        if self._missing is None:
            whole = b"".join(self._parts)
            self._parts = [whole]
            if (end := whole.find(_END)) < 0:
                return
            length = whole.find(_LENGTH) + len(_LENGTH)
            self._missing = end + len(_END) + int(whole[length : whole.index(b"\r", length)]) - len(whole)
        else:
            self._missing -= len(data)
        if self._missing == 0:
            answer = b"".join(self._parts)
            self._parts, self._missing = [], None
            self.on_answer(answer)


def status_of(answer: bytes) -> int:
    return int(answer[9:12])


def header_of(answer: bytes, name: bytes) -> str:
    """Raises BadAnswer where it is missing."""
    start = answer.find(b"\r\n" + name + b": ", 0, answer.find(_END))
    if start < 0:
        raise BadAnswer(f"no header {name!r} in {answer[:500]!r}")
    start += len(name) + 4
    return answer[start : answer.index(b"\r", start)].decode()


def body_of(answer: bytes) -> bytes:
    return answer[answer.index(_END) + len(_END) :]


async def connect(port: int, count: int) -> list[Wire]:
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(Wire, "127.0.0.1", port))[1] for _ in range(count)]


@dataclass(frozen=True, slots=True)
class Drive:
    """How a closed loop went: requests a second; `client` and `server` are shares of one core."""

    rate: float
    client: float
    server: float

    @property
    def server_us(self) -> float:
        """What a request costs the server's process."""
        return self.server / self.rate * 1e6


class _Loop:
    """Every connection sends its next request as soon as it has its answer."""

    def __init__(self, wires: Sequence[Wire], requests: Iterable[bytes], status: int) -> None:
        self._requests: Iterator[bytes] = iter(requests)
        self._expected = b"HTTP/1.1 %d" % status
        self._idle = 0
        self._wires = wires
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        for wire in self._wires:
            wire.on_lost = self._lost
            wire.on_answer = self._answered_on(wire)
            self._next(wire)
        await self._done

    def _answered_on(self, wire: Wire) -> Callable[[bytes], None]:
        def answered(answer: bytes) -> None:
            if answer.startswith(self._expected):
                self._next(wire)
            elif not self._done.done():
                self._done.set_exception(BadAnswer(answer[:2_000].decode(errors="replace")))

        return answered

    def _next(self, wire: Wire) -> None:
        request = next(self._requests, None)
        if request is not None:
            wire.send(request)
            return
        self._idle += 1
        if self._idle == len(self._wires) and not self._done.done():
            self._done.set_result(None)

    def _lost(self) -> None:
        if not self._done.done():
            self._done.set_exception(BadAnswer("the server closed a connection"))


async def drive(wires: Sequence[Wire], requests: Sequence[bytes], *, status: int, server_pid: int) -> Drive:
    """All requests, as fast as they are answered. Raises BadAnswer at any other status."""
    server = psutil.Process(server_pid)
    loop = _Loop(wires, requests, status)
    server_s, client_s, began_s = sum(server.cpu_times()[:2]), process_time(), perf_counter()
    await loop.run()
    took_s = perf_counter() - began_s
    client = (process_time() - client_s) / took_s
    return Drive(len(requests) / took_s, client, (sum(server.cpu_times()[:2]) - server_s) / took_s)


async def by_turns(
    wires: Sequence[Wire], asked: Callable[[], Mapping[str, Sequence[bytes]]], *, rounds: int, server_pid: int
) -> dict[str, list[Drive]]:
    """Drives of each kind of request, asked for anew each round; a first round does not count. Raises BadAnswer."""
    drives: dict[str, list[Drive]] = {}
    for number in range(rounds + 1):
        for kind, requests in asked().items():
            done = await drive(wires, requests, status=200, server_pid=server_pid)
            if number:
                drives.setdefault(kind, []).append(done)
    return drives


def shares(drives: Mapping[str, Sequence[Drive]]) -> str:
    """How busy the client and the server were, each in the middle of its rounds."""
    parts = []
    for what, rounds in drives.items():
        client, server, cost_us = (
            median(getattr(d, name) for d in rounds) for name in ("client", "server", "server_us")
        )
        parts.append(f"{what}: client {client:.0%} of a core, server {server:.0%} ({cost_us:,.0f} us a request)")
    return "; ".join(parts)


class Pool:
    """Connections for single questions; whoever asks while all are busy waits for one."""

    def __init__(self, wires: Sequence[Wire]) -> None:
        self._wires = wires
        self._free: asyncio.Queue[Wire] = asyncio.Queue()  # in turn: a server closes those that idle
        for wire in wires:
            self._free.put_nowait(wire)

    async def ask(self, request: bytes) -> bytes:
        wire = await self._free.get()
        answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        wire.on_answer = answered.set_result
        wire.on_lost = answered.cancel
        wire.send(request)
        answer = await answered
        self._free.put_nowait(wire)
        return answer

    def close(self) -> None:
        for wire in self._wires:
            wire.close()
