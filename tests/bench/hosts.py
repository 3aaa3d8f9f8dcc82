"""What a database on a server costs: a round of the host that leads, and a host that stands by."""

import time
from collections.abc import Mapping
from pathlib import Path

from tests.bench.figure import Figure, Findings
from tests.bench.program import WARM_UP, Checkout, daemon, directory, fine_cpu_seconds, megabytes, serving
from tests.support.postgresql import Server, missing

ROUNDS = 20
STANDS_BY = 10.0
"""Seconds for which a standby is watched: as many looks, and one note."""


def hosts(checkout: Checkout) -> Findings:
    """Idle rounds on a server beside those on a file, and a second host."""
    if not (checkout.place / "daemon/runtime/standby.py").exists() or missing():
        yield f"hosts: skipped, {missing() or 'since this checkout has one host'}"
        return
    on_file, resident = _round(checkout, {})
    with Server(settings={"fsync": "on"}) as database:
        settings = {"DATABASE__URL": database.url()}
        on_server, leader = _round(checkout, settings)
        yield Figure("idle round on a server, CPU", on_server * 1000, "ms")
        yield Figure("idle round on a server / on a file", on_server / on_file)
        yield Figure("resident, a host that leads", leader, "MB")
        yield Figure("resident, a host that leads / on a file", leader / resident)
        with directory() as place, directory() as other, serving() as server:
            with daemon(checkout, Path(place), server, settings=settings):
                server.wait_for("rounds", WARM_UP)
                with daemon(checkout, Path(other), server, settings=settings) as standby:
                    _wait_for(Path(other, "log"), b"stands by")
                    before = fine_cpu_seconds(standby.pid)
                    time.sleep(STANDS_BY)
                    spent = fine_cpu_seconds(standby.pid) - before
                    yield Figure("a second of standing by, CPU", spent / STANDS_BY * 1000, "ms")
                    yield Figure("resident, a host that stands by", megabytes(standby.pid, "VmRSS"), "MB")


def _round(checkout: Checkout, settings: Mapping[str, str | None]) -> tuple[float, float]:
    """CPU of an idle round, in seconds, and what is resident, in MB."""
    with directory() as place, serving() as server, daemon(checkout, Path(place), server, settings=settings) as process:
        first = len(server.wait_for("rounds", 2 * WARM_UP))
        before = fine_cpu_seconds(process.pid)
        server.wait_for("rounds", first + ROUNDS)
        return (fine_cpu_seconds(process.pid) - before) / ROUNDS, megabytes(process.pid, "VmRSS")


def _wait_for(log: Path, text: bytes) -> None:
    until = time.monotonic() + 60
    while text not in log.read_bytes():
        if time.monotonic() > until:
            raise TimeoutError(f"{log} does not say {text.decode()}")
        time.sleep(0.1)
