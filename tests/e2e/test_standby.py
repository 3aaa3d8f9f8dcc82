"""A host that does not lead, beside one that does, as its operator, systemd and a monitor see it."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from daemon.model.alarm import Cause
from daemon.sandbox.server import Sandbox
from tests.e2e.conftest import PATIENCE, Daemon, Operator
from tests.e2e.test_metrics import HERE, address, figure, page
from tests.support.postgresql import PASSWORD, Server, missing
from tests.support.service_manager import Manager, managing

pytestmark = pytest.mark.skipif(missing() is not None, reason=missing() or "")

SHORT = {"LEASE__DURATION": "12s", "HTTP__TIMEOUT": "2s", "POLL__INTERVAL": "1s", "POLL__ACTIVE_INTERVAL": "1s"}
LEADS, STANDS_BY = '"event": "leads"', '"event": "stands by"'
CANNOT = "this host cannot take over"


@pytest.fixture
def host(operator: Operator, bare_url: str) -> Operator:
    """Two daemons of this operator are two hosts on one server."""
    operator.environment |= SHORT | {"DATABASE__URL": bare_url}
    return operator


@pytest.fixture
def manager(operator: Operator, sandbox: Sandbox, tmp_path: Path) -> Iterator[Manager]:
    with managing(tmp_path / "notify", sandbox.context.notify) as manager:
        yield manager


@pytest.fixture
def own_server(operator: Operator) -> Iterator[Server]:
    """A server that the test may stop."""
    with Server(auth="scram-sha-256") as server:
        operator.environment |= SHORT | {"DATABASE__URL": server.url()}
        yield server


def leading(host: Operator, **settings: Any) -> Daemon:
    daemon = host.run(**settings)
    daemon.wait_for(lambda: daemon.says(LEADS), "that it leads")
    return daemon


def standing_by(host: Operator, **settings: Any) -> Daemon:
    daemon = host.run(**settings)
    daemon.wait_for(lambda: daemon.says(STANDS_BY), "that it stands by")
    return daemon


def told(host: Operator, daemon: Daemon) -> None:
    """Something happens, and SIGNL4 hears of it."""
    incident = host.sandbox.world.open("Shop front page")
    daemon.wait_for(lambda: host.told(incident) == ["new"], "the alert")


def test_a_standby_is_ready_and_everybody_says_who_leads(host: Operator, manager: Manager) -> None:
    first = leading(host)
    second = standing_by(host, NOTIFY_SOCKET=manager.address)
    name = os.uname().nodename
    manager.wait_for("READY")
    second.wait_for(
        lambda: f"stands by; process {first.process.pid} on {name} leads" in manager.said("STATUS"), "its line"
    )
    told(host, first)
    report = json.loads(host.ask("status", "--json").stdout)
    assert (report["process"]["pid"], report["process"]["host"]) == (first.process.pid, name)
    assert [(one["pid"], one["host"]) for one in report["standbys"]] == [(second.process.pid, name)]
    shown = host.ask("status").stdout
    assert f"process               {first.process.pid} on {name}" in shown
    assert f"stands by             {name}, process {second.process.pid}, version" in shown
    assert first.stop(signal.SIGTERM, PATIENCE) == 0
    second.wait_for(lambda: second.says(LEADS), "that the second one leads")
    told(host, second)
    assert "stands by             nobody, so no host would take over" in host.ask("status").stdout


def test_a_standby_that_stops_is_not_listed_any_more_and_changes_nothing(host: Operator) -> None:
    first = leading(host)
    second = standing_by(host)
    assert second.stop(signal.SIGTERM, PATIENCE) == 0
    assert json.loads(host.ask("status", "--json").stdout)["standbys"] == []
    told(host, first)


def test_the_metrics_tell_who_leads(host: Operator) -> None:
    first, second = leading(host, METRICS__LISTEN=HERE), standing_by(host, METRICS__LISTEN=HERE)
    at = [address(daemon) for daemon in (first, second)]
    told(host, first)
    assert [figure(one, "leader") for one in at] == [1, 0]
    assert [page(one, "/readyz")[0] for one in at] == [200, 200]
    first.kill()
    second.wait_for(lambda: second.says(LEADS), "that the second one leads")
    told(host, second)
    assert figure(at[1], "leader") == 1


def test_a_standby_takes_a_new_configuration_and_keeps_the_old_one_for_a_bad_one(host: Operator) -> None:
    file = host.directory / "config.toml"
    first, second = leading(host), standing_by(host)
    file.write_text("[delivery]\nconcurrency = 2\n")
    second.process.send_signal(signal.SIGHUP)
    second.wait_for(lambda: second.says("delivery.concurrency from 4 to 2"), "the new configuration")
    file.write_text("[delivery]\nconcurrency = 0\n")
    second.process.send_signal(signal.SIGHUP)
    second.wait_for(lambda: second.says("the new configuration is refused"), "that it is refused")
    first.kill()
    second.wait_for(lambda: second.says(LEADS), "that it leads all the same")
    told(host, second)


def test_once_works_where_nobody_leads_and_not_beside_a_leader(host: Operator, sandbox: Sandbox) -> None:
    incident = sandbox.world.open("Shop front page")
    assert host.ask("once").returncode == 0
    assert host.told(incident) == ["new"]
    first = leading(host)
    refused = host.ask("once")
    assert refused.returncode == 69
    assert f"process {first.process.pid} on " in refused.stderr
    assert "leads; stop it first" in refused.stderr


def test_it_waits_for_a_server_that_is_not_there_yet_and_pages_past_it(
    operator: Operator, own_server: Server, manager: Manager, sandbox: Sandbox
) -> None:
    own_server.stop()
    daemon = operator.run(NOTIFY_SOCKET=manager.address, ALARM__POLL_AFTER="1s")
    daemon.wait_for(lambda: daemon.says(CANNOT), "that it says so")
    manager.wait_for("READY")
    alarm = Cause.STATE.external_id
    daemon.wait_for(lambda: operator.told(alarm) == ["new"], "the alarm past the database")
    own_server.start()
    daemon.wait_for(lambda: daemon.says(LEADS), "that it leads")
    daemon.wait_for(lambda: operator.told(alarm) == ["new", "resolved"], "the end of the alarm")
    told(operator, daemon)
    assert daemon.stop(signal.SIGTERM, PATIENCE) == 0


def test_a_leader_without_its_database_sends_nothing_pages_past_it_and_goes_on_with_its_epoch(
    operator: Operator, own_server: Server, sandbox: Sandbox
) -> None:
    # Longer than the lease: the alarm does not need it.
    daemon = leading(operator, ALARM__POLL_AFTER="14s")
    told(operator, daemon)
    own_server.stop("immediate")
    alarm = Cause.STATE.external_id
    daemon.wait_for(lambda: operator.told(alarm) == ["new"], "the alarm past the database")
    daemon.wait_for(lambda: daemon.says("the lease cannot be renewed"), "that it says so")
    own_server.start()
    daemon.wait_for(lambda: daemon.says("the lease is renewed again"), "that it goes on")
    told(operator, daemon)
    daemon.wait_for(lambda: operator.told(alarm) == ["new", "resolved"], "the end of the alarm")
    assert sum(LEADS in line for line in daemon.lines) == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("postgresql+psycopg://postgres:wrong-password@{}/postgres", "password authentication failed"),
        ("postgresql+psycopg://nobody:wrong-password@{}/postgres", "correct user and password in database.url"),
        (
            "postgresql+psycopg://postgres:{password}@{}/nothing",
            "does not exist; make it on the server (CREATE DATABASE)",
        ),
    ],
    ids=["password", "user", "database"],
)
def test_what_only_a_person_can_mend_ends_the_start(
    operator: Operator, own_server: Server, wrong: str, said: str
) -> None:
    where = f"{own_server.address}:{own_server.port}"
    url = wrong.replace("{}", where).replace("{password}", quote(PASSWORD, safe=""))
    ended = operator.ask("run", DATABASE__URL=url)
    assert ended.returncode == 78
    assert said in ended.stderr
    assert "wrong-password" not in ended.stderr
    assert quote(PASSWORD, safe="") not in ended.stderr
