"""The published `cloudevents` package posts events as any other client would, and they are on the timeline."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

from tests.integration.client import PURCHASE, Api, someone
from tests.integration.conftest import System

MODES = {"structured": to_structured_event, "binary": to_binary_event}
DATA = {"amount_minor": 1230, "currency": "GBP", "order": "536365", "text": "Gruß, £12.30 — 😀"}


def sent(system: System, message: HTTPMessage, **more: str) -> str:
    api = Api(system)
    response = api.interactions.post("/v1/events", content=message.body, headers=dict(message.headers) | more)
    api.close()
    assert response.status_code == 202, response.text
    position: str = response.headers["rapport-position"]
    return position


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("type_", [PURCHASE, "com.example.order.placed"])
def test_an_event_is_read_back_as_it_was_meant(system: System, mode: str, type_: str) -> None:
    attributes: dict[str, Any] = {
        "id": f"{mode}-{type_}",
        "source": "https://shop.example.org/orders",
        "type": type_,
        "subject": f"{someone()} Jürgen",
        "time": datetime(2026, 3, 2, 10, 15, 30, 123_456, tzinfo=UTC),
        "datacontenttype": "application/json",
        "tenant": "acme",
    }
    position = sent(system, MODES[mode](CloudEvent(attributes, DATA)))
    api = Api(system)
    page = api.page(attributes["subject"].replace(" ", "%20"), min_position=position)
    api.close()
    [item] = page["items"]
    assert page["identifiers"] == [attributes["subject"]]
    assert (item["event_id"], item["source"], item["type"]) == (
        attributes["id"],
        attributes["source"],
        attributes["type"],
    )
    assert (item["occurred_at"], item["data"]) == ("2026-03-02T10:15:30.123456Z", DATA)


def test_both_modes_are_the_same_event(system: System) -> None:
    attributes = {
        "id": "both",
        "source": "urn:shop",
        "type": PURCHASE,
        "subject": (ada := someone()),
        "datacontenttype": "application/json",
    }
    event = CloudEvent(attributes, DATA)
    *_, position = [sent(system, to_message(event)) for to_message in MODES.values()]
    api = Api(system)
    assert api.ids(ada, min_position=position) == ["both"]
    assert [each["outcome"] for each in api.found("both", min_position=position)] == ["recorded", "duplicate"]
    api.close()


def test_an_event_of_the_batch_form(system: System) -> None:
    names = [someone(), someone()]
    events = [
        json.loads(
            to_structured_event(
                CloudEvent({"id": name, "source": "urn:shop", "type": PURCHASE, "subject": name}, DATA)
            ).body
        )
        for name in names
    ]
    api = Api(system)
    position = api.posted(*events)
    assert [api.ids(name, min_position=position) for name in names] == [[name] for name in names]
    api.close()
