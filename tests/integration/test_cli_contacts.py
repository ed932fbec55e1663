import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.conftest import System

EXAMPLES = Path(__file__).parents[2] / "examples"
SAMPLE = EXAMPLES / "contacts-sample.csv"
MAPPING = EXAMPLES / "contacts.toml"


def contacts_file(folder: Path, *contacts: dict[str, object]) -> Path:
    path = folder / "contacts.ndjson"
    path.write_text("".join(f"{json.dumps(contact)}\n" for contact in contacts))
    return path


def shown(system: System, ref: str) -> dict[str, Any]:
    done = system.run("contact", "show", ref, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def rejected(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.with_name(f"{file.name}.rejected.ndjson").read_bytes().splitlines()]


def decided_on_boards(system: System) -> int:
    """How many records the topic feedback holds."""
    services = json.loads(system.run("status", "--json").stdout)["services"]
    (feedback,) = [service["partitions"] for service in services if service["name"] == "feedback"]
    return sum(each["end"] for each in feedback if each["topic"] == "feedback")


def conflicts(system: System) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(system.run("conflicts", "--json", "--limit", "500").stdout)
    return found


def test_the_sample_is_registered_once_however_often(system: System, tmp_path: Path) -> None:
    before = len(conflicts(system))
    mapping = tmp_path / "contacts.toml"  # the customers of the sample belong to other tests
    mapping.write_text(MAPPING.read_text().replace('"crm:{customer}"', '"shop:{customer}"'))
    command = ("import", str(SAMPLE), "--mapping", str(mapping), "--rejects", str(tmp_path / "rejects"))
    first, again = system.run(*command), system.run(*command)
    assert (first.returncode, again.returncode) == (0, 0), first.stderr
    assert first.stdout.startswith("241 read, 241 registered, 0 already known, 0 conflicts, 0 rejected in ")
    assert again.stdout.startswith("241 read, 0 registered, 241 already known, 0 conflicts, 0 rejected in ")
    assert len(conflicts(system)) == before
    found = shown(system, "email:Customer-12346@shop.example")
    assert found["contact"]["registered"]
    assert found["contact"]["traits"] == {"country": "GB", "origin": "web shop"}
    assert set(found["identifiers"]) == {"shop:12346", "email:customer-12346@shop.example"}
    assert {link["identifier"] for link in found["links"]} == set(found["identifiers"])
    assert found["members"] == [found["contact"]["id"]]


def test_each_line_becomes_what_it_is(system: System, tmp_path: Path) -> None:
    file = contacts_file(
        tmp_path,
        {"identifiers": ["crm:lines-1", "email:lines@x.org"], "traits": {"name": "Lin Es"}},
        {"identifiers": ["crm:lines-2", "email:lines@x.org"]},
        {"identifiers": ["email:lines"]},
        {"identifiers": ["crm:lines-1"]},
        {"identifiers": ["crm:lines-3"], "kind": "organisation"},
    )
    claims = set()
    for registered, known in ((2, 1), (0, 3)):
        done = system.run("import", str(file))
        assert (done.returncode, done.stderr) == (1, "")
        assert f"5 read, {registered} registered, {known} already known, 1 conflicts, 1 rejected in " in done.stdout
        claimed, bad = sorted(rejected(file), key=lambda line: int(line["line"]))
        assert (claimed["line"], claimed["code"]) == (2, "identifier_claimed")
        assert (bad["line"], bad["pointer"], bad["code"]) == (3, "/identifiers/0", "bad_email")
        waiting = [each for each in conflicts(system) if each["identifiers"][0]["identifier"] == "email:lines@x.org"]
        assert [each["id"] for each in waiting] == [claimed["conflict"]]
        claims.add(claimed["conflict"])
    (conflict,) = claims
    listed = system.run("conflicts", "--limit", "500").stdout
    assert f"Open conflict {conflict} of " in listed
    assert "email:lines@x.org belongs to " in listed
    assert "/resolution -d '{" in listed
    assert conflict in system.run("contact", "show", "crm:lines-1").stdout


def test_a_dry_run_asks_nobody(system: System, tmp_path: Path) -> None:
    file = contacts_file(tmp_path, {"identifiers": ["crm:dry-contact"]}, {"identifiers": ["4711"]})
    done = system.run("import", str(file), "--dry-run", env={"RAPPORT_DATA": "/nowhere"})
    assert (done.returncode, done.stderr) == (1, "")
    assert "2 read, 1 well formed, 1 rejected in " in done.stdout
    assert system.run("contact", "show", "crm:dry-contact").returncode == 1


@pytest.mark.parametrize(
    ("ref", "said"),
    [
        ("crm:nobody-at-all", "rapport: crm:nobody-at-all: nobody has been heard of under this name\n"),
        ("0198b1f3-77aa-7f10-a4c2-90b3d21e8f55", "nobody has been heard of under this name\n"),
        ("4711", "rapport: 4711: neither a uuid nor an identifier: "),
        ("email:x", "rapport: email:x: neither a uuid nor an identifier: "),
    ],
)
def test_whoever_is_unknown(system: System, ref: str, said: str) -> None:
    done = system.run("contact", "show", ref)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert said in done.stderr


def test_contacts_are_found_by_words(system: System, tmp_path: Path) -> None:
    file = contacts_file(tmp_path, {"identifiers": ["crm:a/b%20?c"], "traits": {"name": "Zebedee Slash"}})
    assert system.run("import", str(file)).returncode == 0
    (line,) = [line for line in system.run("contact", "find", "zebe", "slash").stdout.splitlines() if "Zebedee" in line]
    assert "crm:a/b%20?c" in line
    assert shown(system, "crm:a/b%20?c")["contact"]["id"] == line.split()[0]
    nobody = system.run("contact", "find", "zebe", "nobody")
    assert (nobody.returncode, nobody.stdout) == (0, "Nobody is known by zebe nobody.\n")


def test_the_demo_can_be_told_again(system: System) -> None:
    stories = [system.run("demo") for _ in range(2)]
    for story in stories:
        assert (story.returncode, story.stderr) == (0, "")
        assert "The timeline of crm:demo-ada grew from 9 to 10 entries" in story.stdout
        assert "crm:demo-ada has 9 entries again, loyalty:demo-77 has 1 of its own" in story.stdout
        assert "Answered 409 identifier_claimed: " in story.stdout
        assert "so 3 people stand behind them" in story.stdout
    told = [re.findall(r"Conflict (\S+) waits for a person", story.stdout) for story in stories]
    assert told[0] == told[1]
    assert told[0][0] in [conflict["id"] for conflict in shown(system, "crm:demo-ada")["conflicts"]]
    assert shown(system, "crm:demo-ada")["merges"] == []
    boards = [re.findall(r"/v1/ideas\?board=(\S+)&", story.stdout) for story in stories]
    assert boards[0] == boards[1]


def test_the_demo_counts_everybody_once(system: System) -> None:
    told = system.run("demo").stdout
    assert "10. Everybody is counted, and each finds a place among all" in told
    assert re.search(r"satisfaction +33\.75 +1 event *\n +2025-04-10T18:15 +9 +interactions/\d+/\d+ +survey", told)
    before = httpx.get(f"{system.scoring}/v1/statistics").json()["items"]
    assert system.run("demo").returncode == 0
    assert httpx.get(f"{system.scoring}/v1/statistics").json()["items"] == before


def test_what_the_demo_says_on_boards_is_said_once(system: System) -> None:
    told = system.run("demo")
    before = decided_on_boards(system)
    assert system.run("demo").returncode == 0
    assert decided_on_boards(system) == before
    (board,) = re.findall(r"/v1/ideas\?board=(\S+)&", told.stdout)
    ideas = httpx.get(f"{system.feedback}/v1/ideas", params={"board": board, "sort": "top"}).json()["items"]
    assert [(each["title"], each["tally"]["up"], each["tally"]["down"]) for each in ideas] == [
        ("Say the delivery week before I pay", 3, 0),
        ("Deliver on Saturdays, for 20 GBP", 1, 1),
    ]
    assert (ideas[0]["status"], ideas[0]["tally"]["unregistered"]) == ("planned", 2)
