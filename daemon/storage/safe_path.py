"""Safe paths for the database: which file a path leads to, without following links of other users.

1. A link is followed only where nobody but this user and root could have created it.
2. Only regular files are opened, never links. The mode is set only on a file created just now.
3. A file that cannot be reached is an error, never treated as missing.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path

from daemon.model.errors import ConfigError, DatabaseUnusableError

MOST_LINKS = 40
"""The kernel's own limit (path_resolution(7))."""
BESIDE = ("-wal", "-shm", "-journal")
"""Suffixes of SQLite's files beside a database (sqlite.org/tempfiles.html)."""
LOCK = ".lock"
MEND = "look at the disk and at who owns the file"
MOUNTS = Path("/proc/self/mountinfo")
DESCRIPTORS = Path("/proc/self/fd")


def status_of(file: Path) -> os.stat_result | None:
    """The status of a file, links followed; `None` if there is none. Raises `OSError` if that cannot be determined.

    `Path.exists` reports "missing" in that case from Python 3.14 on.
    """
    with suppress(FileNotFoundError, NotADirectoryError):
        return file.stat()
    return None


def resolved(file: Path) -> Path:
    """Resolves all links of an absolute path. Raises `DatabaseUnusableError` for an untrusted link, and `OSError`.

    The part that does not exist yet stays as given.
    """
    done, left, links = Path("/"), list(reversed(file.parts[1:])), 0
    while left:
        name = left.pop()
        here = done.parent if name == ".." else done / name
        try:
            status = here.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return here.joinpath(*reversed(left))
        if not stat.S_ISLNK(status.st_mode):
            done = here
            continue
        links += 1
        if links > MOST_LINKS:
            raise DatabaseUnusableError(f"{file} leads through too many links; name the file itself")
        _check_link(here, status)
        target = here.readlink()
        done = Path("/") if target.is_absolute() else done
        left += reversed([part for part in target.parts if part != "/"])
    return done


def _check_link(link: Path, status: os.stat_result) -> None:
    directory = link.parent.stat()
    # In a sticky directory like /tmp other users cannot replace a file or link of ours.
    sticky = _is_ours(directory) and bool(directory.st_mode & stat.S_ISVTX) and _is_ours(status)
    if not (sticky or _is_ours_alone(directory)):
        raise DatabaseUnusableError(
            f"{link} is a link in a directory that others can write, and is not followed; "
            "remove it, or name the file that is meant"
        )


def _is_ours(status: os.stat_result) -> bool:
    return status.st_uid in {0, os.geteuid()}


def _is_ours_alone(directory: os.stat_result) -> bool:
    """Whether only this user and root can create files in the directory."""
    return _is_ours(directory) and not directory.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def check_beside(file: Path) -> None:
    """Raises `DatabaseUnusableError` if one of SQLite's files beside the database is a link; and `OSError`.

    A hard link counts only where other users can create one; elsewhere it may be a snapshot of the directory.
    """
    for suffix in BESIDE:
        beside = file.with_name(f"{file.name}{suffix}")
        with suppress(FileNotFoundError, NotADirectoryError):
            status = beside.lstat()
            linked = status.st_nlink > 1 and not _is_ours_alone(file.parent.stat())
            if linked or not stat.S_ISREG(status.st_mode):
                raise DatabaseUnusableError(f"{beside} is a link or no regular file, and is left alone; remove it")


def check_mount(file: Path) -> None:
    """Raises `DatabaseUnusableError` if the file itself is a mount point instead of its directory.

    SQLite's files beside it, with the latest commits, would then lie outside the mount.
    """
    try:
        points = [line.split()[4] for line in MOUNTS.read_bytes().splitlines()]
    except OSError:
        return
    # Whitespace and backslashes appear there in octal (proc(5)).
    escaped = bytes(file)
    for letter in b"\\ \t\n":
        escaped = escaped.replace(bytes([letter]), rb"\%03o" % letter)
    if escaped in points:
        raise DatabaseUnusableError(
            f"{file} is mounted by itself, and what is committed lies in files beside it, which would stay behind; "
            f"mount the directory {file.parent} instead"
        )


def open_file(file: Path, flags: int) -> int:
    """Opens a file, creating it if missing; returns its descriptor. `file` must be free of links (`resolved`).

    Raises `DatabaseUnusableError` unless it is a regular file, and `OSError`; with `O_EXCL` also if the file exists.
    """
    kept = flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    if not flags & os.O_EXCL:
        with suppress(FileNotFoundError):
            descriptor = os.open(file, kept)
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                return descriptor
            os.close(descriptor)
            raise DatabaseUnusableError(f"{file} is no regular file; remove it, or name another file")
    descriptor = os.open(file, kept | os.O_CREAT | os.O_EXCL, 0o600)
    # Payloads can be confidential, so a new file is private to its owner. In a directory shared with a group (setgid,
    # group-writable) the members may also read and repair it.
    shared = stat.S_ISGID | stat.S_IWGRP
    if file.parent.stat().st_mode & shared == shared:
        os.fchmod(descriptor, 0o660)
    return descriptor


def link_open_file(descriptor: int, name: Path) -> None:
    """Gives an open file another name in the same file system. Raises `OSError`, also if the name is taken."""
    directory = os.open(name.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # With `dst_dir_fd` Python calls linkat(2), which follows the link in /proc.
        os.link(f"{DESCRIPTORS}/{descriptor}", name.name, dst_dir_fd=directory)
    finally:
        os.close(directory)


def same_file(one: os.stat_result | None, other: os.stat_result) -> bool:
    """Whether both are the same file, under whatever names."""
    return one is not None and os.path.samestat(one, other)


def open_inodes() -> list[tuple[int, int]]:
    """Device and inode of each file that this process has open, also of removed ones."""
    found = [status_of(descriptor) for descriptor in DESCRIPTORS.iterdir()]
    return [(status.st_dev, status.st_ino) for status in found if status is not None]


def beginning_of(file: Path) -> str:
    """The first 200 bytes of a file of unknown origin, as text; empty if it cannot be read."""
    with suppress(OSError):
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            return os.read(descriptor, 200).decode("ascii", "replace")
        finally:
            os.close(descriptor)
    return ""


def unwritable(file: Path, why: str) -> ConfigError:
    """The error for a directory in which the database cannot be created."""
    # The directory that systemd provides for the state (systemd.exec(5)).
    directory = os.environ.get("STATE_DIRECTORY")
    better = f"; the place of this service is {directory}/state.db" if directory else ""
    return ConfigError(
        f"database.url names {file}, whose directory cannot be written ({why}); "
        f"create it, or give it to the user this program runs as{better}"
    )
