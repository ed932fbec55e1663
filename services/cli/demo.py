"""`rapport demo`: a small sample goes in as another system would send it, and comes out as a timeline."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from rich.table import Table

from services.cli.errors import Failure
from services.cli.system import find_system
from services.cli.tables import console, say, table

SAMPLE = Path(__file__).with_name("demo.ndjson")
WHO = "crm:demo-ada"
TIMEOUT_S = 15.0


def demo() -> None:
    """Post the sample and show what became of it; a second time changes nothing. Raises Failure."""
    places = find_system().places
    interactions, timeline = places["interactions"].url, places["timeline"].url
    events = SAMPLE.read_bytes().splitlines()
    try:
        with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as client:
            position = _post(client, interactions, events)
            page = _timeline(client, timeline, position)
    except httpx.TransportError as reason:
        raise Failure(f"a service does not answer ({type(reason).__name__}); `rapport status` says more") from None
    say(f"Posted {len(events)} events about three people to {interactions}/v1/events\n")
    console.print(_table(page))
    say(
        "The visit of 20 February was posted last and stands where it happened: late events are normal.\n"
        "The people are crm:demo-ada, crm:demo-brook and email:grace@demo.example. What to look at:\n"
    )
    late = quote("2025-03-31T00:00:00Z", safe="")
    for line in (
        f"curl '{timeline}/v1/timeline/{WHO}?limit=3'",
        f"curl '{timeline}/v1/timeline/{WHO}?type=rapport.interactions.purchase.recorded.v1'",
        f"curl '{timeline}/v1/timeline/{WHO}?as_of={late}'",
        f"curl '{interactions}/v1/interactions?contact={WHO}&channel=telephone'",
        f"curl '{interactions}/v1/events/demo-order-1'",
        f"rapport tail --subject {WHO}",
    ):
        say(f"  {line}")


def _post(client: httpx.Client, url: str, events: list[bytes]) -> str:
    body = b"[" + b",".join(events) + b"]"
    headers = {"content-type": "application/cloudevents-batch+json"}
    answer = client.post(f"{url}/v1/events", content=body, headers=headers)
    _require(answer, 202)
    return answer.headers["rapport-position"]


def _timeline(client: httpx.Client, url: str, position: str) -> dict[str, Any]:
    headers = {"prefer": "wait=10"}
    answer = client.get(f"{url}/v1/timeline/{WHO}", params={"min_position": position}, headers=headers)
    _require(answer, 200)
    page: dict[str, Any] = answer.json()
    return page


def _require(answer: httpx.Response, status: int) -> None:
    if answer.status_code == status:
        return
    try:
        reason = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        reason = "no reason given"
    raise Failure(f"{answer.url.copy_with(query=None)} answers {answer.status_code}: {reason}")


def _table(page: dict[str, Any]) -> Table:
    made = table("happened", "channel", "what", title=f"The timeline of {WHO}")
    for item in page["items"]:
        made.add_row(item["occurred_at"][:16], item["channel"] or "", item["title"])
    return made
