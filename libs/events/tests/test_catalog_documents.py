import re

import jsonschema_rs
import pytest

from libs.events.catalog import asyncapi, document
from libs.events.catalog.agreement import ARBITRATION, HEADINGS, JUDGING, KEYS
from libs.events.catalog.registry import CATALOG, EventType


class TestTheDocument:
    def test_names_every_type_and_shows_its_example(self) -> None:
        page = document.render()
        for event_type in CATALOG.values():
            assert f"### {event_type.name}" in page
            assert set(event_type.example["data"]) <= set(re.findall(r"`([a-z_]+)`", page))

    def test_groups_by_kind_with_topic_and_key_and_says_who_rules_and_how(self) -> None:
        page = document.render()
        headings = re.findall(r"^## (.*)$", page, re.MULTILINE)
        assert headings[: len(HEADINGS)] == list(HEADINGS.values())
        assert headings[-len(HEADINGS) :] == [f"{heading} in full" for heading in HEADINGS.values()]
        assert all(f"| `{topic}` | {key} |" in page for topic, key in KEYS.items())
        assert ARBITRATION in page
        assert JUDGING in page

    def test_is_what_docs_hold(self) -> None:
        assert document.main(["--check"]) == 0


class TestTheAsyncApiDocument:
    def test_has_a_message_of_every_type_in_the_channel_of_its_topic(self) -> None:
        described = asyncapi.document()
        assert set(described["components"]["messages"]) == set(CATALOG)
        for event_type in CATALOG.values():
            assert event_type.name in described["channels"][event_type.topic]["messages"]

    def test_refers_only_to_what_it_holds(self) -> None:
        described = asyncapi.document()
        for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', asyncapi.render())):
            found = described
            for part in reference.split("/"):
                found = found[part]
            assert found

    @pytest.mark.parametrize("event_type", CATALOG.values(), ids=lambda each: each.name)
    def test_has_an_example_that_its_payload_accepts(self, event_type: EventType) -> None:
        described = asyncapi.document()
        payload = described["components"]["messages"][event_type.name]["payload"]
        # The dialect of AsyncAPI's own schemas.
        jsonschema_rs.Draft7Validator({**payload, "components": described["components"]}).validate(
            dict(event_type.example)
        )

    def test_states_the_rules_that_other_consumers_keep(self) -> None:
        description = asyncapi.document()["info"]["description"]
        assert ARBITRATION in description
        assert JUDGING in description
