"""What the documents show is what a system answers: their commands run word for word, in one shell, in order."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.integration.conftest import RAPPORT, SERVICES, System, new_system, running

ROOT: Final = Path(__file__).parents[2]
PORTS: Final = dict(zip(SERVICES, ("8001", "8002", "8003", "8004", "8005"), strict=True))
ENDED: Final = "--- one block ended ---"
BLOCKS: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What differs from one run to the next.
VARIES: Final = {
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}": "<uuid>",
    r"\d{4}-\d\d-\d\dT[\d:.]+Z": "<time>",
    r"\b(?:feedback|interactions)/\d+/\d+": "<position>",
    r'("position": ")[A-Za-z0-9_-]{20,}': r"\1<token>",
    r"\d{4}-\d\d-\d\dT\d\d:\d\d(?![\d:])": "<minute>",
    r'("median_days_to_first_answer": )[\d.e-]+': r"\1<days>",
    r'("hot": ?)[\d.]+': r"\1<rank>",
    # A table is as wide as what stands in it.
    r"─+": "─",
    r" +(?= )| +$": "",
}


class Example(NamedTuple):
    """Commands, and what they print; nothing where the page shows nothing."""

    commands: str
    output: str


def examples(text: str) -> Iterator[Example]:
    """The blocks of sh of a page or a section, each with the block that follows it where that is output."""
    blocks = BLOCKS.findall(text)
    for n, (language, body) in enumerate(blocks):
        if language == "sh":
            shows = n + 1 < len(blocks) and blocks[n + 1][0] in {"", "json"}
            yield Example(body, blocks[n + 1][1] if shows else "")


def printed(told: list[Example], system: System) -> list[str]:
    """What the commands print, block by block, where the system listens."""
    script = "".join(f"{each.commands}\necho; echo '{ENDED}'\n" for each in told)
    for service, port in PORTS.items():
        script = script.replace(f"127.0.0.1:{port}/", f"127.0.0.1:{system.ports[service]}/")
    script = script.replace(".venv/bin/rapport", str(RAPPORT))
    done = subprocess.run(
        ["bash", "-uo", "pipefail", "-c", script],
        env=system.env | {"COLUMNS": "160"}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    return [each.strip("\n") for each in done.stdout.split(ENDED)][:-1]


def same(text: str) -> str:
    for varying, name in VARIES.items():
        text = re.sub(varying, name, text, flags=re.MULTILINE)
    return text.strip("\n")


@pytest.fixture
def untouched(tmp_path: Path) -> Iterator[System]:
    """Where there is nobody yet."""
    yield from running(new_system(tmp_path / "data"))


@pytest.mark.parametrize(
    ("page", "heading", "where"),
    [
        ("docs/feedback.md", "", "system"),
        ("README.md", "## Hear customers", "system"),
        ("docs/scoring.md", "", "untouched"),  # it counts everybody
    ],
    ids=["feedback", "readme", "scoring"],
)
def test_the_examples_of_a_page_print_what_it_shows(
    request: pytest.FixtureRequest, page: str, heading: str, where: str
) -> None:
    system: System = request.getfixturevalue(where)
    _, _, text = (ROOT / page).read_text().partition(heading or "# ")
    told = list(examples(re.split(r"^## ", text, flags=re.MULTILINE)[0] if heading else text))
    found = printed(told, system)
    assert [same(each) for each in found] == [same(each.output) for each in told]
