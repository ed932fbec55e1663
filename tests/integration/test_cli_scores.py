"""A person's numbers, everybody's statistics and whole classes at a terminal."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from libs.events.ids import new_id
from tests.integration.client import Api, purchase, someone
from tests.integration.conftest import System

CURRENCY = "ISK"  # which no other test pays in, and which has no minor unit


@pytest.fixture(scope="module")
def api(system: System) -> Iterator[Api]:
    made = Api(system)
    yield made
    made.close()


@pytest.fixture(scope="module")
def names(system: System, api: Api) -> list[str]:
    """Three people, who have bought for 1,000, 2,000 and 3,000, and are counted."""
    made = [someone() for _ in range(3)]
    bought = [bought_for(name, 1_000 * n) for n, name in enumerate(made, start=1)]
    api.scoring.get("/v1/statistics", params={"min_position": api.posted(*bought)}).raise_for_status()
    published = system.run("statistics", "publish")
    assert (published.returncode, published.stderr) == (0, "")
    return made


def bought_for(name: str, amount: int) -> dict[str, Any]:
    return purchase(name, f"{new_id()}", data={"amount_minor": amount, "currency": CURRENCY, "order": "1"})


def test_statistics_are_those_that_were_published_last(system: System, names: list[str]) -> None:
    shown = json.loads(system.run("statistics", "--json").stdout)
    (turnover,) = [each for each in shown["measures"] if each.get("currency") == CURRENCY and each["kind"] == "pareto"]
    assert (turnover["people"], turnover["total"]) == (len(names), 6_000)
    assert system.run("statistics").stdout.startswith(f"Statistics {shown['version']}, as of ")


def test_a_score_with_the_event_behind_it(system: System, names: list[str]) -> None:
    done = system.run("score", names[2], "--definition", "turnover")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert lines[0].startswith(f"{names[2]} ")
    assert "3,000 ISK; class A (the fewest who bring 80 % of the turnover together)" in lines
    assert any(line.startswith("purchases 3,000 ISK 1 event") for line in lines)
    assert any(line.endswith(" purchase") and " 3,000 ISK interactions/" in line for line in lines)


def test_every_score_for_programs_and_for_people(system: System, names: list[str]) -> None:
    found = json.loads(system.run("score", names[0], "--json", "--events", "1").stdout)
    assert found["identifiers"] == [names[0]]
    assert len(found["items"]) == len({each["definition"] for each in found["items"]})
    shown = system.run("score", names[0]).stdout
    assert all(each["missing"]["code"] in shown for each in found["items"] if each["missing"])


def test_a_class_is_exported(system: System, names: list[str], tmp_path: Path) -> None:
    command = ("export", "scores", "--definition", "turnover", "--currency", CURRENCY)
    file = tmp_path / "turnover.csv"
    assert system.run(*command, "--output", str(file)).stdout == f"3 rows in {file}\n"
    with file.open(newline="") as lines:
        rows = {row["identifiers"]: (row["value"], row["band"]) for row in csv.DictReader(lines)}
    assert rows == {names[0]: ("1000", "b"), names[1]: ("2000", "a"), names[2]: ("3000", "a")}
    assert system.run(*command, "--band", "b").stdout.count("\n") == 2


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("score", "crm:nobody-at-all"), "rapport: nobody has been heard of under this name\n"),
        (("score", "4711"), "rapport: 4711: neither a uuid nor an identifier: "),
        (("score", "NAME", "--definition", "wealth"), "rapport: there is no definition of this id"),
        (("export", "scores", "--band", "rich", "--currency", CURRENCY), "band: one of champions, loyal, "),
    ],
)
def test_a_refusal_is_one_line(system: System, names: list[str], command: tuple[str, ...], said: str) -> None:
    done = system.run(*(names[0] if word == "NAME" else word for word in command))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert said in done.stderr
