"""The service on a machine with a real systemd: it starts, tells, and gets over what happens to it there."""

import json
import signal

import pytest

from daemon.sandbox import mishaps
from daemon.sandbox.faults import Hang
from tests.systemd.conftest import alone_in
from tests.systemd.host import ETC, FAILED, RECOVERED, SECRET, STATE, TOKEN, UNIT, Host
from tests.systemd.machine import SOURCES, Machine

UNITS = [
    "betterstack-signl4",
    "betterstack-signl4@team",
    "betterstack-signl4-failed@team",
    "betterstack-signl4-recovered@team",
    "betterstack-signl4-backup@team",
]
CREDENTIALS = {"CREDENTIALS_DIRECTORY": f"{ETC}/config"}
EXPOSURE = "1.2"
"""What `systemd-analyze security` may report at most; a unit without any sandboxing has 9.6."""


# -- what is installed ------------------------------------------------------------------------------------------------


def test_the_installation_says_what_remains_to_be_done(machine: Machine, installed: str) -> None:
    assert "Three steps remain" in installed
    assert all(f"\n{step}. " in installed for step in (1, 2, 3))
    assert machine.run("betterstack-signl4", "--version").stdout.startswith("betterstack-signl4")
    assert machine.show(UNIT, "LoadState", "UnitFileState") == {"LoadState": "loaded", "UnitFileState": "disabled"}
    before = machine.run("betterstack-signl4", "status", check=False)
    assert (before.returncode, before.stdout.splitlines()[0]) == (1, "NOT HEALTHY")


@pytest.mark.parametrize("unit", [*UNITS, "betterstack-signl4-disabled@team"])
def test_systemd_finds_nothing_wrong_with_a_unit(machine: Machine, installed: str, unit: str) -> None:
    verified = machine.run("systemd-analyze", "verify", "--man=no", f"{unit}.service", check=False)
    assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", "")


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_is_hardly_exposed(machine: Machine, installed: str, unit: str) -> None:
    file = machine.show(f"{unit}.service", "FragmentPath")["FragmentPath"]
    threshold = f"--threshold={float(EXPOSURE) * 10:.0f}"
    machine.run("systemd-analyze", "security", "--offline=true", threshold, file)


def test_the_pause_before_a_restart_grows_where_systemd_can(machine: Machine, installed: str) -> None:
    version = int(machine.run("systemctl", "--version").stdout.split()[1])
    steps = machine.show(UNIT, "RestartSteps", "RestartMaxDelayUSec")
    assert steps == ({"RestartSteps": "5", "RestartMaxDelayUSec": "40s"} if version >= 254 else {})
    assert machine.show(UNIT, "NeedDaemonReload") == {"NeedDaemonReload": "no"}


def test_the_command_takes_the_installed_configuration_wherever_it_is_called(host: Host) -> None:
    """As in the checkout, right after the installation, where the sample lies."""
    said = host.machine.run("sh", "-c", f"cd {SOURCES} && betterstack-signl4 check", env=CREDENTIALS).stdout
    assert said.startswith(f"configuration: {ETC}/config.toml, ")
    other = host.machine.run(
        "sh", "-c", f"cd {SOURCES} && betterstack-signl4 --config config.toml check", env=CREDENTIALS
    )
    assert other.stdout.startswith("configuration: config.toml, ")


# -- its life ---------------------------------------------------------------------------------------------------------


def test_an_incident_becomes_an_alert_and_is_closed(running: Host) -> None:
    (incident,) = [event.external_id for event in running.sandbox.signl4.events]
    running.sandbox.world.acknowledge(incident, "Jane")
    running.wait_for(lambda: running.told(incident)[-1] == "acknowledged", "the acknowledgement")
    running.sandbox.world.resolve(incident)
    running.wait_for(lambda: running.told(incident)[-1] == "resolved", "the end")
    running.assert_all_is_right()


def test_it_is_ready_though_better_stack_answers_nothing_and_no_name_is_known(host: Host) -> None:
    host.change(host.sandbox.betterstack.url, "https://uptime.betterstack.com")
    host.systemctl("start")
    assert host.show("SubState") == "running"
    host.wait_for(lambda: "round failed" in " ".join(host.machine.journal(UNIT)), "the complaint")
    assert host.show("ActiveState") == "active"


def test_its_state_is_a_line_of_systemctl_status(running: Host) -> None:
    running.wait_for(lambda: running.show("StatusText").startswith("1 open, 0 pending, last round "), "the line")
    shown = running.machine.run("systemctl", "status", "--no-pager", running.unit).stdout
    assert 'Status: "1 open, 0 pending, last round ' in shown
    running.sandbox.betterstack.faults.arm(mishaps.status(401))
    running.wait_for(lambda: "token" in running.show("StatusText"), "what is wrong")


