"""What an API key of SIGNL4 costs those who have one: at rest, and with each look while an incident is open."""

import time
from pathlib import Path

from tests.bench.figure import Figure, Findings
from tests.bench.program import WARM_UP, Checkout, Server, daemon, directory, fine_cpu_seconds, megabytes, serving

LOOKS = 20
OPEN = 100
CONFIGURATION = """\
[signl4]
api_key = "a-key-of-signl4"
[write_back]
interval = "1s"
"""


def two_way(checkout: Checkout) -> Findings:
    """Rounds, each with a look at SIGNL4, with nothing and with some incidents open."""
    if not (checkout.place / "daemon/write_back.py").exists():
        yield "two_way: skipped, since this checkout writes nothing back"
        return
    for count in (0, OPEN):
        without, resident = _round(checkout, count, "")
        spent, resident_with = _round(checkout, count, CONFIGURATION)
        what = f"with {count} open" if count else "idle"
        yield Figure(f"look at SIGNL4, {what}, CPU", (spent - without) * 1000, "ms")
        if not count:
            yield Figure("resident, idle, what a key adds", resident_with - resident, "MB")


def _round(checkout: Checkout, count: int, configuration: str) -> tuple[float, float]:
    """CPU of a round, in seconds, with the look that goes with it; and what is resident, in MB."""
    with directory() as place, serving(count) as server:
        Path(place, "config.toml").write_text(configuration)
        with daemon(checkout, Path(place), server) as process:
            server.wait_for("posts", count)
            # What became of each alert is asked first, a few at a time.
            _wait_until_settled(server, count if configuration else 0)
            first = len(server.wait_for("rounds", len(server.figures()["rounds"]) + WARM_UP))
            time.sleep(0.4)
            before = fine_cpu_seconds(process.pid)
            server.wait_for("rounds", first + LOOKS)
            time.sleep(0.4)
            return (fine_cpu_seconds(process.pid) - before) / LOOKS, megabytes(process.pid, "VmRSS")


def _wait_until_settled(server: Server, count: int) -> None:
    server.wait_for("overviews", count)
