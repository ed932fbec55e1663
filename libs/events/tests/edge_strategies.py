"""Events as other systems send them, right and wrong, for the tests of the edge."""

from typing import Any

from hypothesis import strategies as st

from libs.events.catalog.registry import CATALOG, EventType, Kind
from libs.events.tests.catalog_strategies import plain_data

OBSERVATIONS = [each for each in CATALOG.values() if each.kind is Kind.OBSERVATION]
FOREIGN: dict[str, Any] = {
    "specversion": "1.0",
    "id": "1",
    "source": "urn:example:shop",
    "type": "com.example.cart.abandoned",
    "subject": "crm:4711",
    "time": "2026-03-02T10:15:00Z",
    "data": {"cart": "K-3", "items": [{"a": 1}, {"a": 2}]},
}

SUBJECTS = ["crm:4711", "email:Ada@Example.org", "tel:+442079460958", "crm:", "nobody", "email:x", "crm:a\nb"]
TIMES = [
    *("2026-03-02T10:15:00Z", "2026-03-02T10:15:00.123456+01:00", "2026-03-02T10:15:00", "2027-01-01T00:00:00Z"),
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59-10:00", "soon", "", None),
]
IDS = ["1", "é", "", "x" * 512, "x" * 513, 1]
SOURCES = ["urn:a", "/shop", "/interactions/1", "//contacts", "a b", "", "x" * 2_048, "x" * 2_049, None]
CONTENT_TYPES = ["application/json", "application/json; charset=utf-8", "application/x+json", "text/xml", ""]
TYPES = [
    *("com.example.x", "rapport.nope.v1", "rapport.interactions.interaction.amended.v1"),
    *("rapport.feedback.vote.cast.v1", "", 5),
]
FIELDS = ["amount_minor", "currency", "channel", "text", "actor", "order", "lines", "unknown", "severity", "score"]
# Bytes that are put anywhere into an event.
PIECES = [
    *(b'"', b"\\", b":", b",", b'":', b'\\":"', b"{", b"}", b"[", b"]", b"/", b" ", b" :", b"\n", b"\t", b"\r"),
    *(b"\\u0061", b"\\u0000", b"\\ud800", b"\\/", b"\\n", b"\x00", b"\x01", b"\x7f", b"\xff", b"\xc3\xa9"),
    *(b"null", b"NaN", b"1e400", b"-0", b"1.0", b"9" * 30, b"\xef\xbb\xbf", b"\xed\xa0\x80"),
    *(b'"id":"1",', b'"a":1,', b'"data":{},', b'"amount_minor":1,'),
]

texts = st.text(max_size=9) | st.sampled_from(['":', '\\":"', "\x00", "\x01", "\ud800"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(texts, inside, max_size=3),
    max_leaves=8,
)
attributes = st.fixed_dictionaries(
    {"specversion": st.sampled_from(["1.0", "1.0", "1.0", "0.3", 1]), "id": st.sampled_from(IDS)},
    optional={
        "source": st.sampled_from(SOURCES),
        "subject": st.sampled_from(SUBJECTS),
        "time": st.sampled_from(TIMES),
        "type": st.sampled_from(TYPES),
        "datacontenttype": st.sampled_from(CONTENT_TYPES),
        "dataschema": st.sampled_from(["urn:s", "a b", None]),
        "sequence": st.just("1"),
        "subjectnode": st.just("1"),
        "traceparent": st.sampled_from(["x", 1, True, None, 2**31, 1.5, {}]),
        "Not_Allowed": st.just("x"),
        "data_base64": st.just("eA=="),
        "extra": json_values,
    },
)
data_changes = st.dictionaries(
    st.sampled_from(FIELDS),
    json_values | st.integers(2**62, 2**70) | st.sampled_from(["email", "web", 1.0, "2026-01-01T00:00:00Z"]),
    max_size=2,
)
mutations = st.lists(st.tuples(st.integers(0), st.integers(0, 3), st.sampled_from(PIECES)), min_size=1, max_size=3)


def of_type(event_type: EventType) -> st.SearchStrategy[dict[str, Any]]:
    return plain_data(event_type).map(lambda data: {**FOREIGN, "type": event_type.name, "data": data})


def with_data(event: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    data = event["data"]
    return {**event, "data": {**data, **changes} if isinstance(data, dict) else data}


rightful = st.sampled_from(OBSERVATIONS).flatmap(of_type) | json_values.map(lambda data: {**FOREIGN, "data": data})
