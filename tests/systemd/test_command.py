"""The commands that need secrets, typed by root: they run as the service does, whatever drop-ins its unit has."""

import os
import pty
import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.systemd.conftest import alone_in
from tests.systemd.container import PATIENCE
from tests.systemd.host import ETC, SECRET, TOKEN, Host
from tests.systemd.machine import ENVIRONMENT, Machine

AS_SERVICE = "/opt/betterstack-signl4/bin/python -I -m daemon.host.as_service".split()
ENVIRONMENT_FILE = """
PLAIN=one
export EXPORTED=two
SPACED=three four
COMMENT=five # six
#OFF=seven
LIST=a, b
DOLLAR=$PLAIN
SINGLE='$PLAIN'
DOUBLE="$PLAIN"
  INDENTED=eight
QUOTED="nine" 'ten'
TICKS=`id`
BACK=a\\\\b
"""
READ = {
    "PLAIN": "one",
    "EXPORTED": None,
    "SPACED": "three four",
    "COMMENT": "five # six",
    "OFF": None,
    "LIST": "a, b",
    "DOLLAR": "$PLAIN",
    "SINGLE": "$PLAIN",
    "DOUBLE": "$PLAIN",
    "INDENTED": "eight",
    "QUOTED": "nineten",
    "TICKS": "`id`",
    "BACK": "a\\b",
}
"""What systemd reads in it. A shell's `.` reads many lines differently, or fails at them."""


