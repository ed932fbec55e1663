"""Events come in by `POST /v1/events`, in each of its forms, and it can be seen what became of them."""

import json
from collections.abc import Iterator

import httpx
import pytest

from libs.events.catalog.registry import CATALOG, Kind
from tests.integration.client import BATCH, STRUCTURED, Api, Event, codes, foreign, purchase, refused, someone
from tests.integration.conftest import System, on_each_log

LENIENT = {"Prefer": "handling=lenient"}
OBSERVATIONS = [type_ for type_ in CATALOG.values() if type_.kind is Kind.OBSERVATION]


@pytest.fixture(scope="module")
def api(system: System) -> Iterator[Api]:
    made = Api(system)
    yield made
    made.close()


def binary(event: Event) -> tuple[bytes, dict[str, str]]:
    attributes = {f"ce-{name}": str(value) for name, value in event.items() if name != "data"}
    return json.dumps(event["data"]).encode(), attributes


def accepted(response: httpx.Response, count: int = 1) -> str:
    assert response.status_code == 202, response.text
    answer = response.json()
    assert answer["accepted"] == count
    assert response.headers["rapport-position"] == answer["position"]
    position: str = answer["position"]
    return position


@on_each_log
class TestForms:
    def test_structured(self, api: Api) -> None:
        event = purchase(ada := someone())
        position = accepted(api.post(event))
        [item] = api.page(ada, min_position=position)["items"]
        assert (item["event_id"], item["data"]) == (event["id"], event["data"])

    @pytest.mark.parametrize("media_type", [f"{STRUCTURED}; charset=utf-8", STRUCTURED.upper()])
    def test_the_media_type_in_other_spellings(self, api: Api, media_type: str) -> None:
        accepted(api.send(purchase(someone()), media_type))

    def test_batch(self, api: Api) -> None:
        ada, grace = someone(), someone()
        events = [purchase(ada, "b1"), purchase(grace, "b2"), foreign(ada, "b3")]
        position = accepted(api.post_batch(events), 3)
        assert sorted(api.ids(ada, min_position=position)) == ["b1", "b3"]
        assert api.ids(grace, min_position=position) == ["b2"]

    def test_an_empty_batch(self, api: Api) -> None:
        with api.stores(0):
            accepted(api.post_batch([]), 0)

    def test_binary(self, api: Api) -> None:
        event = purchase(ada := someone(), time="2026-03-02T10:15:00+01:00", tenant="acme")
        body, headers = binary(event)
        position = accepted(api.send(body, "application/json", headers=headers))
        [item] = api.page(ada, min_position=position)["items"]
        assert (item["occurred_at"], item["data"]) == ("2026-03-02T09:15:00Z", event["data"])

    def test_binary_attributes_are_percent_decoded(self, api: Api) -> None:
        body, headers = binary(foreign("crm:J%C3%BCrgen%20%25"))
        position = accepted(api.send(body, "application/json", headers=headers))
        assert api.page("crm:J%C3%BCrgen%20%25", min_position=position)["identifiers"] == ["crm:Jürgen %"]

    def test_binary_without_a_body_has_no_data(self, api: Api) -> None:
        _, headers = binary(foreign(ada := someone()))
        position = accepted(api.send(b"", "application/json", headers=headers))
        assert [item["data"] for item in api.page(ada, min_position=position)["items"]] == [None]

    @pytest.mark.parametrize("type_", OBSERVATIONS, ids=lambda type_: type_.name)
    def test_every_published_example_can_be_posted_as_it_is(self, api: Api, type_: object) -> None:
        example = dict(type_.example)  # type: ignore[attr-defined]  # parametrize gives objects
        position = accepted(api.post(example | {"subject": (ada := someone())}))
        assert api.ids(ada, min_position=position) == [example["id"]]

    def test_spelling_and_order_of_what_was_sent_are_kept(self, api: Api) -> None:
        data = b'{ "b":1.50, "a":"\\u00e9\xc3\xa9", "b2":[ ] }'
        raw = b'{"data":%s,"subject":"%s","type":"com.example.x","source":"urn:x","id":"1","specversion":"1.0"}'
        position = accepted(api.post(raw % (data, (ada := someone()).encode())))
        response = api.timeline.get(f"/v1/timeline/{ada}", params={"min_position": position})
        assert data in response.content

    def test_a_trace_goes_with_the_record_and_a_bad_one_is_passed_over(self, api: Api) -> None:
        good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        for trace in (good, "nonsense"):
            accepted(api.post(purchase(someone()), headers={"traceparent": trace}))


