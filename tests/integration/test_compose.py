"""docker-compose.yml: what it must say, and that what it says runs."""

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from libs.embedded.kafka_jars import VERSION
from libs.embedded.ports import free_ports
from libs.events.ids import new_id, random_token
from services.cli.services import SERVICES
from tests.integration.client import purchase
from tests.integration.composed import FILE, ROOT, SERVERS, VARIABLE, Composed, listening, services
from tests.integration.conftest import kafka_environment
from tests.integration.providers import Broker, PostgresServer

DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
JOBS = ("databases", "topics")
OURS = [name for name in services() if name not in SERVERS]
COMPLETED = {"condition": "service_completed_successfully"}
HEALTHY = {"condition": "service_healthy"}
SMOKE_WITHIN_S, ENGINE_WITHIN_S = 240, 1_500


@pytest.mark.parametrize(
    ("schema", "file"), [("vendor.compose-spec", FILE), ("vendor.github-workflows", ROOT / ".github/workflows/ci.yml")]
)
def test_a_file_keeps_its_schema(schema: str, file: Path) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


class TestTheFile:
    def test_it_needs_no_variable(self) -> None:
        assert "${" not in VARIABLE.sub("", FILE.read_text())

    def test_every_service_is_in_it_on_its_own_port(self) -> None:
        found = {name: services()[name]["environment"]["RAPPORT_PORT"] for name in listening()}
        assert found == {name: str(entry.default_port) for name, entry in SERVICES.items()}

    def test_every_job_and_service_does_what_its_name_says(self) -> None:
        assert {name: services()[name]["command"][:2] for name in OURS if name != "rapport"} == {
            **{name: [name, "ensure"] for name in JOBS},
            **{name: ["serve", name] for name in listening()},
        }

    def test_ports_are_published_on_loopback_only(self) -> None:
        for name, service in services().items():
            for port in service.get("ports", []):
                inside = service["environment"]["RAPPORT_PORT"]
                assert port == f"127.0.0.1:{inside}:{inside}", name

    def test_images_are_pinned_and_ours_is_made_here(self) -> None:
        found = services()
        assert {name: found[name]["image"] for name in SERVERS} == {
            "kafka": f"apache/kafka:{VERSION}", "postgres": "postgres:18",
        }  # fmt: skip
        assert {found[name]["image"] for name in OURS} == {"rapport:local"}
        assert {found[name]["pull_policy"] for name in OURS} == {"never"}
        assert [name for name in found if "build" in found[name]] == ["databases"]

    @pytest.mark.parametrize("name", [*SERVERS, *listening()])
    def test_what_runs_is_started_again_and_asked_for_its_health(self, name: str) -> None:
        service = services()[name]
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"]
        assert {"start_period", "start_interval", "interval", "timeout", "retries"} < set(service["healthcheck"])

    @pytest.mark.parametrize("name", [*JOBS, "rapport"])
    def test_what_ends_by_itself_is_not(self, name: str) -> None:
        assert services()[name]["restart"] == "no"
        assert services()[name]["healthcheck"] == {"disable": True}

    def test_servers_come_first_then_jobs_then_services(self) -> None:
        found = services()
        assert found["databases"]["depends_on"] == {"postgres": HEALTHY}
        assert found["topics"]["depends_on"] == {"kafka": HEALTHY}
        for name in listening():
            assert found[name]["depends_on"] == dict.fromkeys(JOBS, COMPLETED), name
        assert not any("depends_on" in found[name] for name in (*SERVERS, "rapport"))

    def test_data_lies_in_volumes(self) -> None:
        found = services()
        assert found["kafka"]["volumes"] == [f"kafka:{found['kafka']['environment']['KAFKA_LOG_DIRS']}"]
        assert found["postgres"]["volumes"] == ["postgres:/var/lib/postgresql"]

    def test_the_secret_is_written_by_the_job_alone(self) -> None:
        mounted = {name: services()[name]["volumes"] for name in OURS if "volumes" in services()[name]}
        read = {name: ["secret:/var/lib/rapport:ro"] for name in (*listening(), "rapport")}
        assert mounted == {"topics": ["secret:/var/lib/rapport"], **read}
        for name in mounted:
            file = services()[name]["environment"]["RAPPORT_IDENTITY_SECRET_FILE"]
            assert file == "/var/lib/rapport/identity.secret"

    def test_each_service_has_a_database_of_its_own_that_the_job_makes(self) -> None:
        found = services()
        urls = {f"DATABASE_URL_{name.upper()}": found[name]["environment"]["DATABASE_URL"] for name in listening()}
        assert len(set(urls.values())) == len(urls)
        assert found["databases"]["environment"] == urls
        assert found["rapport"]["environment"].items() > urls.items()

    @pytest.mark.parametrize("name", OURS)
    def test_ours_may_do_nothing_beyond_its_work(self, name: str) -> None:
        service = services()[name]
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
        assert service["security_opt"] == ["no-new-privileges:true"]


