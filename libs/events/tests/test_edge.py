"""Both roads of the edge, held beside each other: generated events, right and wrong, get one verdict."""

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from libs.events.catalog.registry import CATALOG, EventType, Kind
from libs.events.edge import Edge, looks_plain
from libs.events.examine import MAX_EVENT_BYTES, OUR_PATHS, EventRefused
from libs.events.identifiers import Nodes
from libs.events.log import EVENT_HEADERS, Record
from libs.events.tests.edge_strategies import (
    FOREIGN,
    OBSERVATIONS,
    attributes,
    data_changes,
    mutations,
    rightful,
    with_data,
)

NODES = Nodes(bytes(32))
EDGE = Edge(NODES)
LATEST = datetime(2026, 3, 2, 12, tzinfo=UTC)
OURS = [each for each in CATALOG.values() if each.kind is not Kind.OBSERVATION]
PURCHASE = CATALOG["rapport.interactions.purchase.recorded.v1"].example

Verdict = bytes | tuple[int, list[tuple[str, str]]]


def verdict(raw: bytes, *, plain: bool) -> Verdict:
    """The key, or the status with each problem's pointer and code."""
    try:
        record = EDGE.check(raw, LATEST, plain=plain)
    except EventRefused as refused:
        return refused.status, [(problem.pointer, problem.code) for problem in refused.problems]
    assert record == Record(record.key, raw, EVENT_HEADERS)
    return record.key


def both(raw: bytes) -> Verdict:
    thorough = verdict(raw, plain=False)
    assert verdict(raw, plain=looks_plain(raw)) == thorough
    return thorough


def written(event: object) -> bytes:
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode(errors="surrogatepass")


@given(rightful)
def test_both_roads_agree_on_events_as_they_should_be(event: dict[str, Any]) -> None:
    both(written(event))


@given(rightful, attributes, st.sets(st.sampled_from(sorted(FOREIGN)), max_size=1), data_changes)
def test_both_roads_agree_on_events_with_faults(
    event: dict[str, Any], changes: dict[str, Any], missing: set[str], data: dict[str, Any]
) -> None:
    changed = {**with_data(event, data), **changes}
    both(written({name: value for name, value in changed.items() if name not in missing}))


@given(rightful, mutations)
@example(dict(PURCHASE), [(1, 0, b'"id":"1",')])
def test_both_roads_agree_on_mutated_bytes(event: dict[str, Any], changes: list[tuple[int, int, bytes]]) -> None:
    raw = written(event)
    for at, cut, put in changes:
        at_ = at % (len(raw) + 1)
        raw = raw[:at_] + put + raw[at_ + cut :]
    both(raw)


@given(rightful, st.data())
def test_both_roads_agree_on_fields_that_come_twice(event: dict[str, Any], data: st.DataObject) -> None:
    raw = written(event)
    starts = [at + 1 for at in range(len(raw)) if raw[at : at + 1] in {b"{", b","}]
    pairs = [b'"id":"1",', b'"type":"com.example.x",', b'"order":"1",', b'"kind":"staff",', b'"data":null,', b'"a":1,']
    at = data.draw(st.sampled_from(starts))
    both(raw[:at] + data.draw(st.sampled_from(pairs)) + raw[at:])


@pytest.mark.parametrize("event_type", OBSERVATIONS, ids=lambda each: each.name)
def test_every_observation_is_taken_and_keyed_by_its_subjects_node(event_type: EventType) -> None:
    assert both(written(dict(event_type.example))) == NODES.key("crm:4711")


@pytest.mark.parametrize("event_type", OURS, ids=lambda each: each.name)
def test_no_other_type_of_ours_is_taken(event_type: EventType) -> None:
    refused = both(written({**FOREIGN, "type": event_type.name}))
    assert refused == (422, [("/type", "not_an_observation")])


@pytest.mark.parametrize("space", [b" ", b"\n", b"\t"])
def test_an_event_is_stored_as_it_was_sent(space: bytes) -> None:
    raw = json.dumps(FOREIGN, indent=1).encode().replace(b"\n", space)
    assert EDGE.check(raw, LATEST, plain=looks_plain(raw)).value == raw


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"specversion": "0.3"}, ("/specversion", "not_allowed")),
        ({"id": ""}, ("/id", "empty")),
        ({"id": 1}, ("/id", "type")),
        ({"id": None}, ("/id", "type")),
        ({"id": "x" * 513}, ("/id", "too_long")),
        ({"source": "a b"}, ("/source", "format")),
        ({"source": "x" * 2_049}, ("/source", "format")),
        ({"type": "rapport.interactions.nothing.v1"}, ("/type", "unknown_type")),
        ({"type": "x" * 513}, ("/type", "too_long")),
        ({"subject": "4711"}, ("/subject", "bad_identifier")),
        ({"subject": "email:ada"}, ("/subject", "bad_email")),
        ({"subject": "tel:0815"}, ("/subject", "bad_telephone")),
        ({"time": "2026-03-02T10:15:00"}, ("/time", "bad_time")),
        ({"time": "yesterday"}, ("/time", "bad_time")),
        ({"time": 5}, ("/time", "type")),
        ({"time": "2026-03-02T12:00:00.001Z"}, ("/time", "time_ahead")),
        ({"datacontenttype": "text/xml"}, ("/datacontenttype", "not_allowed")),
        ({"dataschema": "a b"}, ("/dataschema", "format")),
        ({"sequence": "1"}, ("/sequence", "reserved_attribute")),
        ({"subjectnode": "1"}, ("/subjectnode", "reserved_attribute")),
        ({"recordedtime": "1"}, ("/recordedtime", "reserved_attribute")),
        ({"Trace": "1"}, ("/Trace", "attribute_name")),
        ({"a/b": "1"}, ("/a~1b", "attribute_name")),
        ({"trace": {}}, ("/trace", "type")),
        ({"trace": 1.5}, ("/trace", "type")),
        ({"trace": 2**31}, ("/trace", "range")),
        ({"data_base64": "eA=="}, ("/data_base64", "binary_data")),
        ({"type": PURCHASE["type"], "data": None}, ("/data", "type")),
        ({"type": PURCHASE["type"], "data": []}, ("/data", "type")),
        ({"data": {"n": 2**63}}, ("/data/n", "number_range")),
        ({"data": ["\x00"]}, ("/data/0", "nul_character")),
    ],
)
def test_a_fault_is_named_with_its_place(changes: dict[str, Any], problem: tuple[str, str]) -> None:
    assert both(written({**FOREIGN, **changes})) == (422, [problem])


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type", "subject"])
def test_a_missing_attribute_is_named(name: str) -> None:
    assert both(written({key: FOREIGN[key] for key in FOREIGN if key != name})) == (422, [(f"/{name}", "required")])


