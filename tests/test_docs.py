"""The pages that speak of the tests say what the tests say."""

import re
from collections.abc import Iterator
from dataclasses import fields

import click
import pytest

from daemon.cli.main import main
from daemon.cli.trial import Told as ToldOnTrial
from daemon.cli.trial import Trial
from daemon.cli.why import ABOUT
from daemon.decisions.health import Health
from daemon.model.audit import Alert, Audit, Pair, Titled, Told
from daemon.model.monitor import MonitorState
from daemon.model.report import Alarm, Figures, Gap, Report, Retried, Retries, Rounds, Source, Spread, Took
from daemon.model.silence import Silence
from daemon.model.story import Happened, Story
from daemon.storage.schema import DELIVERIES, INCIDENTS
from tests.mutations import page as mutations
from tests.mutations.table import ALL
from tests.support.paths import ROOT
from tests.support.reliability_page import PAGE, TABLES, table, written

FOLDERS = {"cli", "runtime", "decisions", "clients", "storage", "host", "config", "model", "page"}


def test_the_page_holds_the_tables_of_the_tests() -> None:
    page = PAGE.read_text("utf-8")
    assert written(page) == page, "write it anew with: python -m tests.support.reliability_page"


@pytest.mark.parametrize("name", TABLES)
def test_every_row_says_what_happens(name: str) -> None:
    assert table(name) in PAGE.read_text("utf-8")
    assert all(fault and case.expected for fault, case in TABLES[name].items())


def test_the_page_of_mutations_is_as_the_table_is() -> None:
    page = mutations.page()
    assert page == mutations.PAGE.read_text("utf-8"), "write it anew with: python -m tests.mutations --page"


def test_a_mutation_changes_what_is_there_and_names_tests_that_there_are() -> None:
    problems = {mutation.what: list(mutation.problems(ROOT)) for mutation in ALL}
    assert {what: found for what, found in problems.items() if found} == {}


def test_no_two_mutations_have_one_sentence() -> None:
    assert len({mutation.what for mutation in ALL}) == len(ALL)


def said_of(command: click.Command, name: str = "") -> Iterator[str]:
    """The commands below this one, and their options."""
    for word, below in getattr(command, "commands", {}).items():
        yield from said_of(below, f"{name} {word}".strip())
    if not isinstance(command, click.Group):
        yield f"`{name}"
        yield from (option for one in command.params for option in one.opts if option.startswith("--"))


def test_the_page_of_commands_names_every_command_and_option() -> None:
    page = (ROOT / "docs" / "commands.md").read_text("utf-8")
    assert [said for said in said_of(main) if said not in page] == []


REPORTED = (Report, Figures, Spread, Source, Took, Retries, Retried, Gap, Alarm, Rounds)
AUDITED = (Audit, Told, Alert, Pair, Titled, Spread)
FIELDS = {
    "status": [field.name for field in fields(Health)],
    "incidents": [column.name for column in INCIDENTS.columns],
    "monitors": [*(field.name for field in fields(MonitorState) if field.name != "configuration"), "changes", "alerts"],
    "silence list": [*(field.name for field in fields(Silence)), "state", "held_deliveries"],
    "why": [*ABOUT, *(field.name for field in (*fields(Story), *fields(Happened)) if field.name not in ABOUT)],
    "route test": [field.name for kind in (Trial, ToldOnTrial) for field in fields(kind)],
    "report": {field.name for kind in REPORTED for field in fields(kind)},
    "report --audit": {field.name for kind in AUDITED for field in fields(kind)},
    "deliveries": [*(column.name for column in DELIVERIES.columns), "incident_name"],
}


@pytest.mark.parametrize("command", FIELDS)
def test_the_page_of_commands_explains_every_field_of_json(command: str) -> None:
    section = (ROOT / "docs" / "commands.md").read_text("utf-8").split(f"\n`{command} --json` is")[1].split("\n\n")[1]
    named = [name for line in section.splitlines()[2:] for name in re.findall(r"`(\w+)`", line.split("|")[1])]
    assert sorted(named) == sorted(FIELDS[command])


def modules(folder: str) -> set[str]:
    """The modules and folders there, but for the markers of packages."""
    places = (ROOT / "daemon" / folder).iterdir()
    return {place.stem for place in places if place.suffix == ".py" or (place.is_dir() and folder)} - {"__init__"}


def test_the_design_names_every_module_in_its_folder() -> None:
    """All but those of the sandbox, which has its own docstrings."""
    section = (ROOT / "docs" / "design.md").read_text("utf-8").split("### Modules")[1].split("\n## ")[0]
    lines = dict(re.findall(r"(?m)^\| `(?:daemon/|(\w+)/)`[^|]*\| (.*) \|$", section))
    assert lines.keys() == {"", *FOLDERS}
    for folder, text in lines.items():
        assert modules(folder) - {"__pycache__"} <= {name.strip("/") for name in re.findall(r"`([\w/]+)`", text)}, (
            folder
        )
