"""The published vectors of Kafka's own client tests, and Kafka's Python client as a second opinion."""

import pytest
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.partitioner import murmur2 as murmur2_of_aiokafka
from hypothesis import given
from hypothesis import strategies as st

from libs.events.partitions import murmur2, partition_of

# org.apache.kafka.common.utils.UtilsTest.testMurmur2
PUBLISHED = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize(("key", "signed"), PUBLISHED.items())
def test_a_key_hashes_as_in_kafkas_java_clients(key: bytes, signed: int) -> None:
    assert murmur2(key) == signed % 2**32


@given(st.binary(max_size=64))
def test_any_key_hashes_as_in_aiokafka(key: bytes) -> None:
    assert murmur2(key) & 0x7FFFFFFF == murmur2_of_aiokafka(key) & 0x7FFFFFFF


@given(st.binary(max_size=64), st.integers(1, 100))
def test_any_key_goes_to_the_partition_that_aiokafka_chooses(key: bytes, count: int) -> None:
    everyone = list(range(count))
    assert partition_of(key, count) == DefaultPartitioner()(key, everyone, everyone)
