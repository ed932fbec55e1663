import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.integration.client import someone
from tests.integration.conftest import RAPPORT, System, on_each_log

PATIENCE_S = 30.0


def post(system: System, id_: str, subject: str, **attributes: object) -> None:
    event = {
        "specversion": "1.0", "id": id_, "source": "urn:test:tail", "subject": subject, "time": "2024-05-06T07:08:09Z",
        "type": "rapport.interactions.need.stated.v1", "data": {"need": "N", "words": f"words of {id_}"}, **attributes,
    }  # fmt: skip
    headers = {"content-type": "application/cloudevents+json"}
    body = json.dumps(event, indent=1)
    httpx.post(f"{system.interactions}/v1/events", content=body, headers=headers, trust_env=False).raise_for_status()


@pytest.fixture(scope="module")
def subject(system: System) -> str:
    subject = someone()
    post(system, "tail-1", subject)
    post(system, "tail-2", subject, type="com.example.shop.visited", data={"minutes": 7})
    post(system, "tail-3", subject)
    return subject


@contextmanager
def followed(system: System, *args: str) -> Iterator["subprocess.Popen[str]"]:
    tail = subprocess.Popen(
        [RAPPORT, "tail", "--follow", *args], env=system.env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    too_late = threading.Timer(PATIENCE_S, tail.kill)
    too_late.start()
    with tail:
        yield tail
    too_late.cancel()


@on_each_log
def test_lines_are_readable(system: System, subject: str) -> None:
    done = system.run("tail", "--subject", subject)
    assert (done.returncode, done.stderr) == (0, "")
    first, second, third = done.stdout.splitlines()
    assert first[20:].split(maxsplit=2) == [
        "need.stated", subject, "Needs: words of tail-1  (happened 2024-05-06T07:08:09Z)",
    ]  # fmt: skip
    assert f"com.example.shop.visited {subject}  shop visited (com.example)" in second
    assert third > first


@on_each_log
def test_events_for_programs_are_one_a_line(system: System, subject: str) -> None:
    lines = [json.loads(line) for line in system.run("tail", "--json", "--subject", subject).stdout.splitlines()]
    assert [line["event"]["id"] for line in lines] == ["tail-1", "tail-2", "tail-3"]
    assert set(lines[0]) == {"position", "recorded_at", "event"}
    topic, _, offset = lines[0]["position"].split("/")
    assert (topic, int(offset) > 0) == ("interactions", True)


@pytest.mark.parametrize(
    ("args", "ids"),
    [
        (("--type", "need.*"), ["tail-1", "tail-3"]),
        (("--type", "com.*.visited"), ["tail-2"]),
        (("--since", "2999-01-01"), []),
        (("--since", "2020-01-01T00:00:00+01:00", "-n", "1"), ["tail-3"]),
    ],
)
def test_it_shows_what_is_asked_for(system: System, subject: str, args: tuple[str, ...], ids: list[str]) -> None:
    done = system.run("tail", "--json", "--subject", subject, *args)
    assert [json.loads(line)["event"]["id"] for line in done.stdout.splitlines()] == ids


def test_log_created_is_shown_to_those_who_ask(system: System) -> None:
    assert len(system.run("tail", "--type", "log.created").stdout.splitlines()) == 50
    assert "log.created" not in system.run("tail").stdout


def test_the_last_of_all(system: System, subject: str) -> None:
    assert len(system.run("tail", "-n", "2").stdout.splitlines()) == 2


@on_each_log
def test_following_goes_on_until_ctrl_c(system: System) -> None:
    post(system, "follow-1", "crm:Followed")
    with followed(system, "--json", "--subject", "crm:Followed") as tail:
        assert tail.stdout
        assert json.loads(tail.stdout.readline())["event"]["id"] == "follow-1"
        for id_ in ("follow-2", "follow-3"):
            post(system, id_, "crm:Followed")
            assert json.loads(tail.stdout.readline())["event"]["id"] == id_
        tail.send_signal(signal.SIGINT)
        out, err = tail.communicate(timeout=PATIENCE_S)
    assert (tail.returncode, out, err) == (0, "", "")


def test_watching_goes_on_until_ctrl_c(system: System) -> None:
    watching = subprocess.Popen(
        [RAPPORT, "status", "--json", "--watch"],
        env=system.env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    with watching:
        assert watching.stdout
        for _ in range(2):
            assert json.loads(watching.stdout.readline())["services"]
        watching.send_signal(signal.SIGINT)
        _, err = watching.communicate(timeout=PATIENCE_S)
    assert (watching.returncode, err) == (0, "")
