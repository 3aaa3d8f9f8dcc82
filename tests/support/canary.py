"""The secrets that the whole suite is run with. Wherever one of them shows, something leaked it.

Tests hand them to the program as token, secret and API key, right or wrong; nothing that it writes or says may hold
them.
"""

import os
from pathlib import Path

from daemon.sandbox.betterstack import TOKEN
from daemon.sandbox.signl4 import SECRET
from daemon.sandbox.signl4_rest import API_KEY, READ_ONLY_KEY

KEYS = (API_KEY, READ_ONLY_KEY, "a-key-of-signl4", "no-key-of-theirs")
CANARIES = (TOKEN, SECRET, *KEYS, "a-token-of-better-stack", "wr0ngs3cret", "canary-of-a-watcher")
WRITTEN = (".db", ".db-wal", ".db-shm", ".db.part", ".prom", ".html", "log")
"""How the names of the files end that the program writes."""


def leaked(text: str | bytes) -> list[str]:
    """The secrets that show in it."""
    whole = text.encode("utf-8", "replace") if isinstance(text, str) else text
    return [canary for canary in CANARIES if canary.encode() in whole]


def leaked_into(directory: Path) -> list[tuple[str, list[str]]]:
    """The files below the directory in which secrets show, with these."""
    inside = (Path(at) / name for at, _, names in os.walk(directory) for name in names if name.endswith(WRITTEN))
    files = {file for file in inside if file.is_file()}
    found = [(str(file.relative_to(directory)), leaked(file.read_bytes())) for file in sorted(files)]
    return [(name, canaries) for name, canaries in found if canaries]
