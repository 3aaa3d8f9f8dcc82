"""The rooms of the program and the rules of its house, read from the syntax trees of its modules."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import daemon

PACKAGE = Path(daemon.__file__).parent
MOST_LINES, MOST_LINES_OF_A_FUNCTION = 300, 40

FACE = set("cli operate __main__ service schedule rounds once reload assembly screen probe".split())
FLOWS = set("poll lookups deliver oversee".split())
DECISIONS = set("reconcile evidence unreadable retry pace payload health alarm".split())
EDGES = (
    set("betterstack pages reading records signl4 heartbeat wire unpack network stream race names deadline".split())
    | set("proxy trust store outbox aside audit tables database sqlite place lock gate keeper carry backup".split())
    | set("upgrade duty migrate log journal outlet stop clock liveness systemd beginning".split())
)
WORDS = set("incident delivery config settings setting_types errors events figures harmless lean scrub".split())
ROOMS = FACE | FLOWS | DECISIONS | EDGES | WORDS

NEIGHBOURS = {
    "reconcile": {"evidence"},
    "health": {"unreadable"},
    "alarm": {"health"},
    "poll": {"lookups"},
    "betterstack": {"pages", "reading", "records", "wire"},
    "signl4": {"reading", "wire"},
    "heartbeat": {"wire"},
    "wire": {"network", "race", "deadline", "proxy", "reading", "trust", "unpack"},
    "network": {"race", "names", "stream", "deadline"},
    "race": {"names"},
    "stream": {"deadline"},
    "store": {"aside", "database", "outbox", "tables"},
    "outbox": {"tables"},
    "aside": {"tables"},
    "audit": {"aside", "database", "outbox", "tables"},
    "database": {"gate", "lock", "place", "sqlite"},
    "keeper": {"backup", "carry", "database", "gate", "lock", "place", "sqlite", "upgrade"},
    "carry": {"tables"},
    "sqlite": {"lock", "place"},
    "lock": {"place"},
    "backup": {"database", "place", "sqlite"},
    "duty": {"database", "tables"},
    "upgrade": {"database", "place", "backup"},
    "migrate": {"database", "place", "sqlite"},
    "log": {"journal", "outlet"},
}
"""The edges and the flows that may know another one, and the decisions that are made on another one."""

ONLY_IN = {
    "httpx": {"wire"},
    "httpcore": {"network", "stream"},
    "sqlalchemy": set("assembly store outbox aside audit duty database tables migrate keeper carry".split()),
    "alembic": {"migrate"},
    "apscheduler": {"service", "schedule"},
    "structlog": {"log"},
    "click": {"cli", "operate"},
    "rich": {"screen"},
    "pydantic": {"config", "settings", "setting_types"},
    "pydantic_core": {"config"},
    "pydantic_settings": {"settings"},
}

PURE_IMPORTS = set("collections.abc dataclasses datetime enum functools itertools json math random re typing".split())
CLOCKS = {"now", "utcnow", "today"}
IMPURE_CALLS = {"open", "print", "input", "exec", "eval", "__import__", "Random"}


def name_of(file: Path) -> str:
    """The name of the module below `daemon`, empty for the package itself."""
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


FILES = {name_of(file): file for file in sorted(PACKAGE.rglob("*.py"))}
MODULES = [name for name in FILES if name and not name.startswith("sandbox")]
SANDBOX = [name for name in FILES if name.startswith("sandbox")]


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(FILES[module].read_text())


@cache
def imports(module: str) -> frozenset[str]:
    """The dotted names of all that a module imports, at whatever depth and for whatever purpose."""
    found = set[str]()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import"
            source = node.module or ""
            is_package = source == "daemon" or source.replace(".", "/") == "daemon/sandbox"
            found |= {f"{source}.{alias.name}" if is_package else source for alias in node.names}
    return frozenset(found)


def rooms_known(module: str) -> set[str]:
    """The other modules of the program that a module knows."""
    return {name.removeprefix("daemon.") for name in imports(module) if name.startswith("daemon.")} - {"__version__"}


def libraries_known(module: str) -> set[str]:
    return {name.split(".")[0] for name in imports(module)}


def allowed(module: str) -> set[str]:
    if module in FACE:
        return ROOMS
    if module in FLOWS:
        return DECISIONS | WORDS | {"store"} | NEIGHBOURS.get(module, set())
    return WORDS | NEIGHBOURS.get(module, set())


def test_every_module_has_a_room() -> None:
    assert set(MODULES) == ROOMS


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_downwards(module: str) -> None:
    known = {name for name in rooms_known(module) if not (module == "cli" and name.startswith("sandbox"))}
    assert known - allowed(module) == set()


@pytest.mark.parametrize("module", SANDBOX)
def test_the_sandbox_stands_apart_and_knows_only_words(module: str) -> None:
    assert {name for name in rooms_known(module) if not name.startswith("sandbox")} - WORDS == set()


def test_no_two_modules_know_each_other_by_whatever_way_round() -> None:
    settled = set[str]()

    def walk(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " -> ".join((*way, module))
        if module not in settled:
            for other in rooms_known(module) & set(FILES):
                walk(other, (*way, module))
            settled.add(module)

    for module in FILES:
        walk(module, ())


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_is_known_only_where_it_belongs(library: str) -> None:
    users = {module for module in FILES if library in libraries_known(module)}
    if library == "rich":
        users = {module for module in users if not module.startswith("sandbox")}
    assert users == ONLY_IN[library]


@pytest.mark.parametrize("module", sorted(DECISIONS))
def test_decisions_know_no_library_that_acts(module: str) -> None:
    assert {name for name in imports(module) if not name.startswith("daemon")} - PURE_IMPORTS == set()


@pytest.mark.parametrize("module", sorted(DECISIONS))
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


@pytest.mark.parametrize("module", FILES)
def test_a_module_is_short_enough_to_be_read(module: str) -> None:
    assert len(FILES[module].read_text().splitlines()) <= MOST_LINES


@pytest.mark.parametrize("module", FILES)
def test_a_function_is_short_enough_to_be_understood(module: str) -> None:
    functions = [node for node in ast.walk(tree(module)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lengths = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in functions}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES_OF_A_FUNCTION} == {}


@pytest.mark.parametrize("module", FILES)
def test_a_module_says_what_it_guarantees(module: str) -> None:
    assert ast.get_docstring(tree(module)) or not tree(module).body or module == "__main__"
