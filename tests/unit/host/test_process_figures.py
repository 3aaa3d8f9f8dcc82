"""What the kernel tells of a process."""

import os
import time
from pathlib import Path

from daemon.host.process_figures import read


def test_the_figures_are_those_of_this_process() -> None:
    found = read()
    status = Path("/proc/self/status").read_text()
    assert abs(found.cpu_seconds - sum(os.times()[:2])) < 1
    assert abs(found.resident_bytes / 1024 - int(status.split("VmRSS:")[1].split()[0])) < 20_000
    assert abs(found.virtual_bytes / 1024 - int(status.split("VmSize:")[1].split()[0])) < 200_000
    assert 0 < time.time() - found.started_at < 86_400


def test_an_open_file_is_one_more() -> None:
    before = read().descriptors
    with Path("/dev/null").open():
        assert read().descriptors == before + 1


def test_the_start_stays_the_same() -> None:
    """Another one means a restart, for the alert rule."""
    assert len({read().started_at for _ in range(9)}) == 1