class TestTheImage:
    final = DOCKERFILE.rpartition("\nFROM ")[2]

    def test_its_bases_are_pinned(self) -> None:
        bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
        assert len(set(bases)) == 1
        assert re.fullmatch(r"python:3\.\d+-slim", bases[0])

    def test_it_runs_as_nobody_in_particular(self) -> None:
        assert re.findall(r"^USER (.*)$", self.final, re.MULTILINE) == ["10001:10001"]

    def test_it_asks_what_compose_asks(self) -> None:
        checks = re.findall(r"^HEALTHCHECK .*CMD (\[.*\])$", self.final, re.MULTILINE)
        assert [["CMD", *json.loads(check)] for check in checks] == [services()["timeline"]["healthcheck"]["test"]]
        assert 'ENTRYPOINT ["rapport"]' in self.final

    def test_it_names_no_address(self) -> None:
        assert "://" not in DOCKERFILE

    def test_all_that_it_takes_is_there_and_let_in(self) -> None:
        copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
        let_in = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
        assert {"requirements.lock", "deploy/ready.py"} < set(copied)
        assert set(copied) - {"."} < set(let_in)
        assert [path for path in let_in if not (ROOT / path).exists()] == []


@pytest.fixture(scope="module")
def composed(kafka: Broker, postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    with kafka_environment(kafka.bootstrap) as environment:
        made = Composed(kafka, postgres, tmp_path_factory.mktemp("composed"), environment["RAPPORT_PREFIX"])
        try:
            made.up()
            yield made
        finally:
            made.stop()
            for name in listening():
                made.drop(name)


class TestOnKafkaWithoutAnEngine:
    def test_an_event_that_is_posted_is_on_the_timeline(self, composed: Composed) -> None:
        event = purchase("crm:composed", f"{new_id()}")
        headers = {"content-type": "application/cloudevents+json"}
        posted = httpx.post(f"{composed.url('interactions')}/v1/events", json=event, headers=headers)
        assert posted.status_code == 202, posted.text
        query = {"min_position": posted.json()["position"]}
        read = httpx.get(f"{composed.url('timeline')}/v1/timeline/crm:composed", params=query)
        assert [item["event_id"] for item in read.json()["items"]] == [event["id"]]

    def test_the_secret_is_private_and_stays_when_the_job_runs_again(self, composed: Composed) -> None:
        secret = composed.folder / "identity.secret"
        before = secret.read_bytes()
        assert "there already" in composed.run("databases")
        composed.run("topics")
        assert secret.read_bytes() == before
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600

    def test_commands_find_everything(self, composed: Composed) -> None:
        status = json.loads(composed.run("rapport", "status", "--json"))
        assert {each["name"]: each["state"] for each in status["services"]} == dict.fromkeys(listening(), "ready")

    def test_a_service_that_is_not_ready_is_not_healthy(self, composed: Composed) -> None:
        environment = composed.environment("timeline") | {"RAPPORT_PORT": "1"}
        check = [sys.executable, "deploy/ready.py"]
        asked = subprocess.run(check, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
        assert (asked.returncode, asked.stdout) == (1, "no answer (ConnectionRefusedError)")

    @pytest.mark.slow
    def test_the_smoke_test_passes(self, composed: Composed) -> None:
        with composed.command() as compose:
            said = smoke(compose, composed.ports, SMOKE_WITHIN_S)
        assert said.endswith("every table is what the log says\n")


@pytest.mark.engine
@pytest.mark.slow
def test_the_smoke_test_passes_with_an_engine() -> None:
    compose = ["docker", "compose", "--project-name", f"rapport-test-{random_token()[:8].lower()}"]
    ports = dict(zip(names := listening(), free_ports(len(names)), strict=True))
    try:
        said = smoke(compose, ports, ENGINE_WITHIN_S)
    finally:
        subprocess.run([*compose, "down", "--volumes"], cwd=ROOT, check=True)
    assert said.endswith("every table is what the log says\n")


def smoke(compose: list[str], ports: dict[str, int], patience_s: int) -> str:
    """What deploy/smoke.sh says; fails where it does."""
    environment = {f"RAPPORT_PORT_{name.upper()}": str(port) for name, port in ports.items()}
    done = subprocess.run(
        [ROOT / "deploy" / "smoke.sh", *compose],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=patience_s,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stderr
