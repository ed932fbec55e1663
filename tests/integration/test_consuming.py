"""examples/consumer.py, which knows nothing of Rapport, says of every record what Rapport's own fold says."""

import json
import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Protocol
from uuid import UUID

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from hypothesis import given
from hypothesis import strategies as st

from examples import consumer
from libs.events.kafka_log.adapter import open_kafka_log
from libs.events.kafka_log.place import KafkaPlace
from libs.events.log import EVENT_HEADERS, LogBroken, Record
from libs.events.log_created import COUNTS, ensure_topics
from libs.events.partitions import partition_of
from libs.events.position import Partition
from libs.events.tests.folding_sample import decision, event
from tests.integration.consuming import (
    UNREADABLE,
    Place,
    Said,
    append,
    claim,
    created,
    firsts,
    outcomes,
    partitions_of,
    respelled,
    story,
    write,
)

PROGRAM = Path(consumer.__file__)
PATIENCE_S = 60.0
ONE_TOPIC = ("interactions",)

_numbers = count(1)


class Kafka(Protocol):
    bootstrap: str


@pytest.fixture
def prefix() -> str:
    """Sets the topics of a test apart."""
    return f"consuming-{os.getpid()}-{next(_numbers)}-"


def command(kafka: Kafka, prefix: str, *more: str) -> list[str]:
    return [sys.executable, str(PROGRAM), "--bootstrap", kafka.bootstrap, "--prefix", prefix, *more]


def run(kafka: Kafka, prefix: str, *more: str) -> "subprocess.CompletedProcess[str]":
    """In an empty environment and from another folder: nothing of Rapport can be imported."""
    return subprocess.run(
        [sys.executable, "-P", *command(kafka, prefix, "--until-end", *more)[1:]],
        cwd="/",
        env={},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def lines(text: str) -> dict[Place, dict[str, object]]:
    read = [json.loads(line) for line in text.splitlines()]
    return {(line["topic"], line["partition"], line["offset"]): line for line in read}


class TestOnKafka:
    @pytest.mark.asyncio
    async def test_says_what_a_fold_says(self, kafka: Kafka, prefix: str) -> None:
        said = [*firsts(), *story()]
        await write(kafka.bootstrap, prefix, said)
        done = run(kafka, prefix)
        assert done.returncode == 0, done.stderr
        read = lines(done.stdout)
        expected = await outcomes(said)
        assert {place: line["outcome"] for place, line in read.items()} == expected
        assert len(read) == len(done.stdout.splitlines()), "a record was read twice"
        assert set(expected.values()) == {
            "applied", "duplicate", "quarantined", "superseded", "held", "parked", "unjudged", "invalid",
        }  # fmt: skip
        ada = [line for line in read.values() if line["subject"] == "crm:ada" and line["outcome"] == "applied"]
        assert {(line["id"], line["type"]) for line in ada} >= {
            ("1", "com.example.paid"), ("a", "rapport.interactions.interaction.completed.v1"),
        }  # fmt: skip

    @pytest.mark.asyncio
    async def test_reads_what_rapport_writes(self, kafka: Kafka, prefix: str) -> None:
        said = story()
        async with open_kafka_log(KafkaPlace(kafka.bootstrap, prefix, single_broker=True)) as log:
            log_id = await ensure_topics(log, "check")
            for name in dict.fromkeys(topic for topic, _ in said):
                await log.append(name, [each for topic, each in said if topic == name])
        done = run(kafka, prefix)
        assert done.returncode == 0, done.stderr
        assert f"log {log_id}" in done.stderr.splitlines()
        expected = await outcomes([*firsts(), *said])
        assert {place: line["outcome"] for place, line in lines(done.stdout).items()} == expected

    @pytest.mark.asyncio
    async def test_reads_the_topics_that_are_asked_for(self, kafka: Kafka, prefix: str) -> None:
        await write(kafka.bootstrap, prefix, [*firsts(("identity", "operations")), ("identity", claim(1))])
        done = run(kafka, prefix, "--topics", "operations", "identity")
        assert done.returncode == 0, done.stderr
        assert list(lines(done.stdout)) == [("identity", 0, 1)]

    @pytest.mark.asyncio
    async def test_follows_until_it_is_interrupted(self, kafka: Kafka, prefix: str) -> None:
        await write(kafka.bootstrap, prefix, firsts(ONE_TOPIC))
        with following(command(kafka, prefix, "--topics", *ONE_TOPIC)) as process:
            assert process.stdout
            for number in range(3):
                await append(kafka.bootstrap, prefix, [("interactions", event("ada", str(number), 1))])
                assert json.loads(process.stdout.readline())["id"] == str(number)
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE_S) == 0

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        ("said", "reason"),
        [
            ([], "there is no topic"),
            (firsts(ONE_TOPIC)[1:], "interactions', partition=0) has no first record"),
            ([("interactions", Record(b"x", b"{}", partition=0)), *firsts(ONE_TOPIC)[1:]], "is not log.created"),
            (
                [("interactions", created(Partition("feedback", 0))), *firsts(ONE_TOPIC)[1:]],
                "was made for ('feedback', 0, 12)",
            ),
            (
                [("interactions", created(Partition("interactions", 0), UUID(int=8))), *firsts(ONE_TOPIC)[1:]],
                "the first records name 2 logs",
            ),
            (
                [("interactions", created(p, counts={**COUNTS, "interactions": 24})) for p in partitions_of(ONE_TOPIC)],
                ", 24)",
            ),
            (
                [*firsts(ONE_TOPIC), *(("interactions", decision("ada", f"{n}", n, 5)) for n in (1, 3))],
                "has the sequence 3 where the last one was 1",
            ),
        ],
        ids=["no topic", "an empty partition", "no log.created", "another topic", "two logs", "counts", "a gap"],
    )
    async def test_stops_where_the_log_is_broken(
        self, kafka: Kafka, prefix: str, said: list[Said], reason: str
    ) -> None:
        if said:
            await write(kafka.bootstrap, prefix, said)
        done = run(kafka, prefix, "--topics", *ONE_TOPIC)
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1].startswith("log broken: "), done.stderr
        assert reason in done.stderr

    @pytest.mark.asyncio
    async def test_stops_where_the_beginning_was_taken_away(self, kafka: Kafka, prefix: str) -> None:
        await write(kafka.bootstrap, prefix, [*firsts(ONE_TOPIC), ("interactions", event("ada", "1", 1))])
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
        await admin.start()
        ada = TopicPartition(f"{prefix}interactions", partition_of(b"ada", COUNTS["interactions"]))
        await admin.delete_records({ada: RecordsToDelete(before_offset=1)})
        await admin.close()
        done = run(kafka, prefix, "--topics", *ONE_TOPIC)
        assert done.returncode == 1
        assert "log broken: an offset that was there is gone" in done.stderr


