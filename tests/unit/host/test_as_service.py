"""A command runs as the service: what a unit says of users, files and limits goes with it, its life does not."""

import os
import subprocess
import sys
from pathlib import Path
from socket import gethostname

import pytest

from daemon.host.as_service import KEPT, settings, transient
from tests.support.each import each
from tests.support.paths import ROOT

UNIT = "betterstack-signl4.service"
SHOWN = """
# /usr/local/lib/systemd/system/betterstack-signl4.service
[Unit]
Description=not this
OnFailure=nor=this

[Service]
Type=notify
User=betterstack-signl4
  # a comment, indented
; another
ExecStart=/bin/false
LoadCredential = one:/etc/one
SystemCallFilter=@system-service \\
    # inside of it
    ~@privileged

# /etc/systemd/system/betterstack-signl4.service.d/override.conf
[Service]
LoadCredential=
Environment="A=b c" D=%%x
[Install]
WantedBy=multi-user.target
"""
SPECIFIERS = {
    "%i": "ops",
    "%n": "betterstack-signl4@ops.service",
    "%N": "betterstack-signl4@ops",
    "%p": "betterstack-signl4",
    "%H": gethostname(),
    "%S/x": "/var/lib/x",
    "%t": "/run",
    "%E": "/etc",
    "%%i": "%i",
    "100%% %i": "100% ops",
    "/etc/%i/%i.toml": "/etc/ops/ops.toml",
}


def test_the_settings_of_a_unit_come_in_order_without_those_of_its_life() -> None:
    assert list(settings(SHOWN, UNIT)) == [
        "User=betterstack-signl4",
        "LoadCredential=one:/etc/one",
        "SystemCallFilter=@system-service  ~@privileged",
        "LoadCredential=",
        'Environment="A=b c" D=%x',
    ]


@pytest.mark.parametrize(
    "file", [ROOT / "systemd" / f"betterstack-signl4{kind}.service" for kind in ("", "@")], ids=lambda file: file.name
)
def test_all_of_our_units_is_kept_but_their_life(file: Path) -> None:
    kept = {line.partition("=")[0] for line in settings(file.read_text(), "betterstack-signl4@ops.service")}
    assert {"User", "LoadCredential", "EnvironmentFile", "ProtectSystem", "MemoryMax", "SyslogIdentifier"} <= kept
    life = "Type ExecStart ExecReload ExecStartPost Restart RestartSec WatchdogSec RuntimeDirectory TimeoutStartSec"
    assert not kept & set(life.split())


@each("written", SPECIFIERS)
def test_a_specifier_is_replaced(written: str) -> None:
    (found,) = settings(f"[Service]\nX={written}", "betterstack-signl4@ops.service")
    assert found == f"X={SPECIFIERS[written]}"


def test_a_specifier_that_only_systemd_knows_is_named() -> None:
    with pytest.raises(LookupError, match=r"betterstack-signl4\.service uses %v, which only systemd"):
        list(settings("[Service]\nEnvironment=KERNEL=%v", UNIT))


def test_the_words_of_the_command_arrive_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in KEPT:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    call = transient("name", ["A=b"], ["/bin/x", "$HOME", "--", "a b"])
    assert call[-6:] == ["--property=A=b", "--", "/bin/x", "$$HOME", "--", "a b"]
    assert [word for word in call if "setenv" in word] == ["--setenv=TERM"]
    assert {"--pty", "--pipe", "--wait", "--collect", "--unit=name"} <= set(call)


CONTROL = """#!/bin/sh
echo "$0 $*" >> "$CALLS"
case $1 in cat) echo '[Service]'; echo User=nobody ;; esac
"""
RUNS = """#!/bin/sh
echo "$0 $*" >> "$CALLS"
while [ "$1" != -- ]; do shift; done
shift
exec "$@"
"""


@pytest.fixture
def tools(tmp_path: Path) -> dict[str, str]:
    """An environment whose systemd notes what it is asked, and runs commands as they are."""
    for name, script in (("systemctl", CONTROL), ("systemd-run", RUNS)):
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    return {"PATH": f"{tmp_path}:{os.environ['PATH']}", "CALLS": str(tmp_path / "calls")}


@each("code", [0, 1, 2, 69, 78])
def test_it_ends_as_the_command_does(tools: dict[str, str], code: int) -> None:
    command = [sys.executable, "-m", "daemon.host.as_service", UNIT, "sh", "-c", f"exit {code}"]
    assert subprocess.run(command, cwd=ROOT, env=tools, check=False).returncode == code
    calls = Path(tools["CALLS"]).read_text()
    assert "--property=User=nobody -- sh -c" in calls
    assert "stop" not in calls


@each(("number", "code"), [("INT", 130), ("TERM", 143), ("HUP", 129)])
def test_what_was_started_is_stopped_with_it(tools: dict[str, str], number: str, code: int) -> None:
    command = [sys.executable, "-m", "daemon.host.as_service", UNIT, "sh", "-c", "echo up; exec sleep 60"]
    with subprocess.Popen(command, cwd=ROOT, env=tools, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        subprocess.run(["sh", "-c", f"kill -{number} -{process.pid}"], check=True)
        assert process.wait() == code
    assert f"systemctl stop betterstack-signl4-command-{process.pid}" in Path(tools["CALLS"]).read_text()


def test_what_a_killed_systemd_run_leaves_behind_is_stopped(tools: dict[str, str]) -> None:
    """A terminal that is closed sends its signal to both, and systemd-run may be the first to end."""
    (Path(tools["CALLS"]).parent / "systemd-run").write_text("#!/bin/sh\nkill -HUP $$\n")
    command = [sys.executable, "-m", "daemon.host.as_service", UNIT, "true"]
    assert subprocess.run(command, cwd=ROOT, env=tools, check=False).returncode == 129
    assert "systemctl stop betterstack-signl4-command-" in Path(tools["CALLS"]).read_text()


def test_a_unit_that_is_not_there_is_named(tools: dict[str, str]) -> None:
    (Path(tools["CALLS"]).parent / "systemctl").write_text("#!/bin/sh\necho No files found >&2\nexit 1\n")
    done = subprocess.run(
        [sys.executable, "-m", "daemon.host.as_service", "x.service", "true"],
        cwd=ROOT,
        env=tools,
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (1, "x.service is not known to systemd: No files found\n")
