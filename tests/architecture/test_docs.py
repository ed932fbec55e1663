"""The documents say what the code does: settings, error codes, links, make targets, commands, dependencies."""

import ast
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import pytest
import typer
from packaging.requirements import Requirement
from pydantic.fields import FieldInfo

from libs.service.kafka_settings import KafkaSettings
from libs.service.settings import Settings
from services.cli.main import app
from services.cli.services import SERVICES
from tests.architecture.source import ROOT, Module, modules, none_of
from tests.architecture.test_house import PROJECT, TARGET

PAGES = sorted(
    [*ROOT.glob("*.md"), *(page for folder in ("docs", "examples", "libs") for page in (ROOT / folder).rglob("*.md"))]
)
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()

VARIABLE = re.compile(r"\b(?:RAPPORT_[A-Z]|KAFKA_[A-Z]|DATABASE_URL\b|DATABASE_URL_)[A-Z_]*")
FIRST_CELLS = re.compile(r"^\| ((?:`[^`]+`(?:, )?)+) \|", re.MULTILINE)
QUOTED = re.compile(r"`([^`]+)`")
CODE = re.compile(r"[a-z]+(?:_[a-z0-9]+)*")
LINK = re.compile(r"\]\(([^)\s#]*)(?:#([^)\s]+))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
MAKE = re.compile(r"(?:^|`)make ((?:[a-z]+ ?)+)", re.MULTILINE)
# At the beginning of a line or of code, with or without the path: `.venv/bin/rapport status`.
COMMAND = re.compile(r"(?:^|[`/])rapport ([a-z]+)", re.MULTILINE)

# The place of a stable code among the arguments of what carries it.
CARRIERS = {
    "HttpRefusal": 1, "Problem": 1, "unavailable": 0, "BadIdentifier": 0, "_require_text": 1, "Fault": 1, "BadCell": 1,
}  # fmt: skip


def sources() -> list[Module]:
    return [module for module in modules() if module.path.startswith(("libs/", "services/")) and not module.is_test]


def table(heading: str) -> set[str]:
    """What stands quoted in the first column of the tables below a heading of operations.md."""
    section = re.split(rf"^#+ {heading}$", OPERATIONS, flags=re.MULTILINE)[1]
    section = re.split(r"^## ", section, flags=re.MULTILINE)[0]
    return {name for cell in FIRST_CELLS.findall(section) for name in QUOTED.findall(cell)}


def settings_of_processes() -> set[str]:
    names = {f"KAFKA_{name.upper()}" for name in KafkaSettings.model_fields}
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        spelled = getattr(alias, "choices", None) or [f"RAPPORT_{name.upper()}"]
        names |= {each for each in spelled if each.isupper()}
    return names


def variables_in(text: str) -> Iterator[str]:
    """A name that ends in an underscore is made for each service."""
    for name in VARIABLE.findall(text):
        if name.endswith("_"):
            yield from (f"{name}{service.upper()}" for service in SERVICES)
        else:
            yield name


def test_every_setting_stands_in_the_table_and_no_other() -> None:
    read = settings_of_processes().union(*(variables_in(module.text) for module in sources()))
    assert table("Settings") == read


def test_every_default_is_the_true_one() -> None:
    rows = dict(re.findall(r"^\| `(\w+)`[^|]*\| `([^`]*)` \|", OPERATIONS, re.MULTILINE))
    true = {f"RAPPORT_{name.upper()}": as_set(field) for name, field in Settings.model_fields.items()}
    assert {name: text for name, text in rows.items() if name in true} == {n: true[n] for n in rows if n in true}


def as_set(field: FieldInfo) -> str:
    """A field's default as a variable would say it."""
    value = field.get_default(call_default_factory=True)
    return str(int(value) if isinstance(value, bool) else value)


def test_a_variable_of_a_service_is_seen() -> None:
    assert set(variables_in('os.environ.get(f"RAPPORT_PORT_{name.upper()}")')) == {
        f"RAPPORT_PORT_{service.upper()}" for service in SERVICES
    }


def codes_of(module: Module) -> set[str]:
    """The stable codes that a module answers with, wherever the shape of the code says that a string is one."""
    found = chain.from_iterable(_codes(node) for node in ast.walk(module.tree))
    return {text for text in found if CODE.fullmatch(text)}


def _codes(node: ast.AST) -> Iterable[str]:
    match node:
        case ast.Call(func=ast.Name(id=name), args=args) if len(args) > CARRIERS.get(name, len(args)):
            return _strings(args[CARRIERS[name]])
        case ast.Assign(targets=[ast.Name(id="code")], value=value):
            return _strings(value)
        case ast.Assign(targets=[ast.Name(id="codes")], value=ast.Dict(values=values)):
            return chain.from_iterable(map(_strings, values))
        case ast.FunctionDef(name="problem"):
            returned = (each.value for each in ast.walk(node) if isinstance(each, ast.Return))
            return chain.from_iterable(_second(each) for each in returned if each)
        case _:
            return ()


def _second(returned: ast.expr) -> Iterable[str]:
    tuples = (each for each in ast.walk(returned) if isinstance(each, ast.Tuple) and len(each.elts) == 3)
    return chain.from_iterable(_strings(each.elts[1]) for each in tuples)


def _strings(node: ast.expr) -> list[str]:
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.IfExp(body=body, orelse=orelse):
            return [*_strings(body), *_strings(orelse)]
        case _:
            return []


def test_every_code_stands_in_a_table_and_no_other() -> None:
    used = set().union(*map(codes_of, sources()))
    assert table("Error codes") | table("Refusals") == used | refusals()


def refusals() -> set[str]:
    """The codes of what deciders say no with: the names of their classes."""
    named = {"Refusal", "Unheard"}
    classes = (node for module in sources() for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef))
    found = [node.name for node in classes if named & {base.id for base in node.bases if isinstance(base, ast.Name)}]
    return {re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() for name in found if name not in named}


