"""`rapport statistics`: how everybody stood, as it was published last; and publishing it anew."""

import json
from collections.abc import Mapping
from typing import Any, Final

from rich.table import Table

from services.cli.amounts import counted, money, number
from services.cli.asking import answered, asking
from services.cli.scores import scoring
from services.cli.tables import console, say, table
from services.cli.words import minute, printable

Document = Mapping[str, Any]

PUBLISH_TIMEOUT_S: Final = 300.0  # everybody is counted meanwhile
_MONEY: Final = {"turnover", "profit"}
_CUT_INTO: Final = {"quintiles": "fifths", "pareto": "Pareto classes"}


def show(*, url: str | None, as_json: bool) -> None:
    """The last ones, or that there are none. Raises Failure."""
    with asking() as client:
        found = answered(client.get(f"{scoring(url).url}/v1/statistics", params={"limit": "1"}), 200)["items"]
    if as_json:
        print(json.dumps(found[0] if found else None, indent=2))
    elif found:
        show_statistics(found[0])
    else:
        say("No statistics have been published; `rapport statistics publish` does it.")


def publish(next_in_h: int | None, *, url: str | None, as_json: bool) -> None:
    """Publish, and show them. Raises Failure."""
    body = {} if next_in_h is None else {"next_in_h": next_in_h}
    with asking() as client:
        answer = client.post(f"{scoring(url).url}/v1/statistics", json=body, timeout=PUBLISH_TIMEOUT_S)
        found = answered(answer, 201, 202)
    if as_json:
        print(json.dumps(found, indent=2))
    elif answer.status_code == 201:
        show_statistics(found)
    else:
        say("Recorded, and not folded yet: `rapport statistics` shows them when they are.")


def show_statistics(found: Document) -> None:
    people = counted(found["people"], "person", "people")
    say(f"Statistics {found['version']}, as of {minute(found['as_of'])}, over {people}", style="bold")
    if found["due_at"] is None:
        say("  the next ones are published when somebody asks for them: `rapport statistics publish`")
    else:
        say(f"  the next ones are due at {minute(found['due_at'])}")
    say("")
    console.print(_measures(found))


def _measures(found: Document) -> Table:
    made = table("measure", "currency", "cut into", ">people", ">in all")
    for each in found["measures"]:
        cut_into = _CUT_INTO.get(each["kind"], each["kind"])
        made.add_row(
            printable(each["measure"]), each.get("currency") or "", cut_into, f"{each['people']:,}", _total(each)
        )
    return made


def _total(measured: Document) -> str:
    """Where a sum makes sense."""
    total, currency = measured.get("total"), measured.get("currency")
    if total is None:
        return ""
    return money(total, currency) if currency and measured["measure"] in _MONEY else number(total)