def test_metrics_are_shown_and_written_within_the_sandbox_of_the_unit(host: Host) -> None:
    """On a socket, in a file as docs/monitoring says, and after a reload on a port."""
    machine, directory, path = host.machine, "/var/lib/prometheus/node-exporter", f"{STATE}/metrics.sock"
    machine.run("install", "-d", "-o", "betterstack-signl4", "-m", "755", directory)
    file = f"{directory}/betterstack-signl4.prom"
    host.change("[http]", f'[metrics]\nlisten = "unix:{path}"\ntextfile = "{file}"\n\n[http]')
    with host.drop_in(f"ReadWritePaths={directory}"):
        host.systemctl("start")
        shown = ["curl", "--silent", "--fail", "--unix-socket", path, "http://here/metrics"]
        assert "betterstack_signl4_build_info{" in machine.run(*shown).stdout
        assert machine.run(*shown, user="nobody", check=False).returncode != 0
        host.wait_for(machine.path(file).exists, "the file")
        assert "betterstack_signl4_healthy" in machine.run("cat", file, user="nobody").stdout
        host.change(f"unix:{path}", "127.0.0.1:0")
        host.systemctl("reload")
        served = [line for line in machine.journal(UNIT) if "metrics are served" in line][-1]
        address = served.partition("address=")[2].split()[0]
        assert "process_open_fds" in machine.run("curl", "--silent", "--fail", f"http://{address}/metrics").stdout
        assert not machine.path(path).exists()


def test_the_secrets_are_handed_over_and_nobody_else_can_read_them(running: Host) -> None:
    machine, secret = running.machine, running.sandbox.signl4.secret
    for place in (f"/run/credentials/{running.unit}", f"{ETC}/config"):
        assert machine.run("cat", f"{place}/signl4.secret").stdout.strip() == secret
        refused = machine.run("cat", f"{place}/signl4.secret", user="nobody", check=False)
        assert refused.returncode == 1
        assert "Permission denied" in refused.stderr
    process = running.show("MainPID")
    for place in ("cmdline", "environ"):
        assert secret not in machine.path(f"/proc/{process}/{place}").read_text()


def test_secrets_may_be_encrypted(host: Host) -> None:
    """In the words of the README."""
    machine, store = host.machine, "/etc/credstore.encrypted"
    machine.run("install", "-d", "-m", "700", store)
    for name in (TOKEN, SECRET):
        plain = f"{ETC}/config/{name}"
        machine.run("systemd-creds", "encrypt", f"--name={name}", plain, f"{store}/config.{name}")
        assert machine.path(plain).read_text().strip() not in machine.path(f"{store}/config.{name}").read_text()
        host.secret(name, "")
    loaded = {name: f"LoadCredentialEncrypted={name}:{store}/%s.{name}" for name in (TOKEN, SECRET)}
    with (
        host.drop_in(f"LoadCredential=\n{loaded[TOKEN] % 'config'}\n{loaded[SECRET] % 'config'}"),
        host.drop_in(f"LoadCredential=\n{loaded[SECRET] % '%i'}", FAILED),
        host.drop_in(f"LoadCredential=\n{loaded[SECRET] % '%i'}", RECOVERED),
    ):
        host.systemctl("start")
        incident = host.sandbox.world.open("Shop front page")
        host.wait_for(lambda: host.told(incident) == ["new"], "the alert")
        host.try_the_alert_of_a_failure()


def test_members_of_its_group_look_at_the_state_and_others_do_not(running: Host) -> None:
    machine = running.machine
    for user, groups in (("alice", ["--groups=betterstack-signl4"]), ("bob", [])):
        machine.run("useradd", *groups, user)
    status = machine.run("betterstack-signl4", "status", "--json", user="alice", check=False)
    assert json.loads(status.stdout)["open_incidents"] == 1
    assert running.ask("retry", "--dead", user="alice").returncode == 0
    assert running.ask("status", user="bob").returncode == 78
    assert machine.run("ls", STATE, user="bob", check=False).returncode == 2
    running.systemctl("stop")
    assert running.ask("retry", "--dead", user="alice").returncode == 0
    running.systemctl("start")
    second = running.sandbox.world.open("Payment service")
    running.wait_for(lambda: running.told(second) == ["new"], "an alert from the files that alice left")


def test_the_journal_has_the_level_and_the_fields_of_each_line_and_no_second_time(running: Host) -> None:
    (incident,) = [event.external_id for event in running.sandbox.signl4.events]
    told = running.machine.journal(running.unit, f"INCIDENT={incident}", "KIND=new", "ATTEMPT=1")[-1]
    assert told.startswith(f"delivered incident={incident} kind=new")
    invocation = running.show("InvocationID")
    warning = ["-o", "json", "-p", "warning..warning", f"_SYSTEMD_INVOCATION_ID={invocation}"]
    running.sandbox.signl4.faults.arm(mishaps.status(503), times=1)
    running.sandbox.world.open("Payment service")
    running.wait_for(lambda: running.machine.journal(running.unit, *warning), "a warning")
    entry = json.loads(running.machine.journal(running.unit, *warning)[-1])
    assert (entry["PRIORITY"], entry["SYSLOG_IDENTIFIER"]) == ("4", "betterstack-signl4")