@pytest.mark.parametrize(
    "text",
    [
        'raise HttpRefusal(404, "some_code", "words")',
        'unavailable("some_code", "words")',
        'Problem(at, "some_code", "words")',
        'codes = {404: "some_code"}',
        'code = "some_code" if busy else "some_code"',
        'def problem(self):\n    return ("/at", "some_code", "words") if self else None',
    ],
)
def test_a_code_is_seen(text: str) -> None:
    assert codes_of(Module.of("services/x/routes.py", text)) == {"some_code"}


def slug(heading: str) -> str:
    """The anchor that a heading gets where Markdown is shown."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(text: str) -> set[str]:
    return {slug(heading) for heading in HEADING.findall(FENCE.sub("", text))}


def link_faults(page: Path, text: str) -> Iterator[str]:
    for target, anchor in LINK.findall(FENCE.sub("", text)):
        if "://" in target or target.startswith("mailto:"):
            continue
        goal = page if not target else (page.parent / target).resolve()
        if not goal.exists():
            yield f"{page.relative_to(ROOT)}: {target} is not there"
        elif anchor and anchor not in anchors(text if goal == page else goal.read_text()):
            yield f"{page.relative_to(ROOT)}: {target} has no heading #{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    none_of("a relative link leads to a file, and to a heading in it", link_faults(page, page.read_text()))


@pytest.mark.parametrize("link", ["[a](missing.md)", "[a](#missing)", "[a](docs/events.md#missing)"])
def test_a_dead_link_is_seen(link: str) -> None:
    assert list(link_faults(ROOT / "README.md", f"# Here\n\n{link}\n"))


def test_named_make_targets_exist() -> None:
    targets = {name for name, _ in TARGET.findall((ROOT / "Makefile").read_text())}
    named = {(page.name, name) for page in PAGES for words in MAKE.findall(page.read_text()) for name in words.split()}
    missing = (f"{page}: make {name}" for page, name in sorted(named) if name not in targets)
    none_of("a page names targets of the Makefile", missing)


def test_named_commands_exist() -> None:
    commands = set(getattr(typer.main.get_command(app), "commands", {}))
    named = {(page.name, name) for page in PAGES for name in COMMAND.findall(page.read_text())}
    missing = (f"{page}: rapport {name}" for page, name in sorted(named) if name not in commands)
    none_of("a page names commands of rapport", missing)


def test_every_dependency_has_its_line() -> None:
    record = (ROOT / "docs" / "decisions" / "0007-runtime-dependencies.md").read_text()
    lines = {name for cell in FIRST_CELLS.findall(record) for name in QUOTED.findall(cell)}
    assert lines == {Requirement(text).name for text in PROJECT["project"]["dependencies"]}
