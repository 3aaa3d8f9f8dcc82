"""`drop --source`: what no account shows any more can be given up, and then SIGNL4 is told."""

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine

from daemon.storage import queries
from tests.support.accounts import Accounts
from tests.support.clock import Clock
from tests.support.kept_log import KeptLog
from tests.support.outbox import NEW, RESOLVED, rows
from tests.support.terminal import command, proposed


@pytest.fixture
def accounts(engine: Engine, clock: Clock, log: KeptLog) -> Accounts:
    """An account with two open incidents is left out."""
    accounts = Accounts(engine, clock, log)
    accounts.configure("acme", "globex")
    accounts.of["acme"].see("1", "2")
    accounts.of["globex"].see("3")
    accounts.configure("globex")
    return accounts


def test_its_open_incidents_count_as_over_and_who_was_told_is_told(accounts: Accounts, database: Path) -> None:
    done = command(database, "drop", "--source", "acme", "--yes")
    assert done.exit_code == 0, done.stderr
    assert sorted(done.stdout.splitlines()) == [f"incident {one} is given up, and counts as over" for one in "12"]
    assert accounts.told()[-2:] == [("1", RESOLVED), ("2", RESOLVED)]
    body = rows(accounts.engine)["1", 1, "resolved"].payload
    assert body["Note"].startswith("Given up by the operator: the account of Better Stack")
    assert (body["X-S4-ExternalID"], body["X-S4-Status"]) == ("1", "resolved")
    assert queries.snapshot(accounts.engine).untracked == ()
    why = json.loads(command(database, "why", "1", "--json").stdout)
    assert why["phase"] == "resolved"
    assert ("3", NEW) in accounts.told()
    assert ("3", RESOLVED) not in accounts.told()


@pytest.mark.parametrize("name", ["globex", "nobody", "-"])
def test_what_is_polled_or_has_nothing_open_is_not_given_up(accounts: Accounts, database: Path, name: str) -> None:
    done = command(database, "drop", "--source", name, "--yes")
    assert done.exit_code == 1
    section = {"-": "betterstack"}.get(name, f"source.{name}")
    assert done.stderr == (
        f"nothing is to be given up of [{section}]: it is polled, or none of its incidents is open; there is something "
        "of acme\n"
    )
    assert len(accounts.told()) == 3


def test_without_a_terminal_it_is_not_done_unasked(accounts: Accounts, database: Path) -> None:
    done = command(database, "drop", "--source", "acme")
    assert done.exit_code == 2
    assert "add --yes to give these incidents up unasked" in done.stderr
    assert len(accounts.told()) == 3


@pytest.mark.parametrize("words", [(), ("1", "--source", "acme")])
def test_either_deliveries_or_an_account_are_given_up(
    accounts: Accounts,
    database: Path,
    words: tuple[str, ...],
) -> None:
    done = command(database, "drop", *words, "--yes")
    assert done.exit_code == 2
    assert "give the ids of dead or waiting deliveries, or --source with the name of an account" in done.stderr


def test_a_shell_proposes_the_accounts_of_which_something_is_left(accounts: Accounts, database: Path) -> None:
    assert len(accounts.told()) == 3
    assert proposed(database, "drop --source ") == ["acme (2 open)"]
