"""promtool, Prometheus' own judge of metrics and rules; where it is missing, tests of it are skipped."""

import shutil
import subprocess
from pathlib import Path

import pytest

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is missing: apt install prometheus"
)


def complaints(*arguments: str | Path, given: bytes = b"") -> str:
    """What promtool has to say against it; empty if nothing."""
    done = subprocess.run(
        ["promtool", *map(str, arguments)], input=given, capture_output=True, timeout=120, check=False
    )
    said = (done.stdout + done.stderr).decode()
    return said if done.returncode or arguments[:2] == ("check", "metrics") else ""
