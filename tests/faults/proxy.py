"""The network between services and a broker: a TCP proxy that holds, loses, resets or delays what passes.

    services -> requests -> proxy -> broker
             <- answers  <-       <-

It serves in a thread with a loop of its own, so that it goes on while a test blocks. What it is asked to do holds for
the connections that are there and for those that come.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from itertools import chain

from libs.embedded.ports import HOST, free_ports, listening
from tests.faults.deadlines import pause

CHUNK_BYTES = 64 << 10
AT_ONCE = struct.pack("ii", 1, 0)  # to linger: a socket that is closed so resets its connection

Ends = tuple[asyncio.StreamWriter, asyncio.StreamWriter]
"""Of one connection: to the client, and to the broker."""


class Proxy:
    """Listens at `address` while it runs."""

    def __init__(self) -> None:
        (port,) = free_ports(1)
        self._listener = listening(port)
        self.address = f"{HOST}:{port}"
        self.target = ""
        """Where the broker listens for who comes from here; set before anyone comes."""
        self._loop = asyncio.new_event_loop()
        self._connections: set[Ends] = set()
        self._lost: set[Ends] = set()
        self._passes = asyncio.Event()
        self._passes.set()
        self._loses_answers = False
        self._delay_s = 0.0

    @contextmanager
    def running(self) -> Iterator["Proxy"]:
        thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        thread.start()
        server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, sock=self._listener), self._loop
        ).result()
        try:
            yield self
        finally:
            self._do(server.close)
            self.reset()
            self._do(self._loop.stop)
            thread.join()
            self._loop.close()

    @contextmanager
    def blackhole(self) -> Iterator[None]:
        """Nothing passes while the block runs; then all of it does, since TCP sends again."""
        self._do(self._passes.clear)
        try:
            yield
        finally:
            self._do(self._passes.set)

    @contextmanager
    def lost_answers(self) -> Iterator[None]:
        """The broker gets everything and nobody hears of it; at the end, connections that lost something are reset."""
        self._loses_answers = True
        try:
            yield
        finally:
            self._loses_answers = False
            self._do(lambda: reset(self._lost))

    @contextmanager
    def delay(self, seconds: float) -> Iterator[None]:
        """All that passes comes so much later, in either direction."""
        self._delay_s = seconds
        try:
            yield
        finally:
            self._delay_s = 0.0

    def reset(self) -> None:
        """Every connection of this moment."""
        self._do(lambda: reset(self._connections))

    def _do(self, change: Callable[[], object]) -> None:
        self._loop.call_soon_threadsafe(change)

    async def _serve(self, client_reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        host, _, port = self.target.rpartition(":")
        try:
            broker_reader, broker = await asyncio.open_connection(host, int(port))
        except OSError:
            client.transport.abort()
            return
        ends = client, broker
        self._connections.add(ends)
        try:
            await asyncio.gather(
                self._pass_requests(client_reader, broker), self._pass_answers(broker_reader, client, ends)
            )
        finally:
            self._connections.discard(ends)
            self._lost.discard(ends)
            for end in ends:
                end.transport.abort()

    async def _pass_requests(self, requests: asyncio.StreamReader, broker: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await requests.read(CHUNK_BYTES):
                await self._hold()
                broker.write(data)
                await broker.drain()
        await self._hold()
        with suppress(OSError):
            broker.write_eof()

    async def _pass_answers(self, answers: asyncio.StreamReader, client: asyncio.StreamWriter, ends: Ends) -> None:
        with suppress(OSError):
            while data := await answers.read(CHUNK_BYTES):
                await self._hold()
                if self._loses_answers or ends in self._lost:
                    self._lost.add(ends)
                    continue
                client.write(data)
                await client.drain()
        await self._hold()
        client.close()

    async def _hold(self) -> None:
        await self._passes.wait()
        if self._delay_s:
            await pause(self._delay_s)


def reset(connections: Collection[Ends]) -> None:
    for end in chain.from_iterable(connections):
        end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        end.transport.abort()
