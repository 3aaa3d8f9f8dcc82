"""Many alerts at once: what they cost, how late their results are recorded, and beside Alertmanager."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench import floor_storm, probe
from tests.bench.alertmanager import MISSING, is_installed, started
from tests.bench.figure import Figure, Findings
from tests.bench.history import empty, fill
from tests.bench.program import (
    HERE,
    WARM_UP,
    Checkout,
    Server,
    cpu_seconds,
    daemon,
    directory,
    megabytes,
    serving,
)

STRACE = ("strace", "--daemonize", "--follow-forks", "--seccomp-bpf", "--absolute-timestamps=format:unix,precision:us")
"""Stops the program at nothing but what it traces; the program stays a child of the bench, and is told to end."""
SYNC = re.compile(r"(\d+\.\d+) f(?:data)?sync\(")
"""The beginning of one; where it is interrupted by another thread, its end is a line of its own."""


def storm(checkout: Checkout) -> Findings:
    """Alerts that wait in the outbox at the start, and a SIGNL4 that takes them all."""
    cpu, commits = {}, {}
    for count in (500, 2000, 10_000):
        floor = _floor(checkout, count)
        with directory() as place, serving() as server:
            fill(empty(checkout, Path(place)), count, waiting=True)
            with daemon(checkout, Path(place), server, counted=True) as process:
                server.wait_for("posts", 1)
                before, first = cpu_seconds(process.pid), probe.read(Path(place, "counts"))[2]
                posts = server.wait_for("posts", count)
                cpu[count] = (cpu_seconds(process.pid) - before) / count
                commits[count] = (probe.read(Path(place, "counts"))[2] - first) / count
                most = megabytes(process.pid, "VmHWM")
                late = lateness(Path(place), posts)
            if count > 500:
                yield Figure(f"storm of {count:,}, time / floor", (posts[-1] - posts[0]) / floor)
                yield Figure(f"storm of {count:,}, floor with httpx / floor", _floor(checkout, count, "httpx") / floor)
                yield Figure(f"storm of {count:,}, rate", count / (posts[-1] - posts[0]), "/s")
                yield from _late(f"storm of {count:,}", late)
    yield Figure("storm of 2,000, CPU of a delivery", cpu[2000] * 1000, "ms")
    yield Figure("storm of 10,000, CPU of a delivery / of 500", cpu[10_000] / cpu[500])
    yield Figure("storm of 10,000, commits of a delivery", commits[10_000])
    yield from _synced(checkout, 2000, commits[2000])
    yield Figure("most resident, storm of 10,000", most, "MB")


def lateness(place: Path, posts: Sequence[float]) -> list[float]:
    """Seconds from each answer of the stand-in to the end of the commit that records it, least first."""
    until = time.monotonic() + 10
    while 0 in (recorded := probe.recorded(Path(place, "counts"), len(posts))) and time.monotonic() < until:
        time.sleep(0.02)
    return sorted(at - answered for at, answered in zip(recorded, posts, strict=True))


def _floor(checkout: Checkout, count: int, *library: str) -> float:
    """Seconds from the first of so many events to the last."""
    with directory() as place, serving() as server:
        command = [checkout.python, floor_storm.__file__, server.url, f"{place}/floor.db", str(count), *library]
        subprocess.run(command, env={**os.environ, "PYTHONPATH": str(HERE)}, check=True)
        posts = server.figures()["posts"]
        return float(posts[-1] - posts[0])


def _late(storm: str, late: Sequence[float]) -> Iterator[Figure]:
    """Where results lie around. An answer counts from when it is sent, so the network and the reading are within."""
    for what, which in (("median", 0.5), ("99 %", 0.99), ("most", 1.0)):
        found = late[min(int(len(late) * which), len(late) - 1)]
        yield Figure(f"{storm}, answer to its record, {what}", found * 1000, "ms")


def _synced(checkout: Checkout, count: int, commits: float) -> Findings:
    """How often the disk is waited for, as the kernel sees it.

    `commits`: those of a delivery. They are taken from another run: a program that is traced is several times slower,
    so fewer results come together.
    """
    what = f"storm of {count:,}, fdatasync of a"
    if shutil.which(STRACE[0]) is None:
        yield f"{what} delivery: skipped, since strace is not installed: apt-get install strace"
        return
    with directory() as place, serving() as server:
        fill(empty(checkout, Path(place)), count, waiting=True)
        trace = Path(place, "trace")
        under = (*STRACE, "--trace=fdatasync,fsync", f"--output={trace}")
        with daemon(checkout, Path(place), server, counted=True, under=under):
            server.wait_for("posts", 1)
            first = probe.read(Path(place, "counts"))[2]
            posts = server.wait_for("posts", count)
            while_traced = probe.read(Path(place, "counts"))[2] - first
        since_boot = time.time() - time.monotonic()
        at = [float(found) - since_boot for found in SYNC.findall(trace.read_text())]
        syncs = sum(posts[0] < one < posts[-1] for one in at) / while_traced
        yield Figure(f"{what} commit", syncs)
        yield Figure(f"{what} delivery", syncs * commits)


def outage(checkout: Checkout) -> Findings:
    """Many incidents open at once while the program runs: from the first page that shows them to the alert."""
    for count in (50, 2000):
        with directory() as place, serving() as server, daemon(checkout, Path(place), server, counted=True):
            server.wait_for("rounds", WARM_UP)
            server.open(count)
            waits = sorted(server.wait_for("waits", count))
            which, what = (0.99, "99 %") if count == 50 else (0.5, "median")
            found = waits[min(int(len(waits) * which), len(waits) - 1)]
            yield Figure(f"first seen to alert, {count:,} at once, {what}", found, "s")
            if count == 2000:
                yield from _late(f"{count:,} at once", lateness(Path(place), server.figures()["posts"]))


def alertmanager(checkout: Checkout) -> Findings:
    """The same storm through Alertmanager: from the moment it is there to the last alert that is taken."""
    if not is_installed():
        yield MISSING
        return
    (took, _), (theirs, _) = _ours(checkout, 2000), _theirs(2000)
    yield Figure("storm of 2,000 new at once, time", took, "s")
    yield Figure("storm of 2,000 new at once, time / Alertmanager", took / theirs)
    (took, most), (theirs, theirs_most) = _ours(checkout, 10_000), _theirs(10_000)
    yield Figure("storm of 10,000 new at once, time / Alertmanager", took / theirs)
    yield Figure("most resident, 10,000 new at once", most, "MB")
    yield Figure("most resident, 10,000 / Alertmanager's", most / theirs_most)


def _ours(checkout: Checkout, count: int) -> tuple[float, float]:
    """Seconds, and the most memory in MB."""
    with directory() as place, serving() as server, daemon(checkout, Path(place), server) as process:
        server.wait_for("rounds", WARM_UP)
        began = time.monotonic()
        server.open(count)
        return _last_told(server, count) - began, megabytes(process.pid, "VmHWM")


def _theirs(count: int) -> tuple[float, float]:
    with directory() as place, serving() as server, started(Path(place), server) as found:
        began = time.monotonic()
        found.fire(count)
        return _last_told(server, count) - began, megabytes(found.pid, "VmHWM")


def _last_told(server: Server, count: int) -> float:
    return max(server.wait_for("told", count))
