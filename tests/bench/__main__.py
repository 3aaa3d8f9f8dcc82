"""`make bench`: what the program costs, beside floors that are measured in the same run.

Figures are printed, not judged: machines differ, and a slow one is not a fault of the program. With `--against DIR`
each is taken of that checkout, too. With words, only the cases whose names begin so.
"""

import argparse
import os
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench import floor_stack, probe
from tests.bench.figure import Figure, Findings
from tests.bench.history import empty, fill
from tests.bench.hosts import hosts
from tests.bench.monitors import monitors
from tests.bench.program import (
    HERE,
    WARM_UP,
    Checkout,
    Server,
    daemon,
    directory,
    fine_cpu_seconds,
    megabytes,
    running,
    serving,
    switches,
)
from tests.bench.rules import kept, routes, windows
from tests.bench.scrapes import metrics
from tests.bench.sources import sources
from tests.bench.storms import alertmanager, outage, storm
from tests.bench.two_way import two_way

LAST_WORDS = (
    "import atexit, runpy, sys; atexit.register(lambda: sys.stderr.write(open('/proc/self/status').read())); "
    "runpy.run_module('daemon', run_name='__main__', alter_sys=True)"
)
"""The program, which says at its end what it needed: what the kernel tells a parent counts the parent's memory, too."""
ROUNDS = 20


def round_seconds(pid: int, server: Server, rounds: int = ROUNDS) -> float:
    """CPU of a round, in seconds, from one round to the one that is so many later."""
    first = len(server.wait_for("rounds", len(server.figures()["rounds"]) + WARM_UP))
    # Between two rounds: the first is over, the next not begun.
    time.sleep(0.4)
    before = fine_cpu_seconds(pid)
    server.wait_for("rounds", first + rounds)
    time.sleep(0.4)
    return (fine_cpu_seconds(pid) - before) / rounds


def idle(checkout: Checkout) -> Findings:
    """Rounds in which nothing happens."""
    with directory() as place, serving() as server:
        command = [checkout.python, floor_stack.__file__, server.url, f"{place}/floor.db"]
        with running(command, {**os.environ, "PYTHONPATH": str(HERE)}) as process:
            floor = round_seconds(process.pid, server)
    with directory() as place, serving() as server, daemon(checkout, Path(place), server) as process:
        spent = round_seconds(process.pid, server)
        yield Figure("idle round, CPU", spent * 1000, "ms")
        yield Figure("idle round, CPU / floor of the stack", spent / floor)
        before, first = switches(process.pid), len(server.figures()["rounds"])
        server.wait_for("rounds", first + ROUNDS)
        yield Figure("idle round, context switches", (switches(process.pid) - before) / ROUNDS)
        yield Figure("resident, idle", megabytes(process.pid, "VmRSS"), "MB")
    yield from _counted(checkout)


def _counted(checkout: Checkout) -> Findings:
    with directory() as place, serving() as server, daemon(checkout, Path(place), server, calls=True):
        first = len(server.wait_for("rounds", WARM_UP))
        time.sleep(0.4)
        calls, transactions, commits = probe.read(Path(place, "counts"))
        server.wait_for("rounds", first + ROUNDS)
        time.sleep(0.4)
        after = probe.read(Path(place, "counts"))
        yield Figure("idle round, calls of Python functions", (after[0] - calls) / ROUNDS)
        yield Figure("idle round, transactions", (after[1] - transactions) / ROUNDS)
        yield Figure("idle round, commits", (after[2] - commits) / ROUNDS)


def many(checkout: Checkout) -> Findings:
    """Rounds that find many open incidents, none of which has changed."""
    spent = {}
    for count in (0, 500, 5000):
        with directory() as place, serving(count) as server, daemon(checkout, Path(place), server) as process:
            server.wait_for("posts", count)
            spent[count] = round_seconds(process.pid, server, 3 if count == 5000 else ROUNDS)
    yield Figure("round with 500 open / idle round", spent[500] / spent[0])
    yield Figure("round with 5,000 open, CPU", spent[5000] * 1000, "ms")


