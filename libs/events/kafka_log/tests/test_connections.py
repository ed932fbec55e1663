"""Connections that are cut, as uvloop tells of it: a service serves on uvloop, tests on asyncio's own loop. Commits."""

import asyncio
import gc
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import uvloop
from aiokafka.conn import AIOKafkaConnection
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import KafkaConnectionError

from libs.events.kafka_log import connections as mended
from libs.events.kafka_log.adapter import KafkaLog
from libs.events.tests.log_contract import ALL_BYTES, DEADLINE_S, TOPIC, one_of_each_partition, until
from tests.faults import deadlines

pytestmark = pytest.mark.asyncio


class Closed:
    """A writer whose connection was cut, and whose reader has not heard of it."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def write(self, _data: bytes) -> None:
        raise RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")

    def close(self) -> None:
        self._writer.close()


def connections(client: Any) -> list[Any]:
    return [each for each in client._conns.values() if each._writer is not None]


def cut(client: Any) -> None:
    """Every connection that it has."""
    for each in connections(client):
        each._writer = Closed(each._writer)


def clients(log: KafkaLog) -> Iterator[Any]:
    assert log.lookups._consumer is not None
    yield log.lookups._consumer._client
    for stream in log.streams:
        assert stream._consumer is not None
        yield stream._consumer._client


async def test_a_connection_that_is_cut_costs_no_append_no_fetch_and_no_question(log: KafkaLog) -> None:
    ends = await log.ends([TOPIC])
    bell = log.doorbell()
    await log.read(ends, max_records=1, max_bytes=1, bell=bell)
    await bell.wait(DEADLINE_S)
    await log.append(TOPIC, one_of_each_partition())
    _, producer = await log.writer.producers.current()
    connected = [producer.client, *clients(log)]
    assert len(connected) == 3
    await deadlines.until(lambda: all(connections(client) for client in connected), DEADLINE_S, "all are connected")
    for client in connected:
        cut(client)
    written = await log.append(TOPIC, one_of_each_partition())
    assert await log.ends([TOPIC]) == written.positions

    async def all_arrive() -> bool:
        for piece in await log.read(ends, max_records=ALL_BYTES, max_bytes=ALL_BYTES, bell=bell):
            ends[piece.partition] = piece.next_offset
        return ends == written.positions

    await until(log, all_arrive)
    assert log.writer.producers.replaced == 0
    bell.close()


async def test_a_commit_whose_connection_is_closed_when_nobody_waits_any_longer_prints_no_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def cut(*_: object) -> None:
        raise KafkaConnectionError("the connection was closed")

    monkeypatch.setattr(mended, "_commit", cut)
    shielded = asyncio.ensure_future(GroupCoordinator._do_commit_offsets(None, {}, {}))
    await asyncio.wait([shielded])
    assert not shielded._log_traceback
    with pytest.raises(KafkaConnectionError):
        await shielded


def told_by_uvloop() -> list[str]:
    """What it prints when nobody waits any longer for connections to a broker that has no address."""
    told: list[str] = []
    nowhere = ".".join(5 * [60 * "a"])  # too long to be asked for

    async def stop_waiting() -> None:
        trying = asyncio.create_task(AIOKafkaConnection(nowhere, 9092).connect())
        await asyncio.wait([trying], timeout=0)
        trying.cancel()
        with suppress(asyncio.CancelledError, OSError):
            await trying

    async def try_often() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: told.append(context["message"]))
        for _ in range(8):
            await stop_waiting()
        for _ in range(8):
            with suppress(OSError):
                await loop.getaddrinfo(nowhere, 9092)
        gc.collect()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(try_often())
    return told


async def test_a_name_that_is_looked_up_for_nobody_any_longer_is_not_told_of() -> None:
    assert await asyncio.to_thread(told_by_uvloop) == []
