"""Entries for systemd's journal, whose fields `journalctl` can filter by: `journalctl INCIDENT=1030000001`.

The protocol is that of systemd's "Native Journal Protocol": one datagram of `KEY=value` lines.
"""

import os
import re
import socket
from collections.abc import Mapping
from typing import Any, TextIO

IDENTIFIER = "betterstack-signl4"
PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3}
"""Those of syslog."""
PATIENCE = 1.0
"""Seconds."""


def reaches(stream: TextIO | None, environ: Mapping[str, str]) -> bool:
    """Whether what is written to this stream ends up in the journal, as `$JOURNAL_STREAM` tells (systemd.exec(5))."""
    try:
        there = os.fstat(-1 if stream is None else stream.fileno())
    except (OSError, ValueError):
        return False
    return environ.get("JOURNAL_STREAM") == f"{there.st_dev}:{there.st_ino}"


def entry(message: str, level: str, fields: Mapping[str, Any]) -> str:
    """One entry as text; each value on one line, since a line break would begin another field."""
    lines = {
        "MESSAGE": message,
        "PRIORITY": PRIORITIES[level],
        "SYSLOG_IDENTIFIER": IDENTIFIER,
        **{re.sub(r"\W", "_", key, flags=re.ASCII).upper(): value for key, value in fields.items()},
    }
    return "".join(f"{key}={' '.join(str(value).splitlines())}\n" for key, value in lines.items())


class Journal:
    """The journal of this machine."""

    def __init__(self, address: str = "/run/systemd/journal/socket") -> None:
        self._address = address
        self._patience = PATIENCE

    def write(self, text: str) -> bool:
        """Hands an entry over; whether that was done in time. Raises `OSError` for one that is not taken.

        A journal that hangs is waited for once.
        """
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(self._patience)
            try:
                sender.sendto(text.encode("utf-8", "replace"), self._address)
            except (TimeoutError, BlockingIOError):
                self._patience = 0.0
                return False
        self._patience = PATIENCE
        return True
