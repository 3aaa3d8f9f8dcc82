"""Whoever disables a service that has failed gives it up: its alert in SIGNL4 is closed. So does an uninstallation."""

import pytest

from tests.systemd.conftest import alone_in
from tests.systemd.host import ETC, Host, install
from tests.systemd.machine import SOURCES, Machine
from tests.systemd.test_failure import fail

OTHER = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"


@pytest.fixture
def failed(host: Host) -> Host:
    """Enabled, failed, and SIGNL4 was told."""
    host.systemctl("enable")
    return told_of(host)


def told_of(host: Host) -> Host:
    fail(host)
    host.wait_for(lambda: host.told(host.failure) == ["new"], "the alert of the failure")
    return host


def is_watched(host: Host) -> bool:
    unit = f"betterstack-signl4-disabled@{host.name}.timer"
    return host.machine.show(unit, "ActiveState")["ActiveState"] == "active"


def looks(host: Host) -> str:
    """When it was last looked whether the service is disabled."""
    unit = f"betterstack-signl4-disabled@{host.name}.service"
    return host.machine.show(unit, "ExecMainExitTimestampMonotonic")["ExecMainExitTimestampMonotonic"]


def wait_for_a_look(host: Host) -> None:
    before = looks(host)
    host.wait_for(lambda: looks(host) != before, "the look whether it is disabled")


@pytest.mark.parametrize("command", ["disable", "disable --now", "mask"])
def test_the_alert_of_a_service_that_is_given_up_is_closed(failed: Host, command: str) -> None:
    failed.machine.run("systemctl", *command.split(), failed.unit)
    try:
        failed.wait_for(lambda: failed.told(failed.failure) == ["new", "resolved"], "the end of that alert")
        failed.wait_for(lambda: not is_watched(failed), "the end of the watch")
    finally:
        failed.machine.run("systemctl", "unmask", failed.unit)


def test_a_team_that_is_given_up_is_told_of_alone(failed: Host) -> None:
    team = Host(failed.machine, failed.sandbox, "ops")
    team.configure()
    team.systemctl("enable")
    told_of(team)
    team.machine.run("systemctl", "disable", "--now", team.unit)
    team.wait_for(lambda: team.told(team.failure) == ["new", "resolved"], "the end of that alert")
    assert is_watched(failed)
    assert failed.told(failed.failure) == ["new"]


def test_an_alert_stays_open_whatever_else_is_enabled_or_disabled(failed: Host) -> None:
    failed.machine.path("/etc/systemd/system/other.service").write_text(OTHER)
    for verb in ("enable", "disable"):
        failed.machine.run("systemctl", verb, "other")
        wait_for_a_look(failed)
    logged = "\n".join(failed.machine.journal("betterstack-signl4-disabled@config.service"))
    assert "Starting" not in logged
    assert is_watched(failed)
    assert failed.told(failed.failure) == ["new"]


def test_a_service_that_was_never_enabled_is_not_watched(host: Host) -> None:
    host.systemctl("disable")
    assert not is_watched(told_of(host))


def test_an_uninstallation_closes_the_alert() -> None:
    with Machine("given-up") as machine, alone_in(machine) as sandbox:
        machine.put_sources()
        install(machine)
        host = Host(machine, sandbox)
        host.configure()
        told_of(host)
        machine.run("make", "-C", SOURCES, "uninstall")
        assert host.told(host.failure) == ["new", "resolved"]
        assert machine.path(ETC).exists()