@contextmanager
def following(arguments: Sequence[str]) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def test_says_how_it_is_used() -> None:
    done = subprocess.run([sys.executable, PROGRAM, "--help"], capture_output=True, text=True, check=True)
    assert all(option in done.stdout for option in ("--bootstrap", "--prefix", "--topics", "--until-end"))


def test_says_that_no_broker_answers() -> None:
    arguments = [sys.executable, str(PROGRAM), "--bootstrap", "127.0.0.1:1"]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("Kafka: ")


def record(partition: Partition, offset: int, said: Record, timestamp: int = 0) -> "ConsumerRecord[bytes, bytes]":
    place = (partition.topic, partition.number, offset)
    return ConsumerRecord(
        *place, timestamp, 1, said.key, said.value, None, len(said.key), len(said.value), said.headers
    )


def reader() -> consumer.Reader:
    return consumer.Reader({TopicPartition(*partition): 0 for partition in partitions_of(COUNTS)})


def read_all(said: Sequence[Said]) -> dict[Place, object]:
    """What the program's rules make of records, without a broker."""
    rules, ends, read = reader(), defaultdict[Partition, int](int), {}
    for topic, each in said:
        number = partition_of(each.key, COUNTS[topic]) if each.partition is None else each.partition
        partition = Partition(topic, number)
        if line := rules.take(topic, record(partition, ends[partition], each)):
            read[topic, number, ends[partition]] = line["outcome"]
        ends[partition] += 1
    return read


KEYS = st.sampled_from(["ada", "bob"])
IDS = st.sampled_from(["1", "2"])
REQUESTS = st.sampled_from(["", "r", "s"])


@st.composite
def records(draw: st.DrawFn) -> Said:
    key, id_, request = draw(KEYS), draw(IDS), draw(REQUESTS)
    kinds: dict[str, Callable[[], Record]] = {
        "observation": lambda: event(key, id_, draw(st.sampled_from([1, 1.0, 2, True, None]))),
        "decision": lambda: decision(
            key, id_, draw(st.integers(0, 3)), draw(st.integers(1, 2)),
            request=request, scope=draw(st.sampled_from(["", f"other-{key}"])),
        ),
        "bad sequence": lambda: decision(key, id_, draw(st.sampled_from(["", "-1", "１", "1" * 21])), 1),
        "unreadable": lambda: Record(draw(st.sampled_from([b"eve", key.encode()])), draw(st.sampled_from(UNREADABLE))),
        "claim": lambda: claim(draw(st.integers(1, 2)), draw(st.sampled_from(["", "other"]))),
    }  # fmt: skip
    kind = draw(st.sampled_from(["observation", "observation", "decision", "decision", *kinds]))
    made = kinds[kind]()
    if kind == "observation":
        made = Record(
            made.key, made.value, ((*EVENT_HEADERS, ("request", request.encode())) if request else EVENT_HEADERS)
        )
    if kind in {"observation", "claim"} and draw(st.booleans()):
        times = [{}, {"time": "2026-03-02T10:15:00Z"}, {"time": "2026-03-02t11:15:00.000+01:00"}]
        made = respelled(made, **draw(st.sampled_from(times)))
    return ("identity" if kind == "claim" else "interactions"), made


@given(st.lists(records(), max_size=30))
@pytest.mark.asyncio
async def test_rules_as_a_fold_does(drawn: list[Said]) -> None:
    said = [*firsts(), *drawn]
    try:
        expected = await outcomes(said)
    except LogBroken:
        with pytest.raises(consumer.LogBroken):
            read_all(said)
    else:
        assert read_all(said) == expected


def test_a_gap_in_the_offsets_is_seen() -> None:
    rules = reader()
    rules.take("identity", record(Partition("identity", 0), 0, claim(1)))
    with pytest.raises(consumer.LogBroken, match="jumps from 1 to 2"):
        rules.take("identity", record(Partition("identity", 0), 2, claim(1)))


def test_recorded_time_never_steps_back_and_is_copied() -> None:
    rules, identity = reader(), Partition("identity", 0)
    copied = Record(b"identity", claim(3).value, (*EVENT_HEADERS, ("recordedtime", b"1970-01-01T01:00:02.5+01:00")))
    said = [(claim(1), 2_000), (claim(2), 1_000), (copied, 9_000), (claim(4), 3_000)]
    read = [rules.take("identity", record(identity, offset, *each)) for offset, each in enumerate(said)]
    times = [datetime.fromisoformat(str(line["recorded_at"])) - consumer.EPOCH for line in read if line]
    assert times == [timedelta(milliseconds=ms) for ms in (2_000, 2_000, 2_500, 3_000)]
