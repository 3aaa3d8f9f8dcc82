"""Programs run as by the owner of the files: root too is then bound by their modes, as everybody else is."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping

import pytest

from tests.support import confined, warm
from tests.support.paths import ROOT

_THEIRS = "-dac_override,-dac_read_search"
"""Capabilities of root. In a container they may be inheritable as well, and would then outlast the bounding set."""
BOUND = ("setpriv", f"--bounding-set={_THEIRS}", f"--inh-caps={_THEIRS}", "--") if os.geteuid() == 0 else ()
"""Goes before a program."""
needs_an_owner = pytest.mark.skipif(
    bool(BOUND) and shutil.which("setpriv") is None, reason="root may write everywhere, and there is no setpriv"
)


def as_owner(*arguments: object, environment: Mapping[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    """Runs Python."""
    command = [sys.executable, *map(str, arguments)]
    return warm.run(command, env=environment or os.environ, cwd=ROOT, timeout=30, first=confined.as_owner)
