"""The file for node_exporter: replaced as a whole, so that nobody reads half of it.

A link is never followed, so it does no harm in a directory that others can write.
"""

import os
from contextlib import suppress
from pathlib import Path

MODE = 0o644
"""node_exporter is another user."""
MOST = 1024 * 1024
"""Bytes of an earlier file that are read."""


def write(file: Path, content: bytes) -> None:
    """Replaces the file. Raises `OSError`; then the earlier one is still there."""
    # node_exporter does not take it for one of its own: the name ends otherwise.
    beside = file.with_name(f".{file.name}.new")
    with suppress(FileNotFoundError):
        beside.unlink()  # a process was killed before it could rename it
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            os.fchmod(stream.fileno(), MODE)
        beside.replace(file)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise


def read(file: Path) -> str:
    """The earlier file. Raises `OSError`, and `ValueError` if it is no text."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        return stream.read(MOST).decode()
