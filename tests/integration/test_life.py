"""A system starts, is alone, ends on Ctrl-C, comes back with everything, and needs no rights."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from libs.embedded.home import Home
from libs.events.clock import monotonic_s
from tests.integration.client import Api, ahead, purchase, someone
from tests.integration.conftest import RAPPORT, STOP_PATIENCE_S, System, log_environment, new_system, running

ORIGIN = "https://app.example.org"
EXPOSED = {"ETag", "Link", "Location", "Retry-After", "Rapport-Position"}
ROOT = Path(__file__).parents[2]
NOBODY = "nobody"


@pytest.fixture(scope="module")
def started(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One of its own, which tests may stop and start again; browsers may call it from one origin."""
    with log_environment(request) as environment:
        environment["RAPPORT_CORS_ORIGINS"] = f'["{ORIGIN}"]'
        yield from running(new_system(tmp_path_factory.mktemp("life") / "data", environment))


on_each_log_slowly = pytest.mark.parametrize(
    "started", ["postgres", pytest.param("kafka", marks=pytest.mark.slow)], indirect=True
)


def processes_of(system: System) -> list[psutil.Process]:
    """The system's process and all below it, PostgreSQL's included."""
    assert system.process
    root = psutil.Process(system.process.pid)
    return [root, *root.children(recursive=True)]


def run(system: System, *args: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [RAPPORT, *args], env={**system.env, **environment}, capture_output=True, text=True, timeout=30, check=False
    )


def test_browsers_may_call_from_the_origin_that_is_set(started: System) -> None:
    for url in started.urls.values():
        asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "prefer"}
        allowed = httpx.options(f"{url}/v1/interactions", headers=asked)
        assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, ORIGIN)
        answered = httpx.get(f"{url}/v1/schemas", headers={"Origin": ORIGIN})
        assert answered.headers["access-control-allow-origin"] == ORIGIN
        assert set(answered.headers["access-control-expose-headers"].split(", ")) == EXPOSED
        other = httpx.get(f"{url}/v1/schemas", headers={"Origin": "https://evil.example.org"})
        assert "access-control-allow-origin" not in other.headers


def test_browsers_may_post_events_from_that_origin(started: System) -> None:
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "ce-id"}
    assert httpx.options(f"{started.interactions}/v1/events", headers=asked).status_code == 200
    for event, status in ((purchase(someone()), 202), ({}, 422)):
        headers = {"Origin": ORIGIN, "Content-Type": "application/cloudevents+json"}
        answered = httpx.post(f"{started.interactions}/v1/events", json=event, headers=headers)
        assert (answered.status_code, answered.headers.get("access-control-allow-origin")) == (status, ORIGIN)


def test_a_start_beside_a_running_one_says_so_and_ends(started: System) -> None:
    other_ports = {f"RAPPORT_PORT_{name}": "0" for name in ("CONTACTS", "INTERACTIONS", "TIMELINE")}
    second = run(started, "up", **other_ports)
    assert second.returncode == 1
    assert "already running" in second.stderr
    assert len(second.stderr.splitlines()) == 1
    assert httpx.get(f"{started.timeline}/readyz").status_code == 200


def test_a_start_on_a_taken_port_names_it(started: System, tmp_path: Path) -> None:
    second = run(started, "up", RAPPORT_DATA=str(tmp_path / "other"))
    assert second.returncode == 1
    assert f"127.0.0.1:{started.ports['contacts']}" in second.stderr
    assert "RAPPORT_PORT_CONTACTS" in second.stderr


@pytest.mark.parametrize("command", [["up"], ["serve", "timeline"]])
def test_listening_beyond_loopback_is_refused_with_its_reason(
    started: System, tmp_path: Path, command: list[str]
) -> None:
    refused = run(started, *command, RAPPORT_DATA=str(tmp_path / "other"), RAPPORT_HOST="0.0.0.0")
    assert refused.returncode == 1
    assert "RAPPORT_HOST=0.0.0.0 is not loopback" in refused.stderr
    assert "RAPPORT_INSECURE=1" in refused.stderr
    assert "Traceback" not in refused.stderr