class TestAttributes:
    def test_extensions_are_accepted_and_null_is_absent(self, api: Api) -> None:
        event = foreign(
            ada := someone(), partitionkey="p", sampledrate=7, urgent=True, traceparent=None, dataschema=None
        )
        assert api.ids(ada, min_position=accepted(api.post(event))) == [event["id"]]

    def test_an_event_without_a_time_happened_when_it_was_recorded(self, api: Api) -> None:
        position = accepted(api.post(purchase(ada := someone())))
        [item] = api.page(ada, min_position=position)["items"]
        assert item["occurred_at"] == item["recorded_at"]

    @pytest.mark.parametrize(
        ("sent", "found"),
        [
            ("email: Ada.{}@Example.ORG ", "email:ada.{}@example.org"),
            ("tel:+49 (30) 12-34.5{}", "tel:+493012345{}"),
            ("crm: Jose\u0301 {}", "crm:Jos\u00e9 {}"),
        ],
    )
    def test_spellings_of_a_name_are_one_person(self, api: Api, sent: str, found: str) -> None:
        number = someone().rpartition("-")[2]
        sent, found = sent.format(number), found.format(number)
        position = accepted(api.post(purchase(sent)))
        assert api.page(found, min_position=position)["identifiers"] == [found]

    def test_a_node_is_a_subject_too(self, api: Api) -> None:
        node = api.page(ada := someone(), min_position=accepted(api.post(purchase(ada))))["contact"]
        position = accepted(api.post(foreign(f"contact:{node.upper()}", "by-node")))
        assert "by-node" in api.ids(ada, min_position=position)


@on_each_log
class TestRepeats:
    def test_what_comes_twice_counts_once(self, api: Api) -> None:
        event = purchase(ada := someone(), time="2026-03-02T10:15:00Z")
        respelled = json.dumps(dict(reversed(event.items())) | {"time": "2026-03-02T11:15:00.000+01:00"}, indent=2)
        *_, position = [accepted(api.post(body)) for body in (event, event, respelled.encode())]
        assert api.ids(ada, min_position=position) == [event["id"]]
        found = api.found(event["id"], min_position=position)
        assert [item["outcome"] for item in found] == ["recorded", "duplicate", "duplicate"]
        assert len({item["position"] for item in found}) == 3

    def test_repeats_in_one_batch_count_once(self, api: Api) -> None:
        event = purchase(ada := someone())
        assert api.ids(ada, min_position=accepted(api.post_batch([event] * 3), 3)) == [event["id"]]

    def test_other_content_under_a_used_name_is_quarantined(self, api: Api) -> None:
        event = purchase(ada := someone(), amount_minor=1)
        accepted(api.post(event))
        position = accepted(api.post(event | {"data": event["data"] | {"amount_minor": 2}}))
        [item] = api.page(ada, min_position=position)["items"]
        assert item["data"]["amount_minor"] == 1
        found = api.found(event["id"], min_position=position)
        assert [item["outcome"] for item in found] == ["recorded", "quarantined"]

    def test_twins_are_two_events(self, api: Api) -> None:
        ada, grace = someone(), someone()
        twin = purchase(ada)
        position = accepted(api.post_batch([twin, twin | {"subject": grace}]), 2)
        assert api.ids(ada, min_position=position) == api.ids(grace, min_position=position) == [twin["id"]]
        found = api.found(twin["id"], min_position=position)
        assert [item["outcome"] for item in found] == ["recorded", "recorded"]
        assert len({item["contact"] for item in found}) == 2

    def test_one_id_of_two_senders_is_two_events_and_source_narrows(self, api: Api) -> None:
        event = purchase(ada := someone())
        other = event | {"source": "urn:example:other"}
        position = accepted(api.post_batch([event, other]), 2)
        assert len(api.ids(ada, min_position=position)) == 2
        assert len(api.found(event["id"], min_position=position)) == 2
        [item] = api.found(event["id"], source="urn:example:other")
        assert (item["source"], item["outcome"]) == ("urn:example:other", "recorded")

    @pytest.mark.parametrize("id_", ["a/b", "a b?c#d", "100%", "é€", "../x"])
    def test_an_id_with_any_character_is_found(self, api: Api, id_: str) -> None:
        position = accepted(api.post(purchase(someone(), id_)))
        path = "/v1/events/" + "".join(f"%{byte:02X}" for byte in id_.encode())
        response = api.interactions.get(path, params={"min_position": position})
        assert response.json()["items"][0]["id"] == id_

    def test_an_event_that_nobody_sent_is_unknown(self, api: Api) -> None:
        refused(api.interactions.get("/v1/events/never-sent"), 404, "event_unknown")


