"""The commands: exit codes, and errors that are sentences."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from daemon import __version__
from daemon.cli.main import main
from daemon.storage.engine import open_engine
from tests.support.each import each
from tests.support.outbox import DEAD, NEW, dump, put
from tests.support.store import Store
from tests.support.terminal import SECRETS, assert_sentence, command

OFFLINE = [
    "status",
    "incidents",
    "deliveries",
    "retry --dead",
    "retry 1",
    "drop 1 --yes",
    "silence add --match name=x --for 2h --comment x",
    "silence list",
    "report",
    "report --html report.html",
    "db upgrade",
    "db backup copy.db",
]
LOOKING = [
    *("status", "status --json", "incidents", "deliveries", "silence list", "report", "report --csv"),
    *("retry --dead", "db backup copy.db"),
]
WORKING = ["run", "once"]


@pytest.fixture(autouse=True)
def _somewhere_else(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have a config.toml in the working directory."""
    monkeypatch.chdir(tmp_path_factory.mktemp("cwd"))
    monkeypatch.delenv("BETTERSTACK_SIGNL4_CONFIG", raising=False)


# -- usage ------------------------------------------------------------------------------------------------------------

COMMANDS = [
    *"run once check test-alert import-webhook route report status incidents deliveries monitors why watch".split(),
    *"reconcile retry drop silence db demo completion".split(),
]


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_names_every_command(option: str) -> None:
    said = CliRunner().invoke(main, [option])
    assert said.exit_code == 0
    assert [line.split()[0] for line in said.output.partition("Commands:\n")[2].splitlines()] == sorted(COMMANDS)


@pytest.mark.parametrize("name", [*COMMANDS, "db upgrade", "db backup", "silence add", "silence expire"])
def test_every_command_has_help_and_needs_no_configuration_for_it(tmp_path: Path, name: str) -> None:
    said = command(tmp_path / "missing" / "state.db", f"{name} --help", POLL__INTERVAL="wrong")
    assert said.exit_code == 0
    assert said.output.startswith(f"Usage: betterstack-signl4 {name} [OPTIONS]")


def test_the_version_is_that_of_the_package() -> None:
    assert CliRunner().invoke(main, ["--version"]).output == f"betterstack-signl4, version {__version__}\n"


USAGE = [
    "unheard-of",
    "status --unheard-of",
    "status surplus",
    "deliveries --state sent",
    "deliveries --state",
    "deliveries --limit -1",
    "deliveries --limit all",
    "deliveries --limit 99999999999999999999",
    "deliveries --since yesterday",
    "deliveries --since -2h",
    "deliveries --name shop",
    "incidents --since",
    "incidents --since 2w",
    "incidents --since 99999999999999d",
    "incidents --state dead",
    "reconcile surplus",
    "retry",
    "retry 1 --dead",
    "retry one",
    "retry 1.5",
    "retry --dead --dead 7",
    "db",
    "db downgrade",
    "db backup",
    "db backup one.db two.db",
    "demo --speed 0",
    "run --config",
]


@pytest.mark.parametrize("line", USAGE)
def test_wrong_usage_is_2_and_touches_nothing(database: Path, line: str) -> None:
    before = dump(database)
    said = command(database, line)
    assert said.exit_code == 2
    assert "Error: " in said.stderr or said.stderr.startswith("Usage: betterstack-signl4 db")
    assert "Traceback" not in said.stderr
    assert dump(database) == before


# -- configuration ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", [*OFFLINE, *WORKING, "check", "test-alert"])
def test_a_bad_configuration_is_78_with_the_key_and_the_mend(database: Path, line: str) -> None:
    said = command(database, line, **SECRETS, POLL__INTERVAL="often")
    assert said.exit_code == 78
    assert said.stdout == ""
    assert_sentence(said.stderr, "poll.interval ('often') is not a duration; write it like")


@pytest.mark.parametrize("line", [*WORKING, "check", "test-alert"])
def test_without_secrets_what_needs_them_is_78(database: Path, line: str) -> None:
    said = command(database, line)
    assert said.exit_code == 78
    lines = said.stderr.splitlines()
    assert [text.split(" is missing; ")[0] for text in lines] == ["betterstack.token", "signl4.secret"]


@pytest.mark.parametrize("line", OFFLINE)
def test_what_only_looks_into_the_database_needs_no_secrets(database: Path, store: Store, line: str) -> None:
    put(store, "1", DEAD, NEW)
    said = command(database, line)
    assert said.stderr == ""
    assert said.exit_code == (1 if line == "status" else 0)


def with_one_dead(directory: Path, content: bytes) -> Path:
    """A database there, in which one delivery is dead."""
    directory.mkdir()
    database = directory / "state.db"
    database.write_bytes(content)
    engine = open_engine(f"sqlite:///{database}")
    put(Store(engine), "1", DEAD, NEW)
    engine.dispose()
    return database


@pytest.mark.parametrize("line", OFFLINE)
def test_the_configuration_file_is_named_before_or_after_the_command(
    tmp_path: Path, empty_database: bytes, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("not TOML")
    words, given, named = line.split(), "--config", "{file}"
    for place, arguments, variables in (
        ("before", [given, named, *words], {}),
        ("after", [*words, given, named], {}),
        ("both", [given, str(wrong), *words, given, named], {}),
        ("variable", words, {"BETTERSTACK_SIGNL4_CONFIG": named}),
        ("directory", words, {}),
    ):
        database = with_one_dead(tmp_path / place, empty_database)
        monkeypatch.chdir(tmp_path / place)
        file = Path("config.toml" if place == "directory" else "given.toml").absolute()
        file.write_text(f'[database]\nurl = "sqlite:///{database}"\n')
        environment = {name: value.format(file=file) for name, value in variables.items()}
        said = CliRunner().invoke(main, [word.format(file=file) for word in arguments], env=environment)
        assert (said.stderr, said.exit_code) == ("", 1 if line == "status" else 0), place
        assert line != "deliveries" or "dead" in said.stdout, place


@each("line", [*OFFLINE, *WORKING])
@pytest.mark.parametrize(("content", "sentence"), [(None, "cannot be read"), ("[poll", "is not valid TOML")])
def test_a_configuration_file_that_cannot_be_read_is_78(
    tmp_path: Path, database: Path, *, line: str, content: str | None, sentence: str
) -> None:
    file = tmp_path / "given.toml"
    if content is not None:
        file.write_text(content)
    said = command(database, line, "--config", str(file))
    assert said.exit_code == 78
    assert_sentence(said.stderr, f"{file} {sentence}")
