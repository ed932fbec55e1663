"""What the documents show is what a system answers: their commands run word for word, in one shell, in order."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.integration.conftest import SERVICES, System

ROOT: Final = Path(__file__).parents[2]
PORTS: Final = dict(zip(SERVICES, ("8001", "8002", "8003", "8005"), strict=True))
ENDED: Final = "--- one block ended ---"
BLOCKS: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What differs from one run to the next.
VARIES: Final = {
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}": "<uuid>",
    r"\d{4}-\d\d-\d\dT[\d:.]+Z": "<time>",
    r"\bfeedback/\d+/\d+": "<position>",
    r'("median_days_to_first_answer": )[\d.e-]+': r"\1<days>",
    r'("hot": ?)[\d.]+': r"\1<rank>",
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
    done = subprocess.run(
        ["bash", "-uo", "pipefail", "-c", script], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stderr == ""
    return [each.strip("\n") for each in done.stdout.split(ENDED)][:-1]


def same(text: str) -> str:
    for varying, name in VARIES.items():
        text = re.sub(varying, name, text)
    return text.strip("\n")


@pytest.mark.parametrize(
    ("page", "heading"), [("docs/feedback.md", ""), ("README.md", "## Hear customers")], ids=["feedback", "readme"]
)
def test_the_examples_of_a_page_print_what_it_shows(system: System, page: str, heading: str) -> None:
    _, _, text = (ROOT / page).read_text().partition(heading or "# ")
    told = list(examples(re.split(r"^## ", text, flags=re.MULTILINE)[0] if heading else text))
    found = printed(told, system)
    assert [same(each) for each in found] == [same(each.output) for each in told]