def typed(machine: Machine, line: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """What root types at the machine's shell."""
    return machine.run("sh", "-c", line, check=check)


@contextmanager
def environment_file(host: Host, text: str) -> Iterator[None]:
    file = host.machine.path(f"{ETC}/environment")
    before = file.read_text()
    file.write_text(text)
    try:
        yield
    finally:
        file.write_text(before)


@contextmanager
def encrypted(host: Host) -> Iterator[None]:
    """The secrets are on the disk encrypted alone, in the words of the README."""
    store = "/etc/credstore.encrypted"
    host.machine.run("install", "-d", "-m", "700", store)
    lines = "LoadCredential="
    for name in (TOKEN, SECRET):
        host.machine.run(
            "systemd-creds", "encrypt", f"--name={name}", f"{ETC}/{host.name}/{name}", f"{store}/{host.name}.{name}"
        )
        host.secret(name, "")
        lines += f"\nLoadCredentialEncrypted={name}:{store}/{host.name}.{name}"
    with host.drop_in(lines):
        yield


def test_step_two_of_the_installation_works_as_it_is_written(host: Host) -> None:
    said = typed(host.machine, "betterstack-signl4 check --online")
    assert f"configuration: {ETC}/config.toml, environment and credentials; all of it is valid" in said.stdout
    typed(host.machine, "betterstack-signl4 test-alert")
    assert [event.kind for event in host.sandbox.signl4.events] == ["new", "resolved"]
    host.try_the_alert_of_a_failure()
    incident = host.sandbox.world.open("Shop front page")
    typed(host.machine, "betterstack-signl4 once")
    assert host.told(incident) == ["new"]
    host.systemctl("start")
    host.sandbox.world.resolve(incident)
    host.wait_for(lambda: host.told(incident) == ["new", "resolved"], "the end, from the same database")


def test_encrypted_secrets_are_those_of_the_commands_too(host: Host) -> None:
    with encrypted(host):
        assert typed(host.machine, "betterstack-signl4 check --online").returncode == 0
        typed(host.machine, "betterstack-signl4 test-alert")
    assert len(host.sandbox.signl4.events) == 2


def test_a_team_has_its_own(host: Host) -> None:
    with alone_in(host.machine) as other:
        team = Host(host.machine, other, "ops")
        team.configure()
        with encrypted(team):
            typed(host.machine, f"cd {ETC} && betterstack-signl4 --config ops.toml once")
            typed(host.machine, f"betterstack-signl4 test-alert --config={ETC}/ops.toml")
        assert host.machine.path(f"{team.state}/state.db").exists()
        assert (len(other.signl4.events), len(host.sandbox.signl4.events)) == (2, 0)
        team.end()


def test_exit_codes_and_both_streams_are_those_of_the_program(host: Host) -> None:
    bad = host.sandbox.betterstack.token
    host.secret(TOKEN, f"{bad}-of-another-team")
    refused = typed(host.machine, "betterstack-signl4 check --online", check=False)
    assert (refused.returncode, "FAILED: " in refused.stderr) == (1, True), refused.stderr
    assert "FAILED" not in refused.stdout
    host.change('interval = "1s"', 'interval = "soon"')
    wrong = typed(host.machine, "betterstack-signl4 check", check=False)
    assert (wrong.returncode, wrong.stdout) == (78, "")
    assert wrong.stderr.startswith("poll.interval ('soon') is not a duration")
    assert typed(host.machine, "betterstack-signl4 once --nonsense", check=False).returncode == 2
    host.change('interval = "soon"', 'interval = "1s"')
    host.systemctl("start")
    assert typed(host.machine, "betterstack-signl4 once", check=False).returncode == 69
    assert host.show("ActiveState") == "active"
    assert host.machine.path("/run/betterstack-signl4").is_dir()
    assert "betterstack-signl4-command" not in host.machine.run("systemctl", "list-units", "--all").stdout


def test_the_environment_file_is_read_by_systemd_and_by_nobody_else(host: Host) -> None:
    host.machine.run("chmod", "600", f"{ETC}/environment")
    with environment_file(host, ENVIRONMENT_FILE):
        shown = host.machine.run(*AS_SERVICE, host.unit, "/usr/bin/env").stdout
        host.systemctl("start")
        service = host.machine.path(f"/proc/{host.show('MainPID')}/environ").read_text().split("\0")
    for seen in (shown.splitlines(), service):
        variables = dict(line.split("=", 1) for line in seen if "=" in line)
        assert {name: variables.get(name) for name in READ} == READ
    told = typed(host.machine, "betterstack-signl4 check", check=False)
    assert told.returncode == 0


def test_settings_of_the_file_count_as_they_do_for_the_service(host: Host) -> None:
    cases = {
        "POLL__INTERVAL=7s": "every 7s",
        "export POLL__INTERVAL=8s": "every 1s",
        "POLL__INTERVAL='9s'": "every 9s",
        "SIGNL4__EXTERNAL_ID=x-$INCIDENT_ID": "under the external id x-$INCIDENT_ID",
    }
    for line, said in cases.items():
        with environment_file(host, f"{line}\n"):
            assert said in typed(host.machine, "betterstack-signl4 check").stdout, line


def test_drop_ins_of_the_operator_count(host: Host) -> None:
    with host.drop_in('Environment="POLL__INTERVAL=6s" NAME=%%p\nUMask=0027\nReadOnlyPaths=/srv'):
        assert "every 6s" in typed(host.machine, "betterstack-signl4 check").stdout
        shown = host.machine.run(*AS_SERVICE, host.unit, "sh", "-c", "umask; id -un; echo $NAME; pwd").stdout
        assert shown.split() == ["0027", "betterstack-signl4", "%p", host.state]


def at_a_terminal(machine: Machine, line: str) -> Any:
    """A process of the machine at a terminal, and our end of it."""
    ours, theirs = pty.openpty()
    command = [*machine._entered(), "script", "--quiet", "--return", "--command", line, "/dev/null"]
    process = subprocess.Popen(command, env=ENVIRONMENT | {"TERM": "xterm"}, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    return process, ours


def said_until(terminal: int, wanted: bytes) -> bytes:
    said = b""
    while wanted not in said:
        assert select.select([terminal], [], [], PATIENCE)[0], f"nothing more came after {said!r}"
        said += os.read(terminal, 4096)
    return said


ASKS = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
print(all(map(os.isatty, range(3))), os.environ["TERM"], "go on? ", end="", flush=True)
signal.sigwait({signal.SIGINT})
sys.exit("stopped")
"""
"""It waits for the signal itself: one that comes right before Python reads a line is kept until the line is there."""


def test_at_a_terminal_it_is_one_for_the_program_and_ctrl_c_arrives(host: Host) -> None:
    host.machine.path("/srv/asks.py").write_text(ASKS)
    command = f"{' '.join(AS_SERVICE)} {host.unit} /opt/betterstack-signl4/bin/python /srv/asks.py"
    process, terminal = at_a_terminal(host.machine, command)
    assert b"True xterm" in said_until(terminal, b"go on? ")
    os.write(terminal, b"\x03")
    said_until(terminal, b"stopped")
    assert process.wait(PATIENCE) == 1
    os.close(terminal)
