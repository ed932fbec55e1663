"""Which partition a key belongs to: murmur2 as Apache Kafka's Java clients compute it, on every log adapter."""

from functools import lru_cache
from struct import unpack_from

CACHED_KEYS = 65_536  # pure Python murmur2 of a 36-byte key costs about 2 us, a cache hit 0.1

_SEED = 0x9747B28C
_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """The 32-bit hash, unsigned (`org.apache.kafka.common.utils.Utils.murmur2`, which returns it signed)."""
    words, whole = len(data) >> 2, len(data) & ~3
    h = _SEED ^ len(data)
    for word in unpack_from(f"<{words}I", data):
        k = word * _M & _MASK
        h = (h * _M ^ (k ^ k >> 24) * _M) & _MASK
    if rest := data[whole:]:
        h = (h ^ int.from_bytes(rest, "little")) * _M & _MASK
    h = (h ^ (h >> 13)) * _M & _MASK
    return h ^ (h >> 15)


@lru_cache(CACHED_KEYS)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key: the hash without its sign bit, modulo the count."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions
