"""The real process with many accounts: each is polled and told of by itself, and none holds up another."""

import json
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from daemon.sandbox.exchange import Request
from daemon.sandbox.faults import Hang
from daemon.sandbox.mishaps import status, too_many
from daemon.sandbox.server import Sandbox
from tests.e2e.conftest import Operator

FAST: dict[str, Any] = {
    "POLL__INTERVAL": "1s",
    "POLL__ACTIVE_INTERVAL": "1s",
    "DELIVERY__GAP": "0s",
    "ALARM__POLL_AFTER": "1s",
}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(event_limit=10**6, faulty_limit=None, teams=("night",), accounts=("acme", "globex")) as sandbox:
        yield sandbox


def of(account: str) -> Callable[[Request], bool]:
    """Whether a request has the token of this account."""
    return lambda request: request.headers.get("authorization", "").endswith(f"-{account}")


def told(sandbox: Sandbox) -> list[tuple[str, str, str]]:
    """Team, kind and id of what SIGNL4 took."""
    return [(one.team, one.kind, one.external_id) for one in sandbox.signl4.events]


def asked(sandbox: Sandbox, account: str) -> int:
    """How many requests came with the token of this account."""
    return sum(map(of(account), (one.request for one in sandbox.betterstack.requests)))


def is_told(sandbox: Sandbox, incident: str) -> bool:
    """Whether somebody was told of its beginning."""
    return ("default", "new", incident) in told(sandbox)


def test_each_account_is_polled_and_its_own_team_is_told(operator: Operator, sandbox: Sandbox) -> None:
    daemon = operator.run(**FAST, SOURCE__ACME__TEAM="night")
    opened = [sandbox.world.open("Shop", team_name=team) for team in ("Operations", "acme", "globex")]
    daemon.wait_for(lambda: len(told(sandbox)) == 3, "three alerts")
    assert sorted(told(sandbox)) == sorted(zip(("default", "night", "default"), ("new",) * 3, opened, strict=True))
    for incident in opened:
        sandbox.world.resolve(incident, None)
    daemon.wait_for(lambda: len(told(sandbox)) == 6, "their ends")
    listed = json.loads(operator.ask("incidents", "--json").stdout)
    assert {one["id"]: one["polled_from"] for one in listed} == dict(zip(opened, ("", "acme", "globex"), strict=True))
    assert "Shop [acme]" in operator.ask("incidents").stdout
    assert "in the account of [source.globex]" in operator.ask("why", opened[2]).stdout
    said = operator.ask("status", "--json", **FAST)
    assert [one["name"] for one in json.loads(said.stdout)["sources"]] == ["", "acme", "globex"], said.stdout


def test_without_a_token_of_its_own_betterstack_is_not_polled(operator: Operator, sandbox: Sandbox) -> None:
    operator.environment = {key: value for key, value in operator.environment.items() if "BETTERSTACK__" not in key}
    daemon = operator.run(**FAST)
    sandbox.world.open("Nobody sees it")
    seen = sandbox.world.open("Shop", team_name="acme")
    daemon.wait_for(lambda: told(sandbox) == [("default", "new", seen)], "the alert")
    daemon.wait_for(lambda: all(asked(sandbox, one) > 2 for one in ("acme", "globex")), "a second round of both")
    assert operator.ask("status", **FAST).returncode == 0
    tokens = {one.request.headers["authorization"] for one in sandbox.betterstack.requests}
    assert tokens == {f"Bearer {token}" for token in sandbox.betterstack.accounts}


def test_an_account_whose_token_is_refused_has_an_alarm_of_its_own_and_the_others_go_on(
    operator: Operator, sandbox: Sandbox
) -> None:
    daemon = operator.run(**FAST)
    sandbox.betterstack.faults.arm(status(401), when=of("acme"))
    alarm = "betterstack-signl4-alarm-poll-acme"
    daemon.wait_for(lambda: ("default", "new", alarm) in told(sandbox), "the alarm")
    seen = sandbox.world.open("Shop", team_name="globex")
    daemon.wait_for(lambda: ("default", "new", seen) in told(sandbox), "the alert of the other account")
    said = operator.ask("status", **FAST)
    assert (said.returncode, "check source.acme.token" in said.stdout) == (1, True)
    assert "Better Stack cannot be polled for [source.acme]" in said.stdout
    failed = [json.loads(line) for line in daemon.lines if "round failed" in line]
    assert {one["source"] for one in failed} == {"acme"}
    sandbox.betterstack.faults.clear()
    daemon.wait_for(lambda: ("default", "resolved", alarm) in told(sandbox), "its end")
    assert operator.ask("status", **FAST).returncode == 0