@on_each_log_slowly
def test_ctrl_c_ends_everything_and_a_second_start_finds_everything(started: System) -> None:
    api = Api(started)
    ada = someone()
    before = api.page(ada, min_position=api.posted(purchase(ada), purchase(ada)))
    token = api.record(ada).headers["rapport-position"]
    after = api.page(ada, min_position=token)
    api.close()
    running = processes_of(started)
    assert len(running) > 4
    began_s = monotonic_s()
    assert started.stop(signal.SIGINT) == 0
    assert monotonic_s() - began_s < STOP_PATIENCE_S
    assert not [process for process in running if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
    assert "Traceback" not in started.log.read_text()
    started.start()
    api = Api(started)
    again = api.page(ada, min_position=token)
    api.close()
    assert again == after
    assert len(again["items"]) == len(before["items"]) + 1


@on_each_log_slowly
def test_sigterm_ends_it_too_and_requests_that_wait(started: System) -> None:
    api = Api(started)
    path = f"/v1/x?min_position={ahead(api.posted(purchase(someone())))}"
    api.close()
    with socket.create_connection(("127.0.0.1", started.ports["timeline"])) as waiting:
        waiting.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\nprefer: wait=30\r\n\r\n".encode())
        assert httpx.get(f"{started.timeline}/livez").status_code == 200
        assert started.stop(signal.SIGTERM) == 0
    started.start()


@on_each_log_slowly
def test_a_killed_system_comes_back_with_everything(started: System) -> None:
    api = Api(started)
    ada = someone()
    position = api.posted(purchase(ada, "kept"))
    api.page(ada, min_position=position)
    api.close()
    assert started.process
    services = [process for process in processes_of(started) if process.name() != "postgres"]
    started.process.kill()
    started.process.wait()
    assert not psutil.wait_procs(services, timeout=STOP_PATIENCE_S)[1]
    started.start()
    api = Api(started)
    assert api.ids(ada, min_position=position) == ["kept"]
    api.close()


def linked(source: Path, target: Path) -> None:
    """A folder where everybody can reach it: links where the disk allows them, else copies."""
    ignored = shutil.ignore_patterns("test", "tests", "site-packages")

    def link(one: str, other: str) -> None:
        try:
            os.link(one, other)
        except OSError:
            shutil.copy2(one, other)

    shutil.copytree(source, target, ignore=ignored, copy_function=link)


def copied_environment(folder: Path) -> tuple[Path, str]:
    """Python and the project where an ordinary user can read them: the interpreter, and its PYTHONPATH."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    python = folder / "bin" / version
    python.parent.mkdir()
    base = Path(sys.base_prefix)
    shutil.copy2(base / "bin" / version, python)
    linked(base / "lib" / version, folder / "lib" / version)
    for library in (base / "lib").glob("libpython*"):
        shutil.copy2(library, folder / "lib" / library.name)
    linked(Path(sysconfig.get_path("purelib")), folder / "packages")
    for name in ("libs", "services"):
        linked(ROOT / name, folder / "packages" / name)
    return python, str(folder / "packages")


@pytest.mark.skipif(os.geteuid() != 0, reason="run as an ordinary user all tests show it")
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not here")
def test_an_ordinary_user_can_run_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = Path("/tmp") / f"rapport-{os.getpid()}"
    folder.mkdir(mode=0o755)
    try:
        home = folder / "home"
        home.mkdir()
        shutil.chown(home, NOBODY)
        python, packages = copied_environment(folder)
        system = new_system(home / "data")
        ended, log = run_as_nobody(system, home, python, packages)
    finally:
        shutil.rmtree(folder)
    assert (ended, "Rapport is ready" in log, "Traceback" in log) == (0, True, False), log


def run_as_nobody(system: System, home: Path, python: Path, packages: str) -> tuple[int, str]:
    """Start, wait until it is ready, Ctrl-C."""
    user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    prefix = python.parents[1]
    places = {"HOME": home, "PYTHONHOME": prefix, "PYTHONPATH": packages, "LD_LIBRARY_PATH": prefix / "lib"}
    lines = []
    with subprocess.Popen(
        [*user, python, "-c", "from services.cli.main import main; main()", "up"],
        env=system.env | {name: str(place) for name, place in places.items()},
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout
        for line in process.stdout:
            lines.append(line)
            if "Ctrl-C stops everything" in line:
                assert Home.at(system.data).read_runtime() is not None
                process.send_signal(signal.SIGINT)
    return process.returncode, "".join(lines)
