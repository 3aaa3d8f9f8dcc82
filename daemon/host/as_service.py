"""Runs a command as systemd runs the service: with its user, environment, credentials and sandbox.

`python -m daemon.host.as_service UNIT COMMAND...`, as root. What `systemctl cat` shows of the unit, drop-ins of the
operator included, becomes a transient unit (systemd-run(1)) around the command. So systemd itself reads the environment
file and decrypts the credentials, and nothing here can read them differently.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from socket import gethostname

OTHER_LIFE = (
    "BusName Exec FileDescriptorStore GuessMainPID NotifyAccess PIDFile RefreshOnReload RemainAfterExit Restart "
    "RuntimeDirectory RuntimeMax Sockets Standard StartLimit SuccessExitStatus TTY TimeoutStart Type Watchdog"
).split()
"""How the names of settings begin that are about the life of the service. A `RuntimeDirectory=` of its name would be
removed together with the transient unit, while the service uses it."""
KEPT = ("TERM", "COLORTERM", "NO_COLOR", "LANG", "LC_ALL", "LC_CTYPE")
"""Variables of the caller that say how to write to the terminal."""


def settings(text: str, unit: str) -> Iterator[str]:
    """The `NAME=VALUE` lines of a unit that concern one command, from what `systemctl cat` prints (systemd.syntax(7)).

    Raises `LookupError` for a specifier that only systemd knows.
    """
    section = ""
    for line in _joined(text):
        name, equals, value = (part.strip() for part in line.partition("="))
        if line.startswith("["):
            section = line
        elif section == "[Service]" and equals and not name.startswith(tuple(OTHER_LIFE)):
            yield f"{name}={_expanded(value, unit)}"


def _joined(text: str) -> Iterator[str]:
    """Lines without comments; those that end with a backslash are joined with the next."""
    begun = ""
    for line in map(str.strip, text.splitlines()):
        if not line.startswith(("#", ";")):
            begun += line.removesuffix("\\")
            if line.endswith("\\"):
                begun += " "
                continue
            yield begun
            begun = ""
    yield begun


def _expanded(value: str, unit: str) -> str:
    name = unit.removesuffix(".service")
    prefix, _, instance = name.partition("@")
    known = {"%": "%", "n": unit, "N": name, "p": prefix, "i": instance, "H": gethostname()}
    known |= {"S": "/var/lib", "t": "/run", "E": "/etc"}
    unknown = set(re.findall("%(.)", value)) - known.keys()
    if unknown:
        raise LookupError(f"{unit} uses %{min(unknown)}, which only systemd can replace; write out what it stands for")
    return re.sub("%(.)", lambda found: known[found[1]], value)


def transient(name: str, wanted: Sequence[str], command: Sequence[str]) -> list[str]:
    """The call of systemd-run that runs the command and ends as it does. `wanted`: `NAME=VALUE` settings."""
    return [
        *("systemd-run", "--quiet", "--collect", "--wait", "--service-type=exec", f"--unit={name}"),
        # A terminal if all three streams are one, so that colours and Ctrl-C work as without systemd.
        *("--pty", "--pipe"),
        *(f"--setenv={variable}" for variable in KEPT if variable in os.environ),
        *(f"--property={setting}" for setting in wanted),
        *("--", *(argument.replace("$", "$$") for argument in command)),
    ]


def run(unit: str, command: Sequence[str]) -> int | str:
    """Runs the command to its end: its exit code, or a sentence if it cannot be run."""
    shown = _systemctl("cat", unit)
    if shown.returncode != 0:
        return f"{unit} is not known to systemd: {' '.join(shown.stderr.split())}"
    name = f"betterstack-signl4-command-{os.getpid()}"
    try:
        call = transient(name, list(settings(shown.stdout, unit)), command)
    except LookupError as error:
        return str(error)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    ended: int | None = None
    try:
        with subprocess.Popen(call) as process:  # noqa: S603
            ended = process.wait()
    finally:
        if ended is None or ended < 0:
            # A signal ended this process or systemd-run, which leaves behind what it started.
            _systemctl("stop", name)
    return ended if ended >= 0 else 128 - ended


def _systemctl(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["systemctl", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603


def _end(number: int, _: object) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    try:
        sys.exit(run(sys.argv[1], sys.argv[2:]))
    except KeyboardInterrupt:
        sys.exit(130)