# -- what happens to it -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "result"), [(signal.SIGKILL, "signal"), (signal.SIGSTOP, "watchdog")])
def test_killed_or_frozen_it_is_started_again_and_nothing_is_lost_or_doubled(
    running: Host, number: signal.Signals, result: str
) -> None:
    sandbox, process = running.sandbox, running.show("MainPID")
    (first,) = [event.external_id for event in sandbox.signl4.events]
    running.wait_for(lambda: "delivered" in running.ask("deliveries").stdout, "the note of it")
    running.machine.run("systemctl", "kill", "--kill-who=main", f"--signal={number.name}", running.unit)
    sandbox.world.resolve(first)
    second = sandbox.world.open("Payment service")
    running.wait_for(lambda: running.told(first)[-1] == "resolved" and running.told(second) == ["new"], "the rest")
    assert running.show("MainPID") != process
    assert running.show("NRestarts") == "1"
    assert f"Failed with result '{result}'" in " ".join(running.machine.journal(running.unit))
    assert running.told(running.failure) == []
    running.assert_all_is_right()


def test_a_reload_is_over_when_systemctl_returns_and_fails_where_the_configuration_is_refused(running: Host) -> None:
    process = running.show("MainPID")
    for number in range(2, 10):
        running.change(f'interval = "{number - 1}s"', f'interval = "{number}s"')
        running.systemctl("reload")
        assert running.show("SubState") == "running"
        said = f'configuration reloaded changed="poll.interval from \\"{number - 1}s\\" to \\"{number}s\\"'
        running.wait_for(lambda: any(line.startswith(said) for line in running.machine.journal(UNIT)), said)  # noqa: B023
    running.change('interval = "9s"', 'interval = "soon"')
    for _ in range(2):
        assert running.systemctl("reload", check=False) != 0
        refusal = (
            "the new configuration is refused, the old one stays in force: poll.interval ('soon') is not a duration"
        )
        assert refusal in running.show("StatusText")
    assert running.ask("status").returncode == 0
    running.change("state.db", "other.db")
    running.change('interval = "soon"', 'interval = "1s"')
    assert running.systemctl("reload", check=False) != 0
    running.change("other.db", "state.db")
    running.systemctl("reload")
    incident = running.sandbox.world.open("Payment service")
    running.wait_for(lambda: running.told(incident) == ["new"], "an alert under the new one")
    assert running.show("MainPID") == process
    running.assert_all_is_right()


def test_a_reload_is_a_failure_where_the_process_ends_meanwhile(running: Host) -> None:
    hang = running.sandbox.signl4.faults.arm(Hang(taken=True), times=1)
    running.sandbox.world.open("Payment service")
    running.wait_for(lambda: hang.struck, "a request in flight")
    running.machine.run("systemctl", "reload", "--no-block", UNIT)
    running.wait_for(lambda: running.show("SubState") == "reload", "the reload")
    running.machine.run("systemctl", "kill", "--kill-who=main", "--signal=KILL", UNIT)
    hang.release()
    running.wait_for(lambda: running.show("SubState") == "running", "the restart")
    running.systemctl("reload")


def test_a_new_secret_comes_with_a_reload_where_systemd_can(running: Host) -> None:
    """Elsewhere with a restart, as the README says."""
    version = int(running.machine.run("systemctl", "--version").stdout.split()[1].partition("~")[0].split(".")[0])
    running.secret(SECRET, "another-secret-000")
    running.systemctl("reload")
    if version < 260:
        running.systemctl("restart")
    running.sandbox.world.open("Payment service")
    running.wait_for(lambda: "secret" in running.show("StatusText"), "the other secret")
    running.secret(SECRET, running.sandbox.signl4.secret)


def test_stopped_while_signl4_hangs_it_ends_in_time_and_tells_the_rest_after_the_next_start(running: Host) -> None:
    sandbox = running.sandbox
    hang = sandbox.signl4.faults.arm(Hang())
    second = sandbox.world.open("Payment service")
    running.wait_for(lambda: hang.struck, "a request that hangs")
    began = sandbox.context.now()
    running.systemctl("stop")
    assert (sandbox.context.now() - began).total_seconds() < 3 + 2 + 3
    assert running.machine.show(running.unit, "ActiveState", "Result") == {
        "ActiveState": "inactive",
        "Result": "success",
    }
    hang.release()
    running.systemctl("start")
    running.wait_for(lambda: running.told(second) == ["new"], "the alert")
    running.assert_all_is_right()


def test_two_teams_are_served_side_by_side(running: Host) -> None:
    machine = running.machine
    with alone_in(machine) as other:
        team = Host(machine, other, "team")
        team.configure()
        team.systemctl("start")
        incident = other.world.open("Another team's")
        team.wait_for(lambda: team.told(incident) == ["new"], "the other team's alert")
        assert machine.path(f"{STATE}-team/state.db").exists()
        assert "Another team's" not in running.ask("incidents").stdout
        running.systemctl("stop")
        other.world.resolve(incident)
        team.wait_for(lambda: team.told(incident) == ["new", "resolved"], "its end, though the first one is stopped")
        team.assert_all_is_right()
        team.end()
