import json

import httpx

from tests.integration.conftest import SERVICES, System, on_each_log, on_each_log_slowly

LAST_PARTITIONS = {
    "contacts": {"identity": 0, "contacts": 11, "interactions": 11, "feedback": 11},
    "interactions": {"identity": 0, "interactions": 11},
    "feedback": {"identity": 0, "interactions": 11, "feedback": 11},
    "scoring": {"identity": 0, "interactions": 11, "feedback": 11, "scoring": 11},
    "timeline": {"identity": 0, "contacts": 11, "interactions": 11, "feedback": 11, "scoring": 11},
}


@on_each_log
def test_status_says_how_far_each_service_is(system: System) -> None:
    done = system.run("status", "--partitions")
    assert (done.returncode, done.stderr) == (0, "")
    assert "interactions/11" in done.stdout
    for service in SERVICES:
        line = next(line for line in done.stdout.splitlines() if line.strip().startswith(f"{service} "))
        assert "ready" in line
        assert " live" in line


@on_each_log
def test_status_for_programs(system: System) -> None:
    found = json.loads(system.run("status", "--json").stdout)
    assert [service["name"] for service in found["services"]] == [*SERVICES]
    for service in found["services"]:
        assert (service["state"], service["reason"], service["generation"]["state"]) == ("ready", "", "live")
        assert service["url"] == system.urls[service["name"]]
        partitions = service.pop("partitions")
        assert {each["topic"]: each["partition"] for each in partitions} == LAST_PARTITIONS[service["name"]]
        assert service["lag"] == sum(each["end"] - each["position"] for each in partitions)
        assert set(partitions[0]) == {"topic", "partition", "position", "end", "lag", "rate", "parked_keys"}


def test_the_cluster_is_named_by_the_environment(system: System) -> None:
    runtime = json.loads((system.data / "runtime.json").read_text())
    environment = {
        "RAPPORT_DATA": "/nowhere",
        "RAPPORT_LOG_URL": runtime["log_url"],
        "RAPPORT_IDENTITY_SECRET": (system.data / "identity.secret").read_bytes().hex(),
        "DATABASE_URL_TIMELINE": runtime["services"]["timeline"]["database_url"],
    }
    found = json.loads(system.run("status", "--json", env=environment).stdout)
    _contacts, interactions, _feedback, _scoring, timeline = found["services"]
    assert (timeline["state"], timeline["reason"]) == ("ready", "")
    assert (interactions["state"], interactions["reason"]) == ("ready", "DATABASE_URL_INTERACTIONS is not set")
    wrong = system.run("status", env=environment | {"RAPPORT_IDENTITY_SECRET": "00" * 32})
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert wrong.stderr == "rapport: the identity secret is not the one that this log was made with\n"
    unset = system.run("status", env=environment | {"RAPPORT_IDENTITY_SECRET": ""})
    assert unset.returncode == 1
    assert unset.stderr.startswith("rapport: RAPPORT_IDENTITY_SECRET")
    unnamed = system.run("verify", "interactions", env=environment)
    assert unnamed.stderr == "rapport: DATABASE_URL_INTERACTIONS must name the database of interactions\n"


@on_each_log_slowly
def test_topics_are_there_already(system: System) -> None:
    log = json.loads(system.run("status", "--json").stdout)["log"]
    done = system.run("topics", "ensure")
    assert done.returncode == 0
    assert log in done.stdout
    for topic in ("identity", "contacts", "interactions", "feedback", "scoring", "operations"):
        assert topic in done.stdout


def test_a_folder_where_nothing_runs(system: System) -> None:
    done = system.run("rebuild", "timeline", "--yes", env={"RAPPORT_DATA": str(system.data.parent / "empty")})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("rapport: nothing runs in ")
    assert done.stderr.count("\n") == 1
    assert not (system.data.parent / "empty").exists()


def test_a_service_that_there_is_not(system: System) -> None:
    done = system.run("verify", "billing")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"rapport: there is no service billing; there are {', '.join(SERVICES)}\n"


@on_each_log_slowly
def test_demo_shows_a_late_event_where_it_happened_and_curls_that_work(system: System) -> None:
    done = system.run("demo")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    shown = [line.split()[0] for line in lines if line.startswith(" 2025-")]  # below a score they stand further in
    assert shown == sorted(shown, reverse=True)
    assert shown[-1] == "2025-02-20T15:30"
    for line in lines:
        if line.strip().startswith("curl "):
            answer = httpx.get(line.strip().removeprefix("curl ").strip("'"), trust_env=False)
            assert (answer.status_code, bool(answer.json()["items"])) == (200, True)
