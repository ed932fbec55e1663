import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from libs.events import log_created
from libs.events.catalog import asyncapi, document
from libs.events.catalog.agreement import ARBITRATION, FIRST_RECORDS, HEADINGS, JUDGING, KEYS, NAMES, NODES, RECORDED
from libs.events.catalog.registry import CATALOG, EventType
from libs.events.kafka_log.topics import REPLICAS, settings
from libs.events.log_created import COUNTS

GOLDEN = document.DOCS.parent / "tests" / "golden"


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

    def test_says_what_a_field_must_be(self) -> None:
        page = document.render()
        for line in (
            "| `promised_for` |  | date | RFC 3339, such as `2026-06-30` |",
            "| `baseline` | required | number |  |",
            "| `tags` | required | list | at most 20 entries, each 1 to 50 characters |",
            "| `ideas` | required | list | 1 to 200 entries, each a uuid |",
            "| `eligibility.voters[].node` | required | string | a uuid |",
            "| `measures[].cuts` | required | list | at most 10 entries, each object or null |",
            "| `measures[].cuts[].value` | required | integer or number |  |",
            "| `measures[].cuts[].contact` | required | string | a uuid |",
            "| `to` |  | string | `^[a-z][a-z0-9_]{0,62}$` |",
        ):
            assert line in page

    @pytest.mark.parametrize("event_type", CATALOG.values(), ids=lambda each: each.name)
    def test_says_where_an_event_need_have_no_subject(self, event_type: EventType) -> None:
        section = document.render().partition(f"### {event_type.name}\n")[2].partition("\n### ")[0]
        assert ("The event has " in section) == (not event_type.needs_subject)

    def test_is_what_docs_hold(self) -> None:
        assert document.main(["--check"]) == 0


class TestTheAsyncApiDocument:
    DESCRIBED = asyncapi.document()
    MESSAGES: Mapping[str, Any] = DESCRIBED["components"]["messages"]

    def accepts(self, name: str, event: Mapping[str, Any]) -> bool:
        """By the payload of a message, in the dialect of AsyncAPI's own schemas."""
        payload = {**self.MESSAGES[name]["payload"], "components": self.DESCRIBED["components"]}
        return jsonschema_rs.Draft7Validator(payload).is_valid(event)

    def test_has_a_message_of_every_type_in_the_channel_of_its_topic(self) -> None:
        assert set(self.MESSAGES) == {*CATALOG, asyncapi.FOREIGN}
        for event_type in CATALOG.values():
            channels = self.DESCRIBED["channels"].items()
            holding = {topic for topic, channel in channels if event_type.name in channel["messages"]}
            assert holding == (set(COUNTS) if event_type.name == log_created.TYPE else {event_type.topic})
        assert asyncapi.FOREIGN in self.DESCRIBED["channels"]["interactions"]["messages"]

    def test_has_a_channel_of_every_topic_that_is_made(self) -> None:
        channels = self.DESCRIBED["channels"]
        assert {name: channel["bindings"]["kafka"]["partitions"] for name, channel in channels.items()} == COUNTS
        assert {name: channel["address"] for name, channel in channels.items()} == {n: f"{{prefix}}{n}" for n in COUNTS}
        actions = [(each["action"], each["channel"]["$ref"]) for each in self.DESCRIBED["operations"].values()]
        assert sorted(actions) == sorted(
            (does, f"#/channels/{name}") for name in COUNTS for does in ("send", "receive")
        )

    def test_has_the_settings_that_topics_are_made_with(self) -> None:
        for channel in self.DESCRIBED["channels"].values():
            said = channel["bindings"]["kafka"]["topicConfiguration"]
            words = {name: ",".join(value) if isinstance(value, list) else str(value) for name, value in said.items()}
            assert {name: word.replace("False", "false") for name, word in words.items()} == settings("cluster")
            assert channel["bindings"]["kafka"]["replicas"] == REPLICAS["cluster"]

    @pytest.mark.parametrize("event_type", CATALOG.values(), ids=lambda each: each.name)
    def test_asks_for_a_subject_where_one_is_needed(self, event_type: EventType) -> None:
        message = self.MESSAGES[event_type.name]
        about_nobody = {name: value for name, value in event_type.example.items() if name != "subject"}
        assert self.accepts(event_type.name, about_nobody) == (not event_type.needs_subject)
        assert ("The event has " in message["summary"]) == (not event_type.needs_subject)

    def test_refers_only_to_what_it_holds(self) -> None:
        for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', asyncapi.render())):
            found = self.DESCRIBED
            for part in reference.split("/"):
                found = found[part]
            assert found

    def test_explains_what_stands_in_braces(self) -> None:
        for channel in self.DESCRIBED["channels"].values():
            assert re.findall(r"{(\w+)}", channel["address"]) == list(channel["parameters"])
        for server in self.DESCRIBED["servers"].values():
            assert re.findall(r"{(\w+)}", server["host"]) == list(server["variables"])

    @pytest.mark.parametrize("name", [*CATALOG, asyncapi.FOREIGN])
    def test_has_examples_that_their_schemas_accept(self, name: str) -> None:
        headers = jsonschema_rs.Draft7Validator(self.DESCRIBED["components"]["schemas"]["Headers"])
        examples = self.MESSAGES[name]["examples"]
        assert examples
        for example in examples:
            assert self.accepts(name, example["payload"])
            assert headers.is_valid(example["headers"])
            assert not headers.is_valid({})

    @pytest.mark.parametrize("event_type", CATALOG.values(), ids=lambda each: each.name)
    def test_tolerates_what_a_later_version_adds_and_nothing_less_than_it_says(self, event_type: EventType) -> None:
        example = {**event_type.example, "subject": "crm:4711"}
        later = {**example, "data": {**example["data"], "a_new_field": 1}, "newattribute": "1"}
        assert self.accepts(event_type.name, later)
        assert not self.accepts(event_type.name, {**example, "data": None})
        assert not self.accepts(event_type.name, {**example, "type": "com.example.cart.abandoned"})

    @pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
    def test_accepts_what_logs_hold(self, path: Path) -> None:
        event = json.loads(path.read_text())
        assert self.accepts(event["type"] if event["type"] in CATALOG else asyncapi.FOREIGN, event)

    def test_takes_no_type_of_ours_for_a_foreign_one(self) -> None:
        example = self.MESSAGES[asyncapi.FOREIGN]["examples"][0]["payload"]
        assert not self.accepts(asyncapi.FOREIGN, {**example, "type": "rapport.interactions.unheard_of.v1"})

    def test_states_the_rules_that_other_consumers_keep(self) -> None:
        description = self.DESCRIBED["info"]["description"]
        assert all(rule in description for rule in (ARBITRATION, FIRST_RECORDS, JUDGING, NAMES, NODES, RECORDED))
