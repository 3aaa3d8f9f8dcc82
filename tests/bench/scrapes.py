"""What metrics cost who has them: at rest, and each time that somebody reads them."""

import http.client
import time
from pathlib import Path

from tests.bench.figure import Figure, Findings
from tests.bench.history import empty, fill
from tests.bench.program import WARM_UP, Checkout, cpu_seconds, daemon, directory, megabytes, serving

PORT = 19464
EACH = 1.2
"""Seconds: a reading is good for one, and so each of these is one of its own."""
READINGS = 30


def metrics(checkout: Checkout) -> Findings:
    """An idle daemon that is read once in a while."""
    for stored in (0, 100_000):
        with directory() as place, serving() as server:
            fill(empty(checkout, Path(place)), stored) if stored else None
            Path(place, "config.toml").write_text(f'[metrics]\nlisten = "127.0.0.1:{PORT}"\n')
            with daemon(checkout, Path(place), server) as process:
                server.wait_for("rounds", WARM_UP)
                scrape()
                at_rest, read = _spent(process.pid, reads=False), _spent(process.pid, reads=True)
                yield Figure(f"scrape, CPU, {stored:,} stored", (read - at_rest) / READINGS * 1000, "ms")
                if not stored:
                    yield Figure("resident with metrics, idle", megabytes(process.pid, "VmRSS"), "MB")


def scrape() -> bytes:
    """Reads the metrics once."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read()
    finally:
        connection.close()


def _spent(pid: int, *, reads: bool) -> float:
    """CPU in seconds, also of threads that end: of the rounds, and with `reads` of so many readings."""
    before = cpu_seconds(pid)
    for _ in range(READINGS):
        time.sleep(EACH)
        if reads:
            scrape()
    return cpu_seconds(pid) - before
