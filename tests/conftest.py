"""Fixtures that most tests share: a real database file, a clock that is set by hand, a log that is kept."""

import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path

import hypothesis
import pytest
from sqlalchemy import Engine

import tests.support.authorities  # noqa: F401 - imported for what it does
from daemon.clients.http import ExchangeError
from daemon.config.settings import SECTIONS, SOURCES
from daemon.host.slim_imports import no_garbage
from daemon.model.errors import DaemonError
from daemon.storage.instance import locked
from daemon.storage.upgrade import upgrade
from tests.support.canary import leaked, leaked_into
from tests.support.clock import Clock
from tests.support.databases import (  # noqa: F401 - fixtures
    bare_url,
    emptied,
    pgbouncer,
    postgresql,
    server_engine,
    server_url,
    years,
)
from tests.support.engines import engine_at, engine_on
from tests.support.kept_log import KeptLog
from tests.support.store import Store

UNIT = Path(__file__).with_name("unit")

hypothesis.settings.register_profile("ci", derandomize=True, deadline=None, database=None, max_examples=100)
hypothesis.settings.register_profile("nightly", deadline=None, print_blob=True, max_examples=1000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def _let_children_hear_signals() -> None:
    """What started the tests may ignore signals, as nohup(1) and jobs in the background do, and pass that on.

    A handler, even one that does nothing, is not passed on: programs that the tests start have the default again.
    """
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


_let_children_hear_signals()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Thousands of tests stay as they are until the end: the garbage collector need not look at them again."""
    with no_garbage():
        return (yield)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Names packed bytes by their argument: gzip writes the second into them, but ids must not change."""
    return argname if isinstance(val, bytes) and not val.isascii() else None


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log() -> KeptLog:
    return KeptLog()


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a database on which only the migrations ran, made once."""
    file = tmp_path_factory.mktemp("empty") / "state.db"
    url = f"sqlite:///{file}"
    with locked(url):
        upgrade(url)
    return file.read_bytes()


@pytest.fixture
def database(tmp_path: Path, empty_database: bytes) -> Path:
    """A database file of the test's own, at the newest schema."""
    file = tmp_path / "state.db"
    file.write_bytes(empty_database)
    return file


@pytest.fixture
def file_engine(database: Path) -> Iterator[Engine]:
    engine = engine_on(database)
    yield engine
    engine.dispose()


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> Engine:
    """A database at the newest schema: a file, and for the tests of `tests/unit` a server's as well."""
    which = getattr(request, "param", "file_engine")
    engine: Engine = request.getfixturevalue(which)
    return engine


@pytest.fixture
def database_url(engine: Engine, request: pytest.FixtureRequest) -> str:
    """Where `engine` has its database."""
    if engine.name == "sqlite":
        return f"sqlite:///{engine.url.database}"
    url: str = request.getfixturevalue("server_url")
    return url


@pytest.fixture
def other_engine(database_url: str) -> Iterator[Engine]:
    """Another engine on the database of `engine`, as another process has one."""
    engine = engine_at(database_url)
    yield engine
    engine.dispose()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One suite over both databases: only who names the file of a database is of files alone."""
    names = set(metafunc.fixturenames)
    if "engine" in names and names.isdisjoint({"database", "restored"}) and UNIT in metafunc.definition.path.parents:
        metafunc.parametrize("engine", ["file_engine", "server_engine"], indirect=True, ids=["sqlite", "postgresql"])


@pytest.fixture
def store(engine: Engine) -> Store:
    """A store with a gap of two seconds."""
    return Store(engine)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have the program configured, or a proxy."""
    sections = tuple(section.upper() for section in (*SECTIONS, SOURCES))
    for name in list(os.environ):
        if name.startswith((*sections, "CREDENTIALS")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


# -- the secrets that show nowhere ------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _no_secret_in_any_file(request: pytest.FixtureRequest) -> Iterator[None]:
    """Promise 8, through the whole suite: what the program wrote holds neither token nor secret."""
    directory = request.getfixturevalue("tmp_path") if "tmp_path" in request.fixturenames else None
    yield
    assert directory is None or leaked_into(directory) == []


@pytest.fixture(autouse=True)
def _no_secret_in_any_error(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Promise 8: no error that may reach an operator holds them. An `ExchangeError` is scrubbed by who catches it."""
    told: list[str] = []
    begin = DaemonError.__init__

    def __init__(self: DaemonError, *texts: object) -> None:  # noqa: N807 - it takes the place of that one
        begin(self, *texts)
        if not isinstance(self, ExchangeError):
            told.extend(map(str, texts))

    monkeypatch.setattr(DaemonError, "__init__", __init__)
    yield
    assert leaked("\n".join(told)) == []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Promise 8: nothing that was said, at whatever level, holds them."""
    report = yield
    shown = leaked("".join(text for _, text in report.sections))
    if report.when == "call" and report.passed and shown:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: {shown} shows in what was said"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints what tests have measured and recorded as properties."""
    reports = [one for key in ("passed", "failed") for one in terminalreporter.getreports(key)]
    measured = [(one.nodeid, *each) for one in reports if one.when == "call" for each in one.user_properties]
    if measured:
        terminalreporter.section("measured")
    for test, name, value in measured:
        terminalreporter.line(f"{name}: {value}  ({test})")
