"""What rules cost those who have some: many routes, a maintenance window in a storm, and the history that explains."""

import json
import sqlite3
import subprocess
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from tests.bench import route_cost
from tests.bench.figure import Figure, Findings
from tests.bench.program import PATIENCE, WARM_UP, Checkout, cpu_seconds, daemon, directory, serving

ROUTES = 1000
STORM = 1000
WINDOW = """\
[[maintenance]]
rrule = "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR,SA,SU"
start = 2020-01-01T00:00:00
duration = "1d"
zone = "Europe/Berlin"
"""
"""Always, by a rule of a kind that takes long."""
NONE_MATCHES = "".join(f'[[route]]\nmatch = {{ name = "db-{number}-*" }}\n' for number in range(100))


def routes(checkout: Checkout) -> Findings:
    """Who is told of a new incident, among many routes."""
    if not _has_rules(checkout):
        yield "routes: skipped, since this checkout has none"
        return
    with directory() as place:
        command = [checkout.python, route_cost.__file__, str(ROUTES)]
        environment = checkout.environment(Path(place))
        spent: Mapping[str, float] = json.loads(subprocess.run(command, env=environment, check=True, stdout=-1).stdout)
    yield Figure("new incident without routes, CPU", spent["none"] * 1000, "ms")
    yield Figure(f"new incident, what {ROUTES:,} routes add, CPU", (spent["many"] - spent["none"]) * 1000, "ms")
    yield Figure(f"{ROUTES:,} routes, read, checked and compiled, CPU", spent["ready"], "s")


def windows(checkout: Checkout) -> Findings:
    """Incidents that open at once, all within a maintenance window: from the first page to the recorded hold."""
    if not _has_rules(checkout):
        yield "windows: skipped, since this checkout has no maintenance windows"
        return
    with directory() as place, serving() as server:
        Path(place, "config.toml").write_text(WINDOW)
        with daemon(checkout, Path(place), server) as process:
            server.wait_for("rounds", WARM_UP)
            before = cpu_seconds(process.pid)
            server.open(STORM)
            _wait_for(Path(place, "state.db"), "SELECT count(*) FROM deliveries WHERE held_because IS NOT NULL", STORM)
            spent = cpu_seconds(process.pid) - before
    yield Figure(f"{STORM:,} at once, all in a monthly window, CPU of one", spent / STORM * 1000, "ms")


def kept(checkout: Checkout) -> Findings:
    """What is kept of an incident that is told, and what it costs from the first page to the record of the answer."""
    spent, size = _told_by(checkout, "")
    yield Figure(f"{STORM:,} at once, first page to record, CPU of one", spent * 1000, "ms")
    yield Figure("database, of an incident that was told", size, "B")
    if _has_rules(checkout):
        yield Figure("database, of one that no route of 100 matched", _told_by(checkout, NONE_MATCHES)[1], "B")


def _told_by(checkout: Checkout, configuration: str) -> tuple[float, float]:
    """Seconds of CPU, and bytes of the file without the room that it has left; of one incident."""
    with directory() as place, serving() as server:
        database = Path(place, "state.db")
        Path(place, "config.toml").write_text(configuration)
        with daemon(checkout, Path(place), server) as process:
            server.wait_for("rounds", WARM_UP)
            before = cpu_seconds(process.pid)
            server.open(STORM)
            _wait_for(database, "SELECT count(*) FROM deliveries WHERE delivered_at IS NOT NULL", STORM)
            spent = cpu_seconds(process.pid) - before
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("VACUUM")
            pages, size = (connection.execute(f"PRAGMA {what}").fetchone()[0] for what in ("page_count", "page_size"))
    return spent / STORM, pages * size / STORM


def _has_rules(checkout: Checkout) -> bool:
    return (checkout.place / "daemon/decisions/route.py").exists()


def _wait_for(database: Path, question: str, count: int) -> None:
    """Raises `TimeoutError`."""
    until = time.monotonic() + PATIENCE
    with closing(sqlite3.connect(database)) as connection:
        while (found := connection.execute(question).fetchone()[0]) < count:
            if time.monotonic() > until:
                raise TimeoutError(f"{found} of {count} after {PATIENCE:g} s: {question}")
            time.sleep(0.1)
