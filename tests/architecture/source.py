"""The project's own files, as the shape tests see them."""

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = ("libs", "services", "tests", "benchmarks", "examples")
# Where text is looked at besides the code; never what a run leaves behind.
TEXT = (*CODE, "docs", "deploy", ".github", ".ci")
# What a person may have added to the top folder for themselves is their own.
TOP = {"Makefile", ".gitignore", ".gitattributes", ".pre-commit-config.yaml", "LICENSE"}
TOP_SUFFIXES = {".lock", ".md", ".py", ".toml", ".yml"}
BINARY = {".pyc", ".png", ".ico", ".gz", ".csv"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    path: str
    text: str
    tree: ast.Module

    @classmethod
    def of(cls, path: str, text: str) -> "Module":
        return cls(path, text, ast.parse(text, path))

    @property
    def name(self) -> str:
        return Path(self.path).name

    @property
    def is_test(self) -> bool:
        return "tests" in Path(self.path).parts or self.name == "conftest.py"

    @property
    def functions(self) -> list[Function]:
        return [node for node in ast.walk(self.tree) if isinstance(node, Function)]

    def at(self, node: ast.AST, fault: str) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {fault}"


@cache
def modules() -> tuple[Module, ...]:
    paths = [path for folder in CODE for path in sorted((ROOT / folder).rglob("*.py"))]
    return tuple(Module.of(relative(path), path.read_text()) for path in [*paths, ROOT / "conftest.py"])


def texts() -> Iterable[tuple[str, str]]:
    """(path, text) of every file a person may read."""
    inside = [path for folder in TEXT for path in sorted((ROOT / folder).rglob("*"))]
    top = [path for path in sorted(ROOT.iterdir()) if path.name in TOP or path.suffix in TOP_SUFFIXES]
    for path in [*top, *inside]:
        if path.is_file() and path.suffix not in BINARY and "__pycache__" not in path.parts:
            yield relative(path), path.read_text(errors="replace")


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def none_of(rule: str, faults: Iterable[str]) -> None:
    """Fails with one line for each fault, without a traceback that would say less."""
    found = list(faults)
    if found:
        pytest.fail("\n".join([rule, *found]), pytrace=False)
