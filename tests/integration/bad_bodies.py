"""Bodies that no route takes: what is sent, the status, and the code."""

import json

from tests.integration.client import foreign

NAN = b'{"specversion":"1.0","id":"1","source":"urn:x","type":"x","subject":"crm:1","data":NaN}'
DEEP = b"[" * 5_000

BODIES = {
    "empty": (b"", 400, "not_json"),
    "space": (b" \n", 400, "not_json"),
    "half": (b'{"id":', 400, "not_json"),
    "two texts": (b"{} {}", 400, "not_json"),
    "NaN": (NAN, 400, "not_json"),
    "Infinity": (NAN.replace(b"NaN", b"-Infinity"), 400, "not_json"),
    "no UTF-8": (b'{"id":"\xff"}', 400, "not_json"),
    "UTF-16": (json.dumps(foreign("crm:1")).encode("utf-16"), 400, "not_json"),
    "an encoded surrogate": (b'{"id":"\xed\xa0\x80"}', 400, "not_json"),
    "a raw NUL": (b'{"id":"\x00"}', 400, "not_json"),
    "a byte order mark": (b"\xef\xbb\xbf{}", 400, "not_json"),
    "5,000 brackets": (DEEP, 422, "invalid_event"),
    "5,000 pairs of brackets": (DEEP + b"]" * 5_000, 422, "invalid_event"),
    "5,000 braces": (b'{"a":' * 5_000, 422, "invalid_event"),
    "null": (b"null", 422, "invalid_event"),
    "a text": (b'"event"', 422, "invalid_event"),
    "a huge number": (b"1" * 5_000, 422, "invalid_event"),
    "a huge exponent": (b"1e999999999", 422, "invalid_event"),
    "a key twice": (b'{"id":"1","id":"2"}', 422, "invalid_event"),
}
