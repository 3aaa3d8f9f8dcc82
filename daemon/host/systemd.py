"""Notifies systemd of the state of the service; does nothing if systemd did not start the program.

Source: sd_notify(3), one datagram of `KEY=value` lines to `$NOTIFY_SOCKET`; a name that begins with `@` is an abstract
one. A message that cannot be sent within a second is dropped, and after a timeout the next ones do not wait: alerts
never wait for the service manager. The socket stays open, so a lack of descriptors does not stop the watchdog signals.
"""

import socket
import time
from collections.abc import Mapping

from daemon.model.printable import printable

PATIENCE = 1.0
"""Seconds that a message may wait."""
LONGEST = 1000
"""Most characters of a status line; systemd drops messages of more than 4,096 bytes."""


class Systemd:
    """The connection to the service manager."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """`environ`: the environment of the process."""
        named = environ.get("NOTIFY_SOCKET", "")
        self._address = named.replace("@", "\0", 1) if named.startswith("@") else named
        self._patience = PATIENCE
        self._descriptor = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).detach() if named else None

    def ready(self) -> None:
        """The start or a reload is complete."""
        self._tell("READY=1")

    def alive(self) -> None:
        """There was progress. Without this call the watchdog ends the service."""
        self._tell("WATCHDOG=1")

    def status(self, line: str) -> None:
        """Sets the line that `systemctl status` shows, also for a failed service."""
        self._tell(f"STATUS={printable(' '.join(line.split()))[:LONGEST]}")

    def reloading(self) -> None:
        """A reload begins; `ready` ends it."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self, seconds: float) -> None:
        """The stop begins, and may take `seconds`."""
        self._tell("STOPPING=1", _extension(seconds))

    def more_time(self, seconds: float) -> None:
        """A start or stop makes progress, and needs up to `seconds` from now."""
        self._tell(_extension(seconds))

    def _tell(self, *lines: str) -> None:
        if self._descriptor is None:
            return
        sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM, fileno=self._descriptor)
        sender.settimeout(self._patience)
        try:
            sender.sendto("\n".join(lines).encode("utf-8", "replace"), self._address)
            self._patience = PATIENCE
        except (TimeoutError, BlockingIOError):
            self._patience = 0.0
        except OSError:
            pass  # nobody listens
        finally:
            sender.detach()


def _extension(seconds: float) -> str:
    return f"EXTEND_TIMEOUT_USEC={round(seconds * 1_000_000)}"