@pytest.mark.parametrize("path", sorted(OUR_PATHS))
@pytest.mark.parametrize("source", ["/{}", "/{}/ideas/1", "//{}/1", "/{}/"])
def test_a_source_under_our_paths_is_refused(path: str, source: str) -> None:
    assert both(written({**FOREIGN, "source": source.format(path)})) == (422, [("/source", "reserved_source")])


@pytest.mark.parametrize("source", ["/interactions?a", "/interactions#a", "/./interactions", "/%69nteractions"])
def test_a_source_under_our_paths_in_another_spelling_is_refused(source: str) -> None:
    assert both(written({**FOREIGN, "source": source})) == (422, [("/source", "reserved_source")])


@pytest.mark.parametrize("source", ["interactions", "urn:interactions", "/interactions-shop", "/shop/interactions"])
def test_a_source_beside_our_paths_is_taken(source: str) -> None:
    assert both(written({**FOREIGN, "source": source})) == NODES.key("crm:4711")


HOSTILE = {
    b"": (400, [("", "not_json")]),
    b"\x00": (400, [("", "not_json")]),
    b"\xff\xfe": (400, [("", "not_json")]),
    b"null": (422, [("", "type")]),
    b"[]": (422, [("", "type")]),
    b"5": (422, [("", "type")]),
    b"NaN": (400, [("", "not_json")]),
    b"[" * 5_000: (422, [("", "too_deep")]),
    b"[" * 5_000 + b"]" * 5_000: (422, [("", "too_deep")]),
    b'{"a":' * 5_000: (422, [("", "too_deep")]),
    b"1" * 5_000: (422, [("", "number_range")]),
    b'{"id":"\\ud800"}': (422, [("/id", "lone_surrogate")]),
    b'{"id":"a\x00b"}': (400, [("", "not_json")]),
    b'{"id":"a\xffb"}': (400, [("", "not_json")]),
    b'{"id":"1","id":"1"}': (422, [("/id", "duplicate_key")]),
    b" " * (MAX_EVENT_BYTES + 1): (413, [("", "event_too_large")]),
}


@pytest.mark.parametrize(("raw", "expected"), HOSTILE.items(), ids=lambda each: repr(each)[:20])
def test_hostile_bytes_are_refused(raw: bytes, expected: Verdict) -> None:
    assert both(raw) == expected


@pytest.mark.parametrize("place", [b'"1"', b'"crm:4711"', b'"K-3"', b'"urn:example:shop"', b'"2026-03-02T10:15:00Z"'])
@pytest.mark.parametrize(
    "put", [b'"\\u0000"', b'"\\ud800"', b'"\xff"', b"[" * 5_000, b"9" * 400, b"1e400", b"NaN", b"", b'"a\x00"'],
    ids=lambda put: repr(put)[:12],
)  # fmt: skip
def test_hostile_values_are_refused_wherever_they_stand(place: bytes, put: bytes) -> None:
    raw = written(FOREIGN)
    assert place in raw
    refused = both(raw.replace(place, put))
    assert isinstance(refused, tuple)
    assert refused[0] in {400, 422}


def test_an_event_of_exactly_the_greatest_size_is_taken() -> None:
    room = MAX_EVENT_BYTES - len(written({**FOREIGN, "data": ""}))
    assert both(written({**FOREIGN, "data": "x" * room})) == NODES.key("crm:4711")
    assert both(written({**FOREIGN, "data": "x" * (room + 1)})) == (413, [("", "event_too_large")])


def test_everything_that_is_wrong_is_said_at_once() -> None:
    event = {**PURCHASE, "id": "", "time": "soon", "data": {"amount_minor": -1, "currency": "XXX", "odd": 1}}
    refused = both(written(event))
    assert isinstance(refused, tuple)
    assert sorted(refused[1]) == [
        ("/data/amount_minor", "range"),
        ("/data/currency", "not_allowed"),
        ("/data/odd", "unknown_field"),
        ("/data/order", "required"),
        ("/id", "empty"),
        ("/time", "bad_time"),
    ]


def test_a_time_is_believed_up_to_the_latest() -> None:
    check = partial(verdict, plain=True)
    assert isinstance(check(written({**FOREIGN, "time": LATEST.isoformat()})), bytes)
    assert isinstance(check(written({**FOREIGN, "time": (LATEST + timedelta(seconds=1)).isoformat()})), tuple)
