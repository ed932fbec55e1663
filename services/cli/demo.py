"""`rapport demo`: a small story, told while it happens in the running system.

Events go in as another system would send them; two contacts are registered, merged and parted again; a third claims a
name that is taken; customers have ideas, vote and are answered; everybody is counted. Told again, it changes nothing
but that the merge is made and taken back once more.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
from rich.table import Table

from services.cli.asking import asking
from services.cli.contacts import show_whole, whole
from services.cli.demo_board import ADA, BROOK, CARD, MAIL, customers_are_heard
from services.cli.demo_story import Story
from services.cli.receipts import show_receipts
from services.cli.system import find_system
from services.cli.tables import console, say, table
from services.cli.words import minute

SAMPLE = Path(__file__).with_name("demo.ndjson")
TELEPHONE = "tel:+442079460018"
MERGED_BECAUSE = "demo: same surname, same street"
PARTED_BECAUSE = "demo: the card is her sister's"
SCORE = "health"

_encode = msgspec.json.Encoder().encode


def demo() -> None:
    """Tell the story and say what to look at. Raises Failure."""
    system = find_system()
    urls = {place.name: place.url for place in system.chosen(None)}
    with asking() as client:
        story = Story(client, urls)
        _events_arrive(story)
        _two_are_registered(story)
        _they_are_merged_and_parted(story)
        _a_name_is_claimed_twice(story)
        heard = customers_are_heard(story)
        _everybody_is_counted(story)
        console.print(_table(story.timeline(ADA)))
        say("The visit of 20 February was posted last and stands where it happened: late events are normal.\n")
        say(f"What `rapport contact show {ADA}` says:\n")
        show_whole(whole(client, urls["contacts"], ADA))
        say(f"\nWhat `rapport score {ADA} --definition {SCORE}` says:\n")
        show_receipts(story.score(ADA, SCORE), story.definitions())
    _what_to_look_at(urls, heard)


def _events_arrive(story: Story) -> None:
    events = SAMPLE.read_bytes().splitlines()
    body = b"[" + b",".join(events) + b"]"
    story.write("POST", "interactions", "/v1/events", body, 202, content_type="application/cloudevents-batch+json")
    say("1. Other systems post events", style="bold")
    say(f"   {len(events)} events about a few people went to {story.urls['interactions']}/v1/events.")
    say(f"   {ADA} has {story.entries(ADA)} entries now. Nobody had to be registered for it.\n")


def _two_are_registered(story: Story) -> None:
    say("2. Two people are registered under the names they go by", style="bold")
    for name, identifiers in (("Ada Moss", [ADA, MAIL]), ("A. Moss", [CARD, TELEPHONE])):
        contact = story.register(name, identifiers, 200, 201)
        say(f"   {name}: {', '.join(identifiers)} are contact {contact['id']}")
    say("")


def _they_are_merged_and_parted(story: Story) -> None:
    _part_what_an_interrupted_story_merged(story)
    apart = story.entries(ADA)
    body = _encode({"members": [ADA, CARD], "reason": MERGED_BECAUSE})
    merge = story.write("POST", "contacts", "/v1/merges", body, 201)
    together = story.entries(ADA)
    _part(story, merge["id"])
    say("3. They look like one person: they are merged", style="bold")
    say(f"   The timeline of {ADA} grew from {apart} to {together} entries: the card's purchase is in it.\n")
    say("4. It was her sister's card: the merge is taken back", style="bold")
    say(f"   {ADA} has {story.entries(ADA)} entries again, {CARD} has {story.entries(CARD)} of its own.")
    say("   No event moved either time: a merge is an edge between contacts.\n")


def _part_what_an_interrupted_story_merged(story: Story) -> None:
    for merge in whole(story.client, story.urls["contacts"], ADA)["merges"]:
        if merge["reason"] == MERGED_BECAUSE:
            _part(story, merge["id"])


def _part(story: Story, merge: str) -> None:
    story.write("DELETE", "contacts", f"/v1/merges/{merge}?reason={quote(PARTED_BECAUSE)}", b"", 204)


def _a_name_is_claimed_twice(story: Story) -> None:
    refusal = story.register("Brook Ray", [BROOK, MAIL], 409)
    say("5. Brook registers with Ada's e-mail address: that is a conflict", style="bold")
    say(f"   Answered 409 {refusal['code']}: {refusal['detail']}")
    say(f"   Nobody was merged and nothing was dropped. Conflict {refusal['conflict']} waits for a person.\n")


def _everybody_is_counted(story: Story) -> None:
    statistics = story.once("scoring", "/v1/statistics", _encode({}), 200, 201)
    say("10. Everybody is counted, and each finds a place among all", style="bold")
    say(f"   Statistics {statistics['version']}: {statistics['people']} people, as of {minute(statistics['as_of'])}.")
    say("   Classes are announced on timelines; a score is computed when somebody asks, and says from what.\n")


def _what_to_look_at(urls: Mapping[str, str], heard: Sequence[str]) -> None:
    say("\nThe people are crm:demo-ada, crm:demo-brook, loyalty:demo-77 and email:grace@demo.example. Try:\n")
    late = quote("2025-03-31T00:00:00Z", safe="")
    for line in (
        f"curl '{urls['timeline']}/v1/timeline/{ADA}?limit=3'",
        f"curl '{urls['timeline']}/v1/timeline/{ADA}?type=rapport.interactions.purchase.recorded.v1'",
        f"curl '{urls['timeline']}/v1/timeline/{ADA}?as_of={late}'",
        f"curl '{urls['interactions']}/v1/interactions?contact={ADA}&channel=telephone'",
        f"curl '{urls['interactions']}/v1/events/demo-order-1'",
        f"curl '{urls['contacts']}/v1/contacts?q=ada'",
        f"curl '{urls['contacts']}/v1/conflicts?status=open'",
        *(f"curl '{urls['feedback']}{path}'" for path in heard),
        f"curl '{urls['scoring']}/v1/scores/{ADA}'",
        f"curl '{urls['scoring']}/v1/scores?definition=advocacy&band=advocate'",
        f"curl '{urls['timeline']}/v1/timeline/{ADA}?service=scoring'",
        "rapport conflicts",
        f"rapport score {ADA}",
        "rapport statistics",
        f"rapport tail --subject {ADA}",
    ):
        say(f"  {line}")


def _table(items: list[dict[str, Any]]) -> Table:
    made = table("happened", "channel", "what", title=f"The timeline of {ADA}")
    for item in items:
        made.add_row(item["occurred_at"][:16], item["channel"] or "", item["title"])
    return made
