"""Runs the real daemon as a process in its own directory, isolated from the configuration of this machine.

The process never outlives the `with` block. No other process is signalled.
"""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event, Thread
from typing import Self

from daemon.config.settings import SECTIONS, SOURCES
from daemon.config.sources import CONFIG_VARIABLE
from daemon.model.errors import DaemonError

PACE: Mapping[str, str] = {
    "POLL__INTERVAL": "1s",
    "POLL__SWEEP_INTERVAL": "3s",
    "POLL__GONE_AFTER": "2s",
    "DELIVERY__GAP": "0.5s",
    "DELIVERY__RETRY_MIN": "0.5s",
    "DELIVERY__RETRY_MAX": "2s",
    "LOG__FORMAT": "json",
}
"""Settings that shorten minutes to seconds."""
OF_THE_SERVICE_MANAGER = ("CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "JOURNAL_STREAM")
STOP_TIME = 20.0
"""Longest time of an orderly stop, in seconds."""


class DaemonProcess:
    """`python -m daemon run`, started and stopped."""

    def __init__(
        self, settings: Mapping[str, str], directory: Path, on_end: Callable[[], None], configuration: str = ""
    ) -> None:
        """`directory`: for the database and the log. `on_end` is called from another thread.

        `configuration`: the TOML of what is not among the settings, which are environment variables.
        """
        self._environment = isolated(os.environ, directory) | dict(settings)
        self._configuration = configuration
        self._directory = directory
        self._on_end = on_end
        self._log = directory / "daemon.log"
        self.ended = Event()

    def __enter__(self) -> Self:
        """Starts the daemon."""
        file = Path(self._environment[CONFIG_VARIABLE])
        file.touch(mode=0o600)
        file.write_text(self._configuration)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "daemon", "run"],
                cwd=self._directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in the terminal reaches only the demo, which then stops the daemon
            )
        self._watch = Thread(target=self._wait)
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the daemon, by force if necessary."""
        self.stop()
        self._watch.join()

    def stop(self) -> int:
        """Asks the daemon to stop and waits for it. Returns its exit code; negative is a signal."""
        if not self.ended.is_set():
            self._process.send_signal(signal.SIGTERM)
            if not self.ended.wait(STOP_TIME):
                self._process.kill()
                self.ended.wait()
        return self._process.returncode

    def ask(self, *command: str) -> str:
        """Runs another command on the same configuration and state. Returns its output; raises `DaemonError`."""
        done = subprocess.run(  # noqa: S603 - a command of this program, with words of the script
            [sys.executable, "-m", "daemon", *command],
            cwd=self._directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise DaemonError(f"`{shlex.join(command)}` ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def last_lines(self, count: int = 15) -> list[str]:
        """The end of the daemon's log."""
        return self._log.read_text("utf-8", "replace").splitlines()[-count:]

    def _wait(self) -> None:
        self._process.wait()
        self.ended.set()
        self._on_end()


def isolated(inherited: Mapping[str, str], directory: Path) -> dict[str, str]:
    """The environment without the daemon's configuration, but with what is needed to import it."""
    kept = {name: value for name, value in inherited.items() if not _configures(name)}
    checkout = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, [checkout, inherited.get("PYTHONPATH", "")]))
    loopback = dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1")
    own = {CONFIG_VARIABLE: f"{directory}/config.toml", "DATABASE__URL": f"sqlite:///{directory}/state.db"}
    return {**kept, **PACE, **loopback, **own, "PYTHONPATH": path}


def _configures(name: str) -> bool:
    section, separator, _ = name.lower().partition("__")
    return (bool(separator) and section in {*SECTIONS, SOURCES}) or name in OF_THE_SERVICE_MANAGER
