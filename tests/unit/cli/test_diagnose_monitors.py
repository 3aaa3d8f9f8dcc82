"""`check` and `check --online` where Better Stack's monitors and heartbeats are looked at."""

from datetime import timedelta
from pathlib import Path

import pytest

from daemon.cli.diagnose import check_online, plan
from daemon.config.configuration import Configuration
from daemon.config.load import load
from daemon.host.clock import utc_now
from daemon.model.monitor import MonitorKind
from daemon.sandbox.exchange import Answer, Request, json_answer
from daemon.sandbox.faults import Cut, Fault, Instead
from daemon.sandbox.server import Sandbox
from tests.support.each import each
from tests.support.terminal import SECRETS, command
from tests.support.values import settings

BOTH = {"MONITORS__ENABLED": "true", "MONITORS__HEARTBEATS": "true"}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def said(sandbox: Sandbox, **changes: str) -> list[tuple[bool, str]]:
    """What is found out about the lists."""
    findings = check_online(load(None, sandbox.environment() | changes).settings)
    return [(well, sentence) for well, sentence in findings if "the list of" in sentence]


def is_of_a_list(request: Request) -> bool:
    return request.path.endswith(("/monitors", "/heartbeats"))


def asked(sandbox: Sandbox) -> list[str]:
    return [one.request.path for one in sandbox.betterstack.requests if is_of_a_list(one.request)]


def test_each_list_that_is_looked_at_is_read_by_one_request(sandbox: Sandbox) -> None:
    sandbox.world.monitors.add("Depot")
    assert said(sandbox, **BOTH) == [
        (True, "Better Stack: the token reads the list of monitors; there are: 2"),
        (True, "Better Stack: the token reads the list of heartbeats; there are: 1"),
    ]
    assert asked(sandbox) == ["/api/v2/monitors", "/api/v2/heartbeats"]


def test_how_many_alerts_the_first_look_brings_is_said_before_it(sandbox: Sandbox) -> None:
    long_ago = (utc_now() - timedelta(days=30)).isoformat()
    for name in ("Depot", "Old shop"):
        sandbox.world.monitors.add(name, status="paused", paused_at=long_ago)
    [(well, sentence)] = said(sandbox, MONITORS__ENABLED="true")
    assert well
    assert sentence.endswith("there are: 3, of which are paused for so long that they alert at the first look: 2")
    assert "first look" not in said(sandbox, MONITORS__ENABLED="true", MONITORS__PAUSED_AFTER="off")[0][1]


def test_what_is_not_looked_at_is_not_asked_for(sandbox: Sandbox) -> None:
    assert said(sandbox) == []
    assert said(sandbox, MONITORS__HEARTBEATS="true") == [
        (True, "Better Stack: the token reads the list of heartbeats; there are: 1")
    ]
    assert asked(sandbox) == ["/api/v2/heartbeats"]


def test_of_a_long_list_the_first_page_is_enough(sandbox: Sandbox) -> None:
    for number in range(250):
        sandbox.world.monitors.add(f"{number}", MonitorKind.MONITOR)
    [(well, sentence)] = said(sandbox, MONITORS__ENABLED="true")
    assert well
    assert sentence.endswith("; there are on the first page: 250")
    assert len(asked(sandbox)) == 1


def records(*spoiled: bool) -> Instead:
    """A page of so many records, of which some cannot be read."""
    good = {"attributes": {"pronounceable_name": "Shop"}}
    data = [{"id": f"{number}", **({} if bad else good)} for number, bad in enumerate(spoiled, 1)]
    return Instead(json_answer(200, {"data": data, "pagination": {"next": None}}))


NO = (
    "Better Stack: the list of monitors cannot be read: the token may not read it; take one that may, or set "
    "monitors.enabled = false"
)
UNREAD: dict[str, tuple[Fault, str]] = {
    "forbidden": (Instead(json_answer(403, {"errors": "no"})), NO),
    "no such route": (Instead(json_answer(404, {"errors": "no"})), NO),
    "out of order": (
        Instead(Answer(500)),
        "Better Stack: the list of monitors cannot be read: Better Stack answered HTTP 500",
    ),
    "cut": (Cut(), "Better Stack: the list of monitors cannot be read: Better Stack was not reached: "),
    "another format": (
        records(True, True, False),
        "Better Stack: the list of monitors cannot be read: Better Stack's list of monitors holds 2 records that ",
    ),
}


@each("name", UNREAD)
def test_a_list_that_cannot_be_read_is_a_failure_with_the_mend(sandbox: Sandbox, name: str) -> None:
    fault, why = UNREAD[name]
    sandbox.betterstack.faults.clear()
    sandbox.betterstack.faults.arm(fault, when=lambda request: request.path.endswith("/monitors"))
    first, second = said(sandbox, **BOTH)
    assert not first[0]
    assert first[1].startswith(why)
    assert second == (True, "Better Stack: the token reads the list of heartbeats; there are: 1")


def test_records_that_cannot_be_read_are_counted(sandbox: Sandbox) -> None:
    sandbox.betterstack.faults.arm(records(True, False, False), when=is_of_a_list)
    [(well, sentence)] = said(sandbox, MONITORS__ENABLED="true")
    assert (well, sentence) == (
        True,
        (
            "Better Stack: the token reads the list of monitors; there are: 2; records that cannot be read, and are "
            "left out: 1"
        ),
    )


def test_nothing_is_asked_with_a_token_that_is_refused(sandbox: Sandbox) -> None:
    assert said(sandbox, **BOTH, BETTERSTACK__TOKEN="another-token") == []
    assert asked(sandbox) == []


# -- offline ----------------------------------------------------------------------------------------------------------


def test_the_plan_says_what_is_looked_at() -> None:
    lines = list(plan(Configuration(settings(monitors={"enabled": True}), None, ())))
    assert [
        line for line in lines if line.startswith("looks at the monitors of Better Stack every 5m, and alerts when")
    ]


def test_what_does_nothing_is_warned_of(tmp_path: Path) -> None:
    database = tmp_path / "state.db"
    ways = "does nothing while neither monitors.enabled nor monitors.heartbeats is true; set one of them, or leave "
    shown = command(database, "check", **SECRETS, MONITORS__TELL='["created"]').stdout
    assert f"warning: monitors.tell {ways}tell out\n" in shown
    assert "warning" not in command(database, "check", **SECRETS, **BOTH, MONITORS__TELL='["created"]').stdout
