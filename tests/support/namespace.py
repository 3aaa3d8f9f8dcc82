"""Programs in a mount namespace of their own: what is mounted there is seen by nobody else, and gone with them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path

import pytest

from tests.support import confined, warm
from tests.support.paths import ROOT

APART = ("unshare", "--mount", "--")
"""Goes before a program."""


@cache
def can_mount() -> bool:
    """Whether such a namespace can be had here."""
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*APART, "mount", "--bind", "/tmp", "/mnt"], check=False, capture_output=True).returncode == 0


@cache
def can_have_fuse() -> bool:
    """Whether a file system in user space can be mounted there."""
    return can_mount() and shutil.which("bindfs") is not None and os.access("/dev/fuse", os.W_OK)


needs_mounts = pytest.mark.skipif(not can_mount(), reason="nothing can be mounted here, not even in a namespace")
needs_fuse = pytest.mark.skipif(not can_have_fuse(), reason="there is no bindfs, or nothing can be mounted here")


def apart(script: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a shell script there."""
    whole: Mapping[str, str] = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(
        [*APART, "sh", "-ec", script, "sh", *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env=whole,
        stdin=subprocess.DEVNULL,
    )


def program_apart(
    line: str, script: str, *arguments: object, environment: Mapping[str, str], directory: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    """Runs a command of the program there, behind a shell script that mounts. `directory`: where it runs then."""
    return warm.run(
        [sys.executable, "-m", "daemon", *line.split()],
        env={**os.environ, **environment},
        cwd=ROOT,
        timeout=60,
        first=partial(confined.in_namespace, script, [str(one) for one in arguments], directory),
    )
