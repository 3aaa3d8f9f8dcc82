"""Where a report is written: complete or not at all, and in the place of nothing but an earlier report."""

import os
import stat
from contextlib import suppress
from pathlib import Path

from daemon.model.errors import DaemonError, DatabaseUnusableError
from daemon.storage.backup import new_name
from daemon.storage.safe_path import beginning_of, open_file, resolved, status_of

BEGINNING = "<!doctype html>"
"""Of each report."""
MODES = stat.S_IRWXU | stat.S_IRWXG | stat.S_IRWXO


def write_page(file: Path, page: str) -> None:
    """Writes the page. A new file is private to its owner; one that takes an earlier one's place has that one's mode.

    A link is followed only where nobody else could have made it. Raises `DaemonError`.
    """
    try:
        place = resolved(file.absolute())
        mode = _mode_to_keep(place, file)
        _write(place, page.encode(), mode)
    except DatabaseUnusableError:
        raise
    except OSError as error:
        raise DaemonError(f"{file} cannot be written ({error.strerror}); name a file in another directory") from None


def _mode_to_keep(place: Path, file: Path) -> int | None:
    """That of the earlier report there; `None` if there is nothing. Raises `DaemonError` if there is something else."""
    status = status_of(place)
    if status is None:
        return None
    if not stat.S_ISREG(status.st_mode) or not beginning_of(place).startswith(BEGINNING):
        raise DaemonError(f"{file} is no earlier report, and is left alone; remove it, or name another file")
    return status.st_mode & MODES


def _write(place: Path, content: bytes, mode: int | None) -> None:
    part = new_name(place)
    descriptor = open_file(part, os.O_WRONLY | os.O_EXCL)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            if mode is not None:
                os.fchmod(stream.fileno(), mode)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(place)
    except BaseException:
        with suppress(FileNotFoundError):
            part.unlink()
        raise
