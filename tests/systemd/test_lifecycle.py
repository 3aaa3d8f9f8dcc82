"""The service from one release to the next, and to its end, on a machine of its own."""

import re
from collections.abc import Iterator

import pytest

from daemon.storage.revision import REVISIONS
from tests.systemd.conftest import alone_in
from tests.systemd.host import ETC, STATE, UNIT, Host, install
from tests.systemd.machine import SOURCES, Machine

NEWEST = REVISIONS[-1]
LATER = "/usr/src/later"
"""A release of the future: one migration more, and another version."""
MIGRATION = f'''"""A column more."""

from alembic import op

revision, down_revision = "9999", "{NEWEST}"


def upgrade() -> None:
    op.execute("ALTER TABLE incidents ADD COLUMN colour TEXT")
'''


@pytest.fixture
def host() -> Iterator[Host]:
    """Installed, configured, enabled, and with one incident told."""
    with Machine("lifecycle") as machine, alone_in(machine) as sandbox:
        machine.put_sources()
        install(machine)
        host = Host(machine, sandbox)
        host.configure()
        machine.run("systemctl", "enable", "--now", UNIT)
        tell_one(host, "Shop front page")
        yield host


def tell_one(host: Host, name: str) -> str:
    incident = host.sandbox.world.open(name)
    host.wait_for(lambda: host.told(incident) == ["new"], "the alert")
    return incident


def release_later(machine: Machine) -> None:
    machine.run("cp", "-r", SOURCES, LATER)
    machine.path(f"{LATER}/migrations/versions/9999_colour.py").write_text(MIGRATION)
    version = machine.path(f"{LATER}/daemon/__init__.py")
    version.write_text(version.read_text().replace('__version__ = "0', '__version__ = "9'))


def test_an_upgrade_keeps_a_copy_and_everything_else_and_the_way_back_is_told(host: Host) -> None:
    machine, before = host.machine, host.show("MainPID")
    release_later(machine)
    said = install(machine, LATER)
    changed = r"\nVersion 9\S+ is installed; before it was 0\S+\.\nRestarting betterstack-signl4\.service\.\n"
    assert re.search(changed, said)
    host.wait_for(lambda: host.show("MainPID") != before and host.show("SubState") == "running", "the restart")
    assert machine.run("betterstack-signl4", "--version").stdout.split()[-1].startswith("9")
    copy = f"{STATE}/state.db.schema-{NEWEST}.bak"
    assert machine.path(copy).exists()
    tell_one(host, "Payment service")
    host.assert_all_is_right()

    with pytest.raises(RuntimeError, match=r"Job for betterstack-signl4\.service failed"):
        install(machine)
    host.wait_for(lambda: host.show("ActiveState") == "failed", "the refusal")
    assert host.show("ExecMainStatus") == "78"
    assert f"was written by a newer version (schema 9999, known here up to {NEWEST})" in host.show("StatusText")
    assert f"betterstack-signl4 db restore {copy}" in host.show("StatusText")
    restored = host.ask("db", "restore", copy)
    assert (restored.returncode, restored.stderr) == (0, "")
    assert "may be told again: the file in place cannot be used: " in restored.stdout
    host.systemctl("start")
    tell_one(host, "Mail relay")


def test_an_upgrade_that_fails_leaves_the_old_one_at_work(host: Host) -> None:
    machine, before = host.machine, host.show("MainPID")
    release_later(machine)
    machine.path(f"{LATER}/daemon/__init__.py").write_text("this is no Python")
    with pytest.raises(RuntimeError, match="make"):
        install(machine, LATER)
    tell_one(host, "Payment service")
    assert host.show("MainPID") == before
    host.systemctl("restart")
    tell_one(host, "Mail relay")
    host.assert_all_is_right()


def test_a_second_installation_changes_no_configuration_and_no_secret(host: Host) -> None:
    files = [f"{ETC}/config.toml", f"{ETC}/config/betterstack.token", f"{ETC}/config/signl4.secret"]
    before = [host.machine.path(file).read_text() for file in files]
    install(host.machine, umask="077")
    assert [host.machine.path(file).read_text() for file in files] == before
    assert host.ask("--version", user="nobody").returncode == 0
    tell_one(host, "Payment service")
    host.assert_all_is_right()


def home(machine: Machine) -> str:
    return machine.run("getent", "passwd", "betterstack-signl4").stdout.split(":")[5]


def test_the_user_has_no_home_whichever_release_made_it(host: Host) -> None:
    """It was the state once, which the group can write; and a user with processes does not let itself be changed."""
    machine = host.machine
    assert (home(machine), machine.path("/nonexistent").exists()) == ("/nonexistent", False)
    host.systemctl("stop")
    machine.run("usermod", "--home", STATE, "betterstack-signl4")
    host.systemctl("start")
    install(machine)
    assert (home(machine), machine.path("/nonexistent").exists()) == ("/nonexistent", False)
    assert "HOME=/nonexistent" in machine.path(f"/proc/{host.show('MainPID')}/environ").read_text().split("\0")
    tell_one(host, "Payment service")
    host.assert_all_is_right()
    assert "usermod" not in install(machine)


def test_an_uninstallation_takes_what_the_installation_put_there_and_nothing_else(host: Host) -> None:
    machine = host.machine
    said = machine.run("make", "-C", SOURCES, "uninstall").stdout
    assert f"Left as they are: {ETC}, what is in /var/lib" in said
    assert machine.show(UNIT, "LoadState", "ActiveState") == {"LoadState": "not-found", "ActiveState": "inactive"}
    command = "find / -xdev -path /usr/src -prune -o -path /proc -prune -o -path /sys -prune -o -path /run -prune"
    found = machine.run("sh", "-c", f"{command} -o -name '*betterstack*' -print", check=False).stdout.splitlines()
    assert sorted(found) == [f"{ETC}", f"{ETC}/config/betterstack.token", f"{STATE}", f"{STATE}-failed"]
    assert "Removed" in machine.run("make", "-C", SOURCES, "uninstall").stdout
    assert machine.path(f"{STATE}/state.db").exists()
    assert machine.path(f"{ETC}/config/signl4.secret").read_text().strip() == host.sandbox.signl4.secret
    install(machine)
    host.systemctl("start")
    tell_one(host, "Payment service")


def test_without_curl_nothing_is_installed(host: Host) -> None:
    host.machine.run("rm", "/usr/bin/curl")
    before = host.show("MainPID")
    with pytest.raises(RuntimeError, match="curl is missing"):
        install(host.machine)
    assert host.show("MainPID") == before


def test_it_starts_at_boot(host: Host) -> None:
    """As far as a machine can tell that is never booted twice."""
    wanted = host.machine.run("systemctl", "list-dependencies", "--plain", "multi-user.target").stdout
    assert UNIT in wanted


def test_a_machine_that_is_shut_down_stops_it_in_order(host: Host) -> None:
    host.machine.power_off()
    lines = [line for line in host.machine.lines if "betterstack-signl4[" in line]
    assert lines[-1].endswith("stopped")
