"""Writes entries with fields to systemd's journal, so that `journalctl INCIDENT=1030000001` can filter by them.

Source: systemd's "Native Journal Protocol", one datagram of `KEY=value` lines per entry.
"""

import os
import re
import socket
from collections.abc import Mapping
from typing import Any, TextIO

IDENTIFIER = "betterstack-signl4"
PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3}
"""Syslog priorities."""
PATIENCE = 1.0
"""Seconds that a write may wait for the journal."""


def reaches(stream: TextIO | None, environ: Mapping[str, str]) -> bool:
    """Whether this stream is connected to the journal, according to `$JOURNAL_STREAM` (systemd.exec(5))."""
    try:
        there = os.fstat(-1 if stream is None else stream.fileno())
    except (OSError, ValueError):
        return False
    return environ.get("JOURNAL_STREAM") == f"{there.st_dev}:{there.st_ino}"


def entry(message: str, level: str, fields: Mapping[str, Any]) -> str:
    """One entry as text. Each value is on one line, since a line break would start another field."""
    lines = {
        "MESSAGE": message,
        "PRIORITY": PRIORITIES[level],
        "SYSLOG_IDENTIFIER": IDENTIFIER,
        **{re.sub(r"\W", "_", key, flags=re.ASCII).upper(): value for key, value in fields.items()},
    }
    return "".join(f"{key}={' '.join(str(value).splitlines())}\n" for key, value in lines.items())


class Journal:
    """The local journal."""

    def __init__(self, address: str = "/run/systemd/journal/socket") -> None:
        self._address = address
        self._patience = PATIENCE

    def write(self, text: str) -> bool:
        """Sends an entry; returns whether that was done in time. Raises `OSError` if the journal rejects it.

        After one timeout it does not wait again until a write succeeds.
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
