import json
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from libs.events.catalog.registry import CATALOG, Kind
from services.cli.errors import Failure
from services.cli.main import app

OBSERVATIONS = [name for name, type_ in CATALOG.items() if type_.kind is Kind.OBSERVATION]


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, each in group.commands.items():
        if hasattr(each, "commands"):
            yield from commands(each, (*path, name))
        else:
            yield (*path, name)


def ran(*args: str) -> str:
    result = CliRunner().invoke(app, args, env={"COLUMNS": "200"}, catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


@pytest.mark.parametrize("path", list(commands(typer.main.get_command(app))), ids=" ".join)
def test_the_help_of_every_command_has_an_example_of_it(path: tuple[str, ...]) -> None:
    assert f"rapport {' '.join(path)}" in ran(*path, "--help").partition("Example: ")[2]


def test_every_type_is_listed() -> None:
    shown = ran("events", "list")
    assert all(name in shown for name in CATALOG)


@pytest.mark.parametrize("name", CATALOG)
def test_every_type_is_shown(name: str) -> None:
    assert CATALOG[name].summary in ran("events", "show", name)
    assert json.loads(ran("events", "show", name, "--json"))["title"] == name


def test_an_example_is_fresh_each_time() -> None:
    one, other = (json.loads(ran("events", "example", "purchase.recorded")) for _ in range(2))
    assert one["type"] == "rapport.interactions.purchase.recorded.v1"
    assert one["id"] != other["id"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("events", "show", "purchase.recordet"), "did you mean purchase.recorded"),
        (("events", "show", "x"), "rapport events list"),
        (("events", "example", "interaction.amended"), "only Rapport writes it"),
        (("tail", "--since", "yesterday"), "--since takes"),
        (("tail", "--since", "2026-02-31"), "--since takes"),
        (("tail", "--subject", "4711"), "--subject: must be namespace:value"),
        (("parked", "show", "timeline", "interactions/3"), "is no place in the log"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(args: tuple[str, ...], said: str) -> None:
    with pytest.raises(Failure, match=said):
        CliRunner().invoke(app, args, catch_exceptions=False)


@pytest.mark.parametrize(
    "args",
    [("status",), ("tail",), ("verify",), ("demo",), ("parked", "list"), ("contact", "show", "crm:1"), ("conflicts",)],
)
def test_nothing_runs(args: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPPORT_DATA", "/nowhere")
    with pytest.raises(Failure, match="nothing runs in /nowhere; start it with `rapport up`"):
        CliRunner().invoke(app, args, catch_exceptions=False)
