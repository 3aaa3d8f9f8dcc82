"""The rules of the house, read from the syntax trees of its modules."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import daemon

PACKAGE = Path(daemon.__file__).parent
MOST_LINES, MOST_LINES_OF_A_FUNCTION = 250, 40

MAY_IMPORT = {
    "": {"decisions", "storage", "config", "model"},
    "runtime": {"", "decisions", "clients", "storage", "host", "config", "model"},
    "decisions": {"config", "model"},
    "clients": {"config", "model", "host.slim_imports"},
    "storage": {"model", "host.child", "host.clock"},
    "host": {"config", "model"},
    "config": {"model", "host.child", "host.slim_imports", "storage.place", "storage.server_url"},
    "model": set[str](),
    "page": {"model"},
    "sandbox": {"clients", "config", "model"},
}
"""What each folder may know besides itself; the flows are in none. The commands, in `cli`, may know everything."""
COMMANDS = {"cli", "__main__"}

ONLY_IN = {
    "httpx": {"clients.http", "clients.pool"},
    "httpcore": {"clients.pool", "clients.transport", "clients.stream"},
    "sqlalchemy": {"storage", "runtime.shared", "runtime.renewal"},
    "alembic": {"storage.migrate"},
    "apscheduler": {"runtime.jobs", "runtime.workers"},
    "structlog": {"host.log"},
    "dateutil": {"config.recurrence"},
    "zoneinfo": {"config.zone"},
    "click": {"cli"},
    "rich": {"cli.render", "cli.tables", "cli.live.screen", "cli.progress", "sandbox"},
    "prometheus_client": {"host.exposition", "host.earlier_counts"},
    "pydantic": {"config.validate"},
    "pydantic_core": {"config.validate", "config.rule_mistakes", "config.checks"},
    "pydantic_settings": {"config.validate"},
    "re2": {"config.pattern", "decisions.matching"},
    "psycopg": {"storage"},
}
"""Libraries, and the modules or folders outside of which nobody knows them."""

OFFERED = {
    "_mapping": "storage",  # SQLAlchemy's rows: a column may have any other name
    "_exit": "host",  # of `os`
    "_jobstore_alias": "runtime",  # of APScheduler's jobs: each executor hands it on
}
"""Names with an underscore that are offered all the same, and the folder that uses them."""

PURE_IMPORTS = {
    *"array bisect collections collections.abc dataclasses datetime difflib enum functools itertools json".split(),
    *"math random re typing".split(),
    "re2",
}
CLOCKS = {"now", "utcnow", "today"}
IMPURE_CALLS = {"open", "print", "input", "exec", "eval", "__import__", "Random"}


def name_of(file: Path) -> str:
    """The name of the module below `daemon`, empty for the package itself."""
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


FILES = {name_of(file): file for file in sorted(PACKAGE.rglob("*.py"))}
PACKAGES = {name_of(file) for file in PACKAGE.rglob("__init__.py")}
DECISIONS = sorted(name for name in FILES if name.startswith("decisions."))


def folder_of(module: str) -> str:
    """Where a module is; the package itself has no name."""
    first = module.partition(".")[0]
    return first if first in PACKAGES | COMMANDS else ""


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(FILES[module].read_text())


def imports(parsed: ast.Module) -> set[str]:
    """The dotted names of all that a module imports, at whatever depth and for whatever purpose."""
    found = set[str]()
    for node in ast.walk(parsed):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import"
            source = node.module or ""
            is_package = source == "daemon" or source.removeprefix("daemon.") in PACKAGES
            found |= {f"{source}.{alias.name}" if is_package else source for alias in node.names}
    return found


def modules_known(parsed: ast.Module) -> set[str]:
    """The other modules of the program that a module knows."""
    return {name.removeprefix("daemon.") for name in imports(parsed) if name.startswith("daemon.")} - {"__version__"}


def strangers(folder: str, parsed: ast.Module) -> set[str]:
    """The modules that somebody in that folder knows and should not."""
    mine = MAY_IMPORT[folder] | {folder}
    return {name for name in modules_known(parsed) if name not in mine and folder_of(name) not in mine}


def test_every_folder_has_its_line() -> None:
    assert {folder_of(name) for name in FILES} == MAY_IMPORT.keys() | COMMANDS


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_a_folder_knows_only_what_its_line_says(folder: str) -> None:
    found = {name: strangers(folder, tree(name)) for name in FILES if folder_of(name) == folder}
    assert {name: known for name, known in found.items() if known} == {}


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_any_other_import_is_noticed(folder: str) -> None:
    for name in sorted(FILES):
        knows = ast.parse(
            f"def later():\n    from daemon.{name} import something" if name else "import daemon.cli.main"
        )
        is_mine = folder_of(name) in MAY_IMPORT[folder] | {folder} or name in MAY_IMPORT[folder]
        assert bool(strangers(folder, knows)) is not (is_mine and bool(name)), name


def test_no_two_modules_know_each_other_by_whatever_way_round() -> None:
    settled = set[str]()

    def walk(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " -> ".join((*way, module))
        if module not in settled:
            for other in modules_known(tree(module)) & set(FILES):
                walk(other, (*way, module))
            settled.add(module)

    for module in FILES:
        walk(module, ())


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_is_known_only_where_it_belongs(library: str) -> None:
    users = {name for name in FILES if library in {known.partition(".")[0] for known in imports(tree(name))}}
    places = {name if name in ONLY_IN[library] else folder_of(name) for name in users}
    assert places == ONLY_IN[library]


def hidden(name: str) -> bool:
    """Whether a name, or a part of it, is not meant for others."""
    return any(part.startswith("_") and not part.endswith("__") for part in name.split("."))


def hidden_things_used(parsed: ast.Module) -> set[str]:
    """What a module uses of others that is not meant for it, be it asked for by its name, by a text or by an import."""
    own = {"self", "cls", "other"}
    found = set[str]()
    for node in ast.walk(parsed):
        match node:
            case ast.Attribute(value=ast.Name(id=whose)) if whose in own:
                continue
            case ast.Attribute(attr=name):
                found.add(name)
            case ast.Call(func=ast.Name(id="getattr" | "setattr" | "hasattr"), args=[_, ast.Constant(value=name), *_]):
                found.add(str(name))
            case ast.ImportFrom(module=source, names=aliases):
                found |= {source or "", *(alias.name for alias in aliases)}
            case ast.Import(names=aliases):
                found |= {alias.name for alias in aliases}
    return {name for name in found if hidden(name)}


def test_only_what_is_offered_is_used_of_others() -> None:
    used = [(module, name) for module in FILES for name in hidden_things_used(tree(module))]
    assert [(module, name) for module, name in used if OFFERED.get(name) != folder_of(module)] == []


def test_what_is_offered_to_nobody_is_noticed_however_it_is_used() -> None:
    for line in (
        "transport._pool",
        "pool._network_backend = Backend()",
        "self.pool._connections",
        "create()._connection.close()",
        "getattr(connection, '_connection', None)",
        "setattr(pool, '_requests', [])",
        "from httpx import _client",
        "from httpx._transports.default import map_httpcore_exceptions",
        "import httpcore._sync",
    ):
        assert hidden_things_used(ast.parse(line)), line
    for line in ("self._pool.close()", "other._name", "pool.__class__", "from __future__ import annotations"):
        assert hidden_things_used(ast.parse(line)) == set(), line


@pytest.mark.parametrize("module", DECISIONS)
def test_decisions_know_no_library_that_acts(module: str) -> None:
    assert {name for name in imports(tree(module)) if not name.startswith("daemon")} - PURE_IMPORTS == set()


@pytest.mark.parametrize("module", DECISIONS)
def test_decisions_read_no_clock_make_no_randomness_and_touch_no_file(module: str) -> None:
    names = {node.attr for node in ast.walk(tree(module)) if isinstance(node, ast.Attribute)}
    called = {call.func.id for call in calls(module) if isinstance(call.func, ast.Name)}
    assert names & CLOCKS == set()
    assert called & IMPURE_CALLS == set()


def calls(module: str) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree(module)) if isinstance(node, ast.Call))


def test_of_randomness_decisions_know_only_the_type() -> None:
    for module in DECISIONS:
        for node in ast.walk(tree(module)):
            if isinstance(node, ast.Import):
                assert "random" not in {alias.name for alias in node.names}
            if isinstance(node, ast.ImportFrom) and node.module == "random":
                assert [alias.name for alias in node.names] == ["Random"]


def test_a_module_is_short_enough_to_be_read() -> None:
    lengths = {module: len(file.read_text().splitlines()) for module, file in FILES.items()}
    assert {module: lines for module, lines in lengths.items() if lines > MOST_LINES} == {}


def test_a_function_is_short_enough_to_be_understood() -> None:
    lengths = [
        (module, node.name, (node.end_lineno or 0) - node.lineno + 1)
        for module in FILES
        for node in ast.walk(tree(module))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert [one for one in lengths if one[-1] > MOST_LINES_OF_A_FUNCTION] == []


def test_a_module_says_what_it_guarantees() -> None:
    assert [module for module in FILES if tree(module).body and not ast.get_docstring(tree(module))] == []
