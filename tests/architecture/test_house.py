"""The house around the code: lock files, make targets, decision records, and nothing of one person's machine."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.source import ROOT, none_of, texts

LOCKS = ("requirements.lock", "requirements-dev.lock")
INDEX_SETTING = re.compile(r"://|^\s*(-i|-f|--index-url|--extra-index-url|--find-links|--trusted-host)\b")
INDEX_FILES = ("uv.lock", "uv.toml", "pip.conf", ".npmrc", ".pypirc")
PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)
TARGET = re.compile(r"^([a-z][a-z-]*):(?!=)(.*)$", re.MULTILINE)
HEADINGS = ("Context", "Decision", "Consequences", "Alternatives")
# A home folder, on any machine. (The bracket keeps this line from finding itself.)
HOME = re.compile(r"/(?:hom[e]|User[s])/[a-z]")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())


def pins(lock: str) -> dict[str, str]:
    return {canonicalize_name(name): version for name, version in PIN.findall((ROOT / lock).read_text())}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_address(lock: str) -> None:
    lines = enumerate((ROOT / lock).read_text().splitlines(), 1)
    none_of("no address in a lock file", (f"{lock}:{number}: {line}" for number, line in lines if bad_line(line)))


def bad_line(line: str) -> bool:
    return bool(INDEX_SETTING.search(line))


@pytest.mark.parametrize("line", ["--index-url x", "    # from https://a.example", "-f wheels", "--find-links=wheels"])
def test_an_address_is_seen(line: str) -> None:
    assert bad_line(line)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash(lock: str) -> None:
    requirements = re.split(r"\n(?=\S)", (ROOT / lock).read_text().strip())
    assert [entry.splitlines()[0] for entry in requirements if "--hash=sha256:" not in entry] == []


def test_no_file_sets_an_index() -> None:
    assert [name for name in INDEX_FILES if (ROOT / name).exists()] == []
    assert "uv" not in PROJECT["tool"]


def test_both_locks_pin_the_same_versions() -> None:
    runtime, everything = (pins(lock) for lock in LOCKS)
    assert {name: everything.get(name) for name in runtime} == runtime


def test_the_lock_holds_what_the_project_asks_for() -> None:
    asked = PROJECT["project"]["dependencies"]
    none_of("`make lock` brings it up to date", unmet(asked, pins("requirements.lock")))


def test_the_dev_lock_holds_what_development_asks_for() -> None:
    asked = [line for line in PROJECT["dependency-groups"]["dev"] if isinstance(line, str)]
    none_of("`make lock` brings it up to date", unmet(asked, pins("requirements-dev.lock")))


def unmet(asked: list[str], pinned: dict[str, str]) -> Iterator[str]:
    for requirement in map(Requirement, asked):
        version = pinned.get(canonicalize_name(requirement.name))
        if version is None or version not in requirement.specifier:
            yield f"pyproject.toml: {requirement}, the lock has {version}"


def test_every_target_says_what_it_does() -> None:
    targets = TARGET.findall((ROOT / "Makefile").read_text())
    assert targets
    none_of("`make help` names every target", (f"Makefile: {name}" for name, rest in targets if " ## " not in rest))


@pytest.mark.parametrize("path", [".ci/run", ".github/workflows/ci.yml"])
def test_ci_runs_what_people_run(path: str) -> None:
    text = (ROOT / path).read_text()
    assert re.search(r"\bmake check\b", text)
    assert re.search(r"\bmake test\b", text)


def test_decisions_are_numbered_and_whole() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    none_of("docs/decisions/NNNN-*.md, counted from 0001, with four headings", decision_faults(records))


def decision_faults(records: list[Path]) -> Iterator[str]:
    for number, path in enumerate(records, 1):
        if not path.name.startswith(f"{number:04}-"):
            yield f"{path.name}: expected number {number:04}"
        headings = re.findall(r"^## (.+)$", path.read_text(), re.MULTILINE)
        if missing := [heading for heading in HEADINGS if heading not in headings]:
            yield f"{path.name}: lacks {', '.join(missing)}"


def test_nothing_names_one_machine() -> None:
    none_of(
        "no path of one machine in a file", (fault for path, text in texts() for fault in machine_paths(path, text))
    )


def machine_paths(path: str, text: str) -> Iterator[str]:
    own = [f"{folder}/" for folder in (ROOT, Path.home()) if folder != Path("/")]
    for number, line in enumerate(text.splitlines(), 1):
        if HOME.search(line) or any(name in line for name in own):
            yield f"{path}:{number}: {line.strip()[:100]}"
