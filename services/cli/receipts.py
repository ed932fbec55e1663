"""A person's scores for a terminal: what each comes to, what it is made of, and which events are behind it."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.table import Table

from libs.events.currencies import MINOR_UNITS
from services.cli.amounts import counted, money, number
from services.cli.tables import console, say, table
from services.cli.words import minute, printable

Document = Mapping[str, Any]

_MONEY: Final = "minor units of the currency"
_ALSO: Final = {"purchase": "which cost", "expected": "importance"}


def show_receipts(found: Document, definitions: Mapping[str, Document]) -> None:
    """What `/v1/scores/{ref}` answers, or `/v1/scores/{ref}/{definition}`, which is one of its items."""
    scores = found.get("items", [found])
    names = [printable(name) for name in found["identifiers"]]
    say(f"{', '.join(names) or 'no name'}  {found['contact']}", style="bold")
    if len(found["members"]) > 1:
        say(f"  made of {len(found['members'])} contacts")
    say(f"  as of {minute(found['as_of'])}")
    for score in scores:
        if score["value"] is not None:
            _show(score, definitions.get(score["definition"], {}))
    if missing := [score for score in scores if score["value"] is None]:
        say("")
        console.print(_without_value(missing, definitions))


def _show(score: Document, definition: Document) -> None:
    say("")
    say(_title(score, definition), style="bold")
    say(f"  {'; '.join(_summary(score, definition.get('bands', {})))}")
    if details := score["details"]:
        say(f"  {_detail(details)}")
    console.print(_parts(score))
    say(f"  {_computed_by(score)}", style="dim")


def _title(score: Document, definition: Document) -> str:
    title = printable(definition.get("title", score["definition"]))
    return f"{title}, in {score['currency']}" if score["currency"] else title


def _summary(score: Document, bands: Mapping[str, str]) -> Iterator[str]:
    value = _value(score["value"], score)
    yield value if score["unit"] == _MONEY else f"{value} ({score['unit']})"
    if band := score["band"]:
        meaning = f" ({bands[band]})" if band in bands else ""
        yield f"class {_band(band)}{meaning}"
    if score["coverage"] is not None:
        yield f"{100 * score['coverage']:.0f} % of what it could rest on"


def _parts(score: Document) -> Table:
    """What was added up, each part with its newest events below it."""
    made = table("made of", ">value", "position", "from")
    for part in score["contributions"]:
        events = part["events"]
        how_many = counted(part["events_total"], "event", "events")
        made.add_row(_words(part["name"]), _value(part["value"], score), "", how_many, style="bold")
        for event in events:
            made.add_row(f"  {minute(event['occurred_at'])}", _amount(event), event["position"], _what(event))
        if (more := part["events_total"] - len(events)) > 0 and events:
            made.add_row("", "", "", f"and {more:,} more; --events shows them")
    return made


def _without_value(scores: list[Document], definitions: Mapping[str, Document]) -> Table:
    made = table("no value", "because")
    for score in scores:
        title = _title(score, definitions.get(score["definition"], {}))
        made.add_row(title, printable(f"{score['missing']['detail']} ({score['missing']['code']})"))
    return made


def _computed_by(score: Document) -> str:
    by = f"by {score['definition']} v{score['version']}"
    used = score["statistics"]
    if used is None or not used["measures"]:
        return by
    return f"{by}, with statistics {used['version']} as of {minute(used['as_of'])}"


def _value(value: int | float, score: Document) -> str:
    if score["unit"] == _MONEY and score["currency"] and isinstance(value, int):
        return money(value, score["currency"])
    return number(value)


def _amount(event: Document) -> str:
    if event["about"] in MINOR_UNITS:
        return money(event["amount"], event["about"])
    return number(event["amount"])


def _what(event: Document) -> str:
    """`purchase, which cost 500.00 GBP`, `complaint (service)`."""
    measure, about, also = event["measure"], event["about"], event["also"]
    what = _words(measure)
    if about and about not in MINOR_UNITS:
        what += f" ({printable(about)})"
    if also is None:
        return what
    return f"{what}, {_ALSO.get(measure, 'also')} {money(also, about) if about in MINOR_UNITS else number(also)}"


def _detail(value: object) -> str:
    match value:
        case dict():
            return ", ".join(f"{_words(name)} {_detail(each)}" for name, each in value.items())
        case bool() | None:
            return str(value).lower()
        case int() | float():
            return number(value)
        case _:
            return printable(str(value))


def _band(band: str) -> str:
    """The classes A to D are letters, as everybody writes them."""
    return band.upper() if len(band) == 1 else _words(band)


def _words(code: str) -> str:
    return printable(code).replace("_", " ")