@on_each_log
class TestStrictAndLenient:
    def mixed(self, subject: str) -> list[Event]:
        bad_amount = purchase(subject, data={"amount_minor": -1, "currency": "GBP", "order": "1"})
        return [purchase(subject, "good"), bad_amount, purchase("nobody"), purchase(subject, "good too")]

    def test_strict_names_every_fault_and_stores_nothing(self, api: Api) -> None:
        with api.stores(0):
            response = api.post_batch(self.mixed(someone()))
        problem = refused(response, 422, "invalid_event", "/1/data/amount_minor", "/2/subject")
        assert codes(problem) == ["range", "bad_identifier"]

    def test_lenient_takes_the_good_ones(self, api: Api) -> None:
        ada = someone()
        with api.stores(2):
            response = api.post_batch(self.mixed(ada), headers=LENIENT)
        position = accepted(response, 2)
        rejected = response.json()["rejected"]
        assert [(each["index"], each["pointer"], each["code"]) for each in rejected] == [
            (1, "/data/amount_minor", "range"),
            (2, "/subject", "bad_identifier"),
        ]
        assert sorted(api.ids(ada, min_position=position)) == ["good", "good too"]

    def test_lenient_with_nothing_good(self, api: Api) -> None:
        with api.stores(0):
            response = api.post_batch([{}], headers=LENIENT)
        accepted(response, 0)
        assert {each["pointer"] for each in response.json()["rejected"]} >= {"/id", "/source", "/subject"}

    def test_lenient_does_not_help_a_batch_that_is_no_json(self, api: Api) -> None:
        refused(api.post_batch(b"[{]", headers=LENIENT), 400, "not_json")

    @pytest.mark.parametrize("wish", ["true", "1"])
    def test_a_dry_run_checks_and_stores_nothing(self, api: Api, wish: str) -> None:
        with api.stores(0):
            good = api.post(purchase(someone()), dry_run=wish)
            lenient = api.post_batch(self.mixed(someone()), headers=LENIENT, dry_run=wish)
            strict = api.post_batch(self.mixed(someone()), dry_run=wish)
        assert (good.status_code, good.json()) == (200, {"accepted": 1, "position": None})
        assert (lenient.status_code, lenient.json()["accepted"], len(lenient.json()["rejected"])) == (200, 2, 2)
        refused(strict, 422, "invalid_event")

    @pytest.mark.parametrize("wish", ["false", "0", ""])
    def test_no_dry_run_stores(self, api: Api, wish: str) -> None:
        accepted(api.post(purchase(someone()), dry_run=wish))


@on_each_log
class TestLimits:
    def padded(self, size: int) -> bytes:
        event = json.dumps(foreign(someone(), data={"pad": ""})).encode()
        return event.replace(b'"pad": ""', b'"pad": "%s"' % (b"x" * (size - len(event))))

    def test_an_event_of_256_kib_is_taken(self, api: Api) -> None:
        body = self.padded(256 * 1024)
        subject = json.loads(body)["subject"]
        position = accepted(api.post(body))
        assert len(api.page(subject, min_position=position)["items"]) == 1

    def test_a_larger_one_is_refused_and_the_next_hundred_pass(self, api: Api) -> None:
        too_large = self.padded(256 * 1024 + 1)
        with api.stores(100):
            refused(api.post(too_large), 413, "event_too_large", "")
            refused(api.post_batch(b"[%s]" % too_large), 413, "event_too_large", "/0")
            for _ in range(100):
                accepted(api.post(purchase(someone())))

    def test_in_a_lenient_batch_only_the_large_one_is_left_out(self, api: Api) -> None:
        small, too_large = json.dumps(purchase(someone())).encode(), self.padded(256 * 1024 + 1)
        response = api.post_batch(b"[%s,%s]" % (too_large, small), headers=LENIENT)
        accepted(response, 1)
        assert response.json()["rejected"][0]["code"] == "event_too_large"

    def test_a_body_of_8_mib_is_taken_and_a_larger_one_refused(self, api: Api) -> None:
        limit = 8 << 20
        accepted(api.post_batch(b"[]" + b" " * (limit - 2)), 0)
        with api.stores(0):
            refused(api.post_batch(b"[]" + b" " * (limit - 1)), 413, "body_too_large")

    def test_a_larger_body_without_a_length_is_refused(self, api: Api) -> None:
        chunks = (b" " * (1 << 20) for _ in range(9))
        headers = {"content-type": BATCH}
        refused(api.interactions.post("/v1/events", content=chunks, headers=headers), 413, "body_too_large")

    def test_thousands_of_events_in_one_batch(self, api: Api) -> None:
        ada = someone()
        events = [purchase(ada, f"many-{n}") for n in range(2_500)]
        position = accepted(api.post_batch(events), 2_500)
        assert len(api.ids(ada, min_position=position, limit="500", service="interactions")) == 500