@pytest.mark.parametrize("fault", [Hang(), too_many(60)], ids=["hangs", "is to be left alone"])
def test_an_account_that_hangs_or_is_to_be_left_alone_holds_up_no_other(
    operator: Operator, sandbox: Sandbox, fault: Any
) -> None:
    sandbox.betterstack.faults.arm(fault, when=of("acme"))
    daemon = operator.run(**FAST, HTTP__TIMEOUT="60s")
    daemon.wait_for(lambda: asked(sandbox, "acme"), "a request in vain")
    for number in range(3):
        seen = sandbox.world.open(f"Shop {number}", team_name="globex")
        daemon.wait_for(partial(is_told, sandbox, seen), "the alert of the other account")
    assert asked(sandbox, "acme") == 1


def test_two_tokens_that_see_the_same_team_page_once(operator: Operator, sandbox: Sandbox) -> None:
    sandbox.betterstack.accounts = dict.fromkeys(sandbox.betterstack.accounts, "acme")
    daemon = operator.run(**FAST, SOURCE__GLOBEX__TEAM="night")
    seen = [sandbox.world.open(f"Shop {number}", team_name="acme") for number in range(9)]
    daemon.wait_for(lambda: {one for _, _, one in told(sandbox)} == set(seen), "the alerts")
    daemon.wait_for(lambda: daemon.says("incident seen in two accounts"), "the warning")
    for incident in seen:
        sandbox.world.resolve(incident, None)
    daemon.wait_for(lambda: len(told(sandbox)) >= 18, "their ends")
    assert len(told(sandbox)) == 18
    assert sum("incident seen in two accounts" in line for line in daemon.lines) <= 2


def test_a_reload_adds_and_removes_accounts_and_what_is_left_is_taken_over(
    operator: Operator, sandbox: Sandbox, tmp_path: Path
) -> None:
    tokens = {account: token for token, account in sandbox.betterstack.accounts.items()}
    operator.environment = {key: value for key, value in operator.environment.items() if "SOURCE__" not in key}

    def configure(**sources: str) -> None:
        tables = (
            f'[source.{name}]\ntoken = "{tokens[account]}"\nbase_url = "{sandbox.betterstack.url}"\n'
            for name, account in sources.items()
        )
        (tmp_path / "config.toml").write_text("".join(tables))

    configure(acme="acme")
    daemon = operator.run(**FAST)
    seen = sandbox.world.open("Shop", team_name="acme")
    daemon.wait_for(lambda: told(sandbox) == [("default", "new", seen)], "the alert")
    configure(globex="globex")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_for(lambda: daemon.says("source.acme removed; source.globex added"), "the reload")
    sandbox.world.resolve(seen, None)
    other = sandbox.world.open("Mail", team_name="globex")
    daemon.wait_for(lambda: ("default", "new", other) in told(sandbox), "the alert of the new account")
    said = operator.ask("status", **FAST)
    assert (
        f"incident {seen} was tracked by [source.acme], which the configuration does not poll any more" in said.stdout
    )
    assert ("default", "resolved", seen) not in told(sandbox), "nobody has seen that it is over"
    configure(globex="globex", renamed="acme")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_for(lambda: ("default", "resolved", seen) in told(sandbox), "its end, once somebody sees it")
    assert told(sandbox).count(("default", "new", seen)) == 1
    assert "was tracked by" not in operator.ask("status", **FAST).stdout


def test_once_makes_a_round_of_each(operator: Operator, sandbox: Sandbox) -> None:
    seen = [sandbox.world.open("Shop", team_name=team) for team in ("Operations", "acme", "globex")]
    assert operator.ask("once", **FAST).returncode == 0
    assert sorted(one for _, _, one in told(sandbox)) == sorted(seen)
    sandbox.betterstack.faults.arm(status(500), when=of("acme"))
    for incident in seen:
        sandbox.world.resolve(incident, None)
    assert operator.ask("once", **FAST).returncode == 1
    ended = {one for _, kind, one in told(sandbox) if kind == "resolved"}
    assert ended == {seen[0], seen[2]}


def test_check_proves_every_token(operator: Operator, sandbox: Sandbox) -> None:
    said = operator.ask("check", "--online")
    assert said.returncode == 0, said.stderr
    for section in ("betterstack", "source.acme", "source.globex"):
        assert f" for [{section}] every " in said.stdout
        assert f"Better Stack, [{section}]: the token works" in said.stdout
    sandbox.betterstack.faults.arm(status(401), when=of("globex"))
    said = operator.ask("check", "--online")
    assert said.returncode == 1
    assert "FAILED: Better Stack, [source.globex]: Better Stack refused the token" in said.stderr
    assert "check source.globex.token" in said.stderr
