"""Tells systemd how the service gets on, on the socket that it named; tells nobody where it did not start the program.

The protocol is that of sd_notify(3): one datagram of `KEY=value` lines to `$NOTIFY_SOCKET`, where a name that begins
with `@` is an abstract one. What cannot be sent within a second is dropped: no alert waits for the service manager, and
one that hangs is waited for once. The socket is there from the start to the end: what runs out of descriptors is alive.
"""

import socket
import time
from collections.abc import Mapping

from daemon.model.harmless import harmless

PATIENCE = 1.0
"""Seconds."""
LONGEST = 1000
"""Characters of a line; systemd drops a message of more than 4,096 bytes."""


class Systemd:
    """The service manager, as the service it started sees it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """`environ`: that of the process."""
        named = environ.get("NOTIFY_SOCKET", "")
        self._address = named.replace("@", "\0", 1) if named.startswith("@") else named
        self._patience = PATIENCE
        self._descriptor = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).detach() if named else None

    def ready(self) -> None:
        """The start, or a reload, is done."""
        self._tell("READY=1")

    def alive(self) -> None:
        """There was progress. Without this the watchdog of the service ends it."""
        self._tell("WATCHDOG=1")

    def status(self, line: str) -> None:
        """What `systemctl status` shows, of a service that failed too."""
        self._tell(f"STATUS={harmless(' '.join(line.split()))[:LONGEST]}")

    def reloading(self) -> None:
        """The configuration is being read again; `ready` ends that."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self, seconds: float) -> None:
        """The end has begun, and may take so long."""
        self._tell("STOPPING=1", _extension(seconds))

    def more_time(self, seconds: float) -> None:
        """A start or stop gets on, and is to be given so long from now."""
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
            pass  # nobody listens there now
        finally:
            sender.detach()


def _extension(seconds: float) -> str:
    return f"EXTEND_TIMEOUT_USEC={round(seconds * 1_000_000)}"
