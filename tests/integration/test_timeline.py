"""A person's timeline: order, filters, pages, what was known when."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.integration.client import Api, Event, foreign, purchase, refused, someone
from tests.integration.conftest import System, on_each_log

DAY = "2026-03-02"


@pytest.fixture(scope="module")
def api(system: System) -> Iterator[Api]:
    made = Api(system)
    yield made
    made.close()


def at(subject: str, hour: int, **data: object) -> Event:
    """About a complaint, at an hour of the day; its id is the hour. No score comes from it, so nothing follows it."""
    fields = {"complaint": f"C-{hour}", "touchpoint": "billing"} | data
    return purchase(subject, f"{hour}", time=f"{DAY}T{hour:02}:00:00Z", data=fields) | {
        "type": "rapport.interactions.complaint.acknowledged.v1"
    }


@pytest.fixture(scope="module")
def ada(api: Api) -> str:
    """A person with ten events, an hour apart, recorded in no order."""
    ada = someone()
    events = [
        at(
            ada,
            hour,
            channel=("telephone", "chat")[hour % 2],
            direction=("inbound", "outbound")[hour // 5],
            touchpoint=("billing", "website", "acme:desk")[hour % 3],
        )
        for hour in (4, 9, 1, 8, 0, 7, 2)
    ]
    events += [foreign(ada, f"{hour}", time=f"{DAY}T{hour:02}:00:00Z") for hour in (6, 3, 5)]
    token = api.posted(*events)
    assert len(api.page(ada, min_position=token)["items"]) == 10
    return ada


def walk(api: Api, ref: str, **params: Any) -> list[list[str]]:
    """The ids of each page, by following the Link header."""
    pages = []
    response = api.timeline.get(f"/v1/timeline/{ref}", params=params)
    while True:
        pages.append([item["event_id"] for item in response.json()["items"]])
        if response.json()["next_cursor"] is None:
            assert "link" not in response.headers
            return pages
        response = api.timeline.get(response.links["next"]["url"])


class TestWho:
    def test_a_person_of_one_name(self, api: Api, ada: str) -> None:
        page = api.page(ada, limit=1)
        node = page["contact"]
        assert page == {
            "contact": node,
            "members": [node],
            "identifiers": [ada],
            "items": page["items"],
            "next_cursor": page["next_cursor"],
        }
        assert page["items"][0]["contact"] == node

    def test_the_same_person_by_uuid(self, api: Api, ada: str) -> None:
        by_name = api.page(ada)
        node = by_name["contact"]
        for ref in (node, node.upper(), f"contact:{node}", f"contact:{node.upper()}"):
            assert api.page(ref) == by_name

    @pytest.mark.parametrize("value", ["a/b", "a b", "50%", "é", "a?b", "a#b", "../../x", "a:b", "😀"])
    def test_a_name_with_any_character(self, api: Api, value: str) -> None:
        token = api.posted(purchase(name := f"{someone()}{value}"))
        encoded = "".join(f"%{byte:02X}" for byte in name.encode())
        assert api.page(encoded, min_position=token)["identifiers"] == [name]

    @pytest.mark.parametrize("ref", ["crm:nobody-at-all", "0198b1f2-5c1e-8c3a-9d6b-1f0a52c7e4d1", "email:a%40b@c.org"])
    def test_one_that_nobody_has_heard_of(self, api: Api, ref: str) -> None:
        response = api.timeline.get(f"/v1/timeline/{ref}")
        code = ("bad_ref", 400) if "@c" in ref else ("contact_unknown", 404)
        refused(response, code[1], code[0])

    @pytest.mark.parametrize(
        "ref",
        [
            "ada",
            "",
            "Crm:1",
            "crm:",
            ":1",
            "0198b1f2",
            "tel:12",
            "email:ada",
            "contact:ada",
            "crm:%EF%BF%BD",
            "crm:a%0Ab",
        ],
    )
    def test_what_is_no_name(self, api: Api, ref: str) -> None:
        refused(api.timeline.get(f"/v1/timeline/{ref}"), 400, "bad_ref", "ref")

    @pytest.mark.parametrize("ref", ["crm:%ff", "crm:%00", "crm:%ed%a0%80", "%c0%80"])
    def test_what_is_no_text(self, api: Api, ref: str) -> None:
        refused(api.timeline.get(f"/v1/timeline/{ref}"), 400, "bad_path")


class TestFilters:
    @pytest.mark.parametrize(
        ("params", "hours"),
        [
            ({}, "9876543210"),
            ({"channel": "chat"}, "971"),
            ({"direction": "inbound"}, "4210"),
            ({"touchpoint": "website"}, "741"),
            ({"touchpoint": "acme:desk"}, "82"),
            ({"type": "com.example.cart.abandoned"}, "653"),
            ({"type": "com.example.never"}, ""),
            ({"service": "interactions"}, "9876543210"),
            ({"service": "feedback"}, ""),
            ({"from": f"{DAY}T08:00:00Z"}, "98"),
            ({"to": f"{DAY}T02:00:00Z"}, "10"),
            ({"as_of": f"{DAY}T02:00:00Z"}, "210"),
            ({"as_of": f"{DAY}T03:30:00+01:00"}, "210"),
            ({"from": f"{DAY}T03:00:00Z", "to": f"{DAY}T06:00:00Z"}, "543"),
            ({"from": f"{DAY}T01:00:00Z", "as_of": f"{DAY}T02:00:00Z", "channel": "telephone"}, "2"),
            ({"limit": "3"}, "987"),
            ({"limit": "500"}, "9876543210"),
            ({"known_at": f"{DAY}T23:00:00Z"}, ""),
            ({"known_at": "2999-01-01T00:00:00Z"}, "9876543210"),
            ({"limit": "", "cursor": "", "type": "", "channel": "", "as_of": "", "min_position": ""}, "9876543210"),
        ],
    )
    def test_each_and_together(self, api: Api, ada: str, params: dict[str, str], hours: str) -> None:
        assert "".join(api.ids(ada, **params)) == hours

    @on_each_log
    def test_known_at_is_a_moment_between_two_recordings(self, api: Api) -> None:
        name = someone()
        api.posted(at(name, 9))
        first = api.page(name, min_position=api.posted(foreign(name, "marker")))["items"]
        moment = next(item["recorded_at"] for item in first if item["event_id"] == "marker")
        token = api.posted(at(name, 7))
        later = api.page(name, min_position=token, limit=500)["items"]
        late = next(item for item in later if item["event_id"] == "7")
        known = api.ids(name, known_at=moment)
        assert {"9", "marker"} <= set(known)
        assert ("7" in known) == (late["recorded_at"] <= moment)
        assert "7" in api.ids(name, known_at=late["recorded_at"])

    @pytest.mark.parametrize(
        ("query", "code"),
        [
            ("limit=0", "bad_parameter"),
            ("limit=501", "bad_parameter"),
            ("limit=-1", "bad_parameter"),
            ("limit=1e2", "bad_parameter"),
            (f"limit={'9' * 5_000}", "bad_parameter"),
            ("cursor=made-up", "bad_cursor"),
            ("cursor=%F0%9F%98%80", "bad_cursor"),
            ("service=marketing", "bad_parameter"),
            ("channel=telefone", "bad_parameter"),
            ("touchpoint=biling", "bad_parameter"),
            ("direction=up", "bad_parameter"),
            ("from=yesterday", "bad_parameter"),
            ("from=2026", "bad_parameter"),
            (f"from={DAY}T00:00:00", "bad_parameter"),
            ("to=9999-12-31T23:59:59-23:59", "bad_parameter"),
            ("as_of=0001-01-01T00:00:00%2B23:59", "bad_parameter"),
            ("known_at=1577836800", "bad_parameter"),
            ("colour=red", "bad_parameter"),
            ("from_=2026-03-02T00:00:00Z", "bad_parameter"),
            (f"type={'x' * 513}", "bad_parameter"),
            ("type=%00", "bad_parameter"),
            ("type=%ff", "bad_parameter"),
            ("%ff=1", "bad_parameter"),
        ],
    )
    def test_a_bad_one_is_refused(self, api: Api, ada: str, query: str, code: str) -> None:
        problem = refused(api.timeline.get(f"/v1/timeline/{ada}?{query}"), 400, code)
        if code == "bad_parameter" and "%" not in query.partition("=")[0] and "%00" not in query and "%ff" not in query:
            assert [error["pointer"] for error in problem["errors"]] == [query.partition("=")[0]]


class TestPages:
    @pytest.mark.parametrize("limit", [1, 3, 5, 10, 11])
    def test_pages_follow_each_other_without_gap_or_repeat(self, api: Api, ada: str, limit: int) -> None:
        pages = walk(api, ada, limit=limit)
        assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
        assert "".join("".join(page) for page in pages) == "9876543210"
        assert len(pages) == -(-10 // limit)

    def test_filters_go_with_the_link(self, api: Api, ada: str) -> None:
        assert walk(api, ada, limit=2, direction="inbound", **{"from": f"{DAY}T01:00:00Z"}) == [["4", "2"], ["1"]]

    @on_each_log
    def test_events_of_one_moment_are_all_there_once(self, api: Api) -> None:
        name = someone()
        token = api.posted(*(foreign(name, f"same-{n}", time=f"{DAY}T12:00:00Z") for n in range(25)))
        api.page(name, min_position=token)
        found = [id_ for page in walk(api, name, limit=4) for id_ in page]
        assert found == [f"same-{n}" for n in reversed(range(25))]

    @on_each_log
    def test_a_cursor_stays_right_when_late_events_arrive_between_pages(self, api: Api) -> None:
        name = someone()
        token = api.posted(*(at(name, hour) for hour in (2, 4, 6, 8)))
        first = api.page(name, limit=2, min_position=token)
        assert [item["event_id"] for item in first["items"]] == ["8", "6"]
        token = api.posted(at(name, 9), at(name, 7), at(name, 5), at(name, 3))
        rest = api.ids(name, cursor=first["next_cursor"], min_position=token)
        assert rest == ["5", "4", "3", "2"]
        assert api.ids(name) == ["9", "8", "7", "6", "5", "4", "3", "2"]

    def test_a_page_that_just_fits_has_no_next(self, api: Api, ada: str) -> None:
        assert api.page(ada, limit=10)["next_cursor"] is None
        assert api.page(ada, limit=9)["next_cursor"] is not None

    def test_a_link_of_a_name_with_odd_characters_can_be_followed(self, api: Api) -> None:
        name = f"{someone()}/ä b%2F"
        encoded = "".join(f"%{byte:02X}" for byte in name.encode())
        token = api.posted(*(at(name, hour) for hour in (1, 2, 3)))
        api.page(encoded, min_position=token)
        assert walk(api, encoded, limit=1) == [["3"], ["2"], ["1"]]


class TestItems:
    def test_an_item_has_all_its_fields(self, api: Api) -> None:
        name = someone()
        said = {"channel": "chat", "text": "Charged twice", "actor": {"kind": "customer"}}
        event = at(name, 3, severity=3, **said) | {"id": name, "type": "rapport.interactions.complaint.lodged.v1"}
        token = api.posted(event)
        page = api.page(name, min_position=token)
        [item] = page["items"]
        assert item == {
            "event_id": name,
            "type": "rapport.interactions.complaint.lodged.v1",
            "service": "interactions",
            "contact": page["contact"],
            "title": "Complaint about billing, severity 3: Charged twice",
            "actor": {"kind": "customer"},
            "channel": "chat",
            "direction": None,
            "touchpoint": "billing",
            "occurred_at": f"{DAY}T03:00:00Z",
            "recorded_at": item["recorded_at"],
            "position": item["position"],
            "source": "urn:example:shop",
            "data": event["data"],
        }
        assert [found["position"] for found in api.found(name, min_position=token)] == [item["position"]]


@on_each_log
def test_pages_that_are_asked_for_at_once_are_each_of_their_own(api: Api) -> None:
    people = {someone(): n for n in range(1, 25)}
    token = api.posted(*(foreign(person, f"{n}") for person, most in people.items() for n in range(most)))
    api.timeline.get(f"/v1/timeline/{next(iter(people))}", params={"min_position": token})
    with ThreadPoolExecutor(len(people)) as pool:
        pages = dict(zip(people, pool.map(lambda person: api.page(person, limit=10), people), strict=True))
    assert {person: len(page["items"]) for person, page in pages.items()} == {p: min(n, 10) for p, n in people.items()}
    assert all(page["identifiers"] == [person] for person, page in pages.items())