def old(checkout: Checkout) -> Findings:
    """Idle rounds in databases that are years old."""
    spent = {}
    for count in (0, 100_000, 1_000_000):
        with directory() as place, serving() as server:
            fill(empty(checkout, Path(place)), count) if count else None
            with daemon(checkout, Path(place), server) as process:
                spent[count] = round_seconds(process.pid, server)
    yield Figure("idle round, 100,000 stored / none", spent[100_000] / spent[0])
    yield Figure("idle round, 1,000,000 stored / none", spent[1_000_000] / spent[0])


def start(checkout: Checkout) -> Findings:
    """From the start of the process to its first request."""
    for what in ("fresh", "existing"):
        took = []
        for _ in range(5):
            with directory() as place, serving() as server:
                if what == "existing":
                    empty(checkout, Path(place))
                began = time.monotonic()
                with daemon(checkout, Path(place), server):
                    took.append(server.wait_for("rounds", 1)[0] - began)
        yield Figure(f"start to first request, {what} database", statistics.median(took), "s")


def commands(checkout: Checkout) -> Findings:
    """What an operator waits for, while the daemon runs."""
    spent = {}
    for count in (0, 100_000):
        with directory() as place, serving() as server:
            fill(empty(checkout, Path(place)), count) if count else None
            # Older than the daemon, whose start is known to the second: `status` reads a newer one as a whole.
            Path(place, "config.toml").touch()
            time.sleep(1)
            with daemon(checkout, Path(place), server):
                server.wait_for("rounds", WARM_UP)
                if not count:
                    yield Figure("--version, CPU", _cost(checkout, place, "--version")[0], "s")
                spent[count] = _cost(checkout, place, "status", "--json")[0]
            if count:
                cost, most = _cost(checkout, place, "deliveries", "--json", "--limit", "0", times=1)
    yield Figure("status --json, CPU", spent[0], "s")
    yield Figure("status --json, 100,000 stored / none", spent[100_000] / spent[0])
    yield Figure("deliveries --json --limit 0 of 100,000, CPU", cost, "s")
    yield Figure("deliveries --json --limit 0 of 100,000, most", most, "MB")


def _cost(checkout: Checkout, place: str, *command: str, times: int = 5) -> tuple[float, float]:
    """Median seconds of CPU, and the most resident memory in MB."""
    spent, most = list[float](), 0.0
    for _ in range(times):
        before = os.times()
        ended = subprocess.run(
            [checkout.python, "-c", LAST_WORDS, *command],
            env=checkout.environment(Path(place), "http://127.0.0.1:9"),
            cwd=place,
            check=False,  # `status` without a daemon is not healthy
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        after = os.times()
        spent.append(after.children_user + after.children_system - before.children_user - before.children_system)
        most = max(most, int(ended.stderr.split("VmHWM:")[1].split()[0]) * 1024 / 1e6)
    return statistics.median(spent), most


CASES: tuple[Callable[[Checkout], Findings], ...] = (
    idle,
    start,
    commands,
    storm,
    outage,
    routes,
    windows,
    kept,
    two_way,
    monitors,
    sources,
    hosts,
    metrics,
    alertmanager,
    many,
    old,
)


def main() -> None:
    """Prints the table, a line as soon as it is known."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--against", type=Path, metavar="DIR")
    parser.add_argument("words", nargs="*")
    chosen = parser.parse_args()
    for case in CASES:
        if chosen.words and not case.__name__.startswith(tuple(chosen.words)):
            continue
        found = case(Checkout(chosen.against)) if chosen.against else ()
        there = {figure.what: figure.value for figure in found if isinstance(figure, Figure)}
        for figure in case(Checkout(HERE)):
            print(figure if isinstance(figure, str) else _line(figure, there.get(figure.what)), flush=True)


def _line(figure: Figure, there: float | None) -> str:
    line = f"{figure.what:50} {figure.value:10.2f} {figure.unit:4}"
    return line if there is None else f"{line} {there:10.2f} there, ratio {figure.value / (there or 1):.2f}"


if __name__ == "__main__":
    main()
