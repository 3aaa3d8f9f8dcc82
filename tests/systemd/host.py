"""A machine on which the program is installed as a service, and somebody who looks after it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from daemon.sandbox.server import Sandbox
from daemon.sandbox.verdict import judge
from tests.support.slowness import SLOWNESS
from tests.systemd.machine import OFFLINE, SOURCES, Machine

UNIT = "betterstack-signl4.service"
ETC, STATE = "/etc/betterstack-signl4", "/var/lib/betterstack-signl4"
TOKEN, SECRET = "betterstack.token", "signl4.secret"
FAILED, RECOVERED = (f"betterstack-signl4-{kind}@.service" for kind in ("failed", "recovered"))
DISABLED = "betterstack-signl4-disabled@.timer"
CONFIG = """
[betterstack]
base_url = "{betterstack}"

[signl4]
base_url = "{signl4}"

[poll]
interval = "1s"
sweep_interval = "3s"
gone_after = "2s"

[delivery]
gap = "0.2s"
retry_min = "0.2s"
retry_max = "1s"

[http]
timeout = "3s"

[database]
url = "sqlite:///{state}/state.db"
"""
AGAIN = "RestartSec=100ms"
QUICK = f"{AGAIN}\nWatchdogSec=5s"
LOOKS = "OnActiveSec=\nOnUnitInactiveSec=\nOnActiveSec=100ms\nOnUnitInactiveSec=100ms\nAccuracySec=10ms"
"""Minutes of patience in seconds."""
LONGEST_INSTALLATION = 120 * SLOWNESS
"""Seconds."""


def install(machine: Machine, sources: str = SOURCES, umask: str = "022") -> str:
    """`make install`, as the README says; what it printed."""
    command = f"umask {umask}; make -C {sources} install"
    return machine.run("sh", "-c", command, env=OFFLINE, timeout=LONGEST_INSTALLATION).stdout


class Host:
    """One of the services of a machine, `config` by default, between both services in miniature."""

    def __init__(self, machine: Machine, sandbox: Sandbox, name: str = "config") -> None:
        self.machine = machine
        self.sandbox = sandbox
        self.name = name
        self.is_plain = name == "config"
        self.unit = UNIT if self.is_plain else f"betterstack-signl4@{name}.service"
        self.state = STATE if self.is_plain else f"{STATE}-{name}"

    def configure(self) -> None:
        """Points the service at the sandbox, with its secrets as credentials."""
        self.write(
            CONFIG.format(betterstack=self.sandbox.betterstack.url, signl4=self.sandbox.signl4.url, state=self.state)
        )
        self.machine.path(f"{ETC}/{self.name}").mkdir(mode=0o700, exist_ok=True)
        self.secret(TOKEN, self.sandbox.betterstack.token)
        self.secret(SECRET, self.sandbox.signl4.secret)
        self._put(self.unit, "quick", QUICK)
        for unit in (FAILED, RECOVERED):
            self._put(unit, "quick", AGAIN)
        self._put(DISABLED, "quick", LOOKS)
        self.machine.run("systemctl", "daemon-reload")

    def _put(self, unit: str, name: str, lines: str) -> Path:
        file = self.machine.path(f"/run/systemd/system/{unit}.d/{name}.conf")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"[{'Timer' if unit.endswith('.timer') else 'Service'}]\n{lines}\n")
        return file

    @contextmanager
    def drop_in(self, lines: str, unit: str = "") -> Iterator[None]:
        """The unit, or that of the service, with these lines more."""
        file = self._put(unit or self.unit, "zz-more", lines)  # systemd reads the last of the alphabet last
        self.machine.run("systemctl", "daemon-reload")
        try:
            yield
        finally:
            file.unlink()
            self.machine.run("systemctl", "daemon-reload")

    @property
    def failure(self) -> str:
        """The external id of the alert that the service has failed."""
        hostname = self.machine.run("hostname").stdout.strip()
        return f"betterstack-signl4-alarm-service-{hostname}-{self.name}"

    def try_the_alert_of_a_failure(self) -> None:
        """As the installation says."""
        for unit in (FAILED, RECOVERED):
            self.machine.run("systemctl", "start", unit.replace("@", f"@{self.name}"))
        assert self.told(self.failure) == ["new", "resolved"]

    def write(self, config: str) -> None:
        """The configuration file from here on, with the owner that the installation gives it."""
        self.machine.run("sh", "-c", f"cat > {ETC}/{self.name}.toml", input=config)
        self.machine.run("chown", "root:betterstack-signl4", f"{ETC}/{self.name}.toml")
        self.machine.run("chmod", "640", f"{ETC}/{self.name}.toml")

    def change(self, old: str, new: str) -> None:
        """Edits the configuration file."""
        before = self.machine.path(f"{ETC}/{self.name}.toml").read_text()
        assert old in before
        self.write(before.replace(old, new))

    def secret(self, name: str, value: str) -> None:
        self.machine.run("install", "-m", "600", "/dev/stdin", f"{ETC}/{self.name}/{name}", input=f"{value}\n")

    def systemctl(self, verb: str, *, check: bool = True) -> int:
        """The exit code."""
        return self.machine.run("systemctl", verb, self.unit, check=check).returncode

    def show(self, name: str) -> str:
        """One property of the service."""
        return self.machine.show(self.unit, name)[name]

    def ask(self, *command: str, user: str | None = None) -> Any:
        return self.machine.run(
            "betterstack-signl4", "--config", f"{ETC}/{self.name}.toml", *command, user=user, check=False
        )

    def told(self, incident_id: str) -> list[str]:
        return [event.kind for event in self.sandbox.signl4.events if event.external_id == incident_id]

    def wait_for(self, predicate: Callable[[], object], what: str) -> None:
        self.machine.wait_for(predicate, what)

    def assert_all_is_right(self) -> None:
        """Nothing was lost, doubled or told out of order."""
        verdict = judge(self.sandbox.world.history, self.sandbox.world.showings, self.sandbox.signl4.events)
        assert verdict.good, [case for case in verdict.cases if case.findings]

    def end(self) -> None:
        """Stopped, forgotten, with an empty state."""
        self.sandbox.signl4.faults.clear()
        self.sandbox.betterstack.faults.clear()
        self.machine.run("systemctl", "stop", "betterstack-signl4*", check=False)
        self.machine.run("systemctl", "reset-failed", check=False)
        self.machine.run("sh", "-c", f"rm -rf {self.state}/* {STATE}-failed/*")
