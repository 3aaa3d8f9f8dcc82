"""What many accounts cost in one process: a round of each, what is resident, and how late the rounds begin."""

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from tests.bench.figure import Figure, Findings
from tests.bench.program import Checkout, Server, daemon, directory, fine_cpu_seconds, megabytes, serving

COUNT = 200
INTERVAL = 30.0
"""Seconds, the default. A single account is polled every second, as in the idle round: each of its rounds bears less of
what the process does meanwhile, so it is the harder measure."""
ROUNDS = 3
"""Of each account of many."""
UNSET = dict.fromkeys(("BETTERSTACK__TOKEN", "POLL__INTERVAL", "POLL__ACTIVE_INTERVAL", "POLL__SWEEP_INTERVAL"))


@dataclass(frozen=True, slots=True)
class Spent:
    """What was measured of one process."""

    cpu: float
    """Seconds for a round."""
    resident: float
    """In MB."""
    late: tuple[float, ...]
    """Seconds between the time that a round was due and its first request."""


def sources(checkout: Checkout) -> Findings:
    """Idle rounds of many accounts, beside those of one."""
    if not (checkout.place / "daemon/runtime/build_sources.py").exists():
        yield "sources: skipped, since this checkout polls one account"
        return
    alone, many = _spent(checkout, 1, 1.0, 20), _spent(checkout, COUNT, INTERVAL, ROUNDS)
    what = f"{COUNT} sources every {INTERVAL:g} s"
    yield Figure(f"{what}, CPU of a round", many.cpu * 1000, "ms")
    yield Figure(f"{what}, CPU of a round / of one alone", many.cpu / alone.cpu)
    yield Figure(f"{what}, CPU of a core", 100 * many.cpu * COUNT / INTERVAL, "%")
    yield Figure(f"{what}, resident", many.resident, "MB")
    yield Figure("resident, what a source adds", (many.resident - alone.resident) / (COUNT - 1) * 1000, "kB")
    for share in (50, 99):
        late = statistics.quantiles(many.late, n=100)[share - 1]
        yield Figure(f"{what}, begin after due, {share} %", late * 1000, "ms")
    yield Figure(f"{what}, begin after due, most", max(many.late) * 1000, "ms")


def _spent(checkout: Checkout, count: int, interval: float, rounds: int) -> Spent:
    with directory() as place, serving() as server:
        Path(place, "config.toml").write_text(_configuration(server.url, count, interval))
        # Without a token of its own [betterstack] is not polled.
        with daemon(checkout, Path(place), server, settings=UNSET) as process:
            # By then each has swept, which only its first round does, and nothing is due for the first time.
            server.wait_for("rounds", 2 * count + 1)
            before, first = fine_cpu_seconds(process.pid), server.counts()["rounds"]
            time.sleep(rounds * interval)
            cpu, made = fine_cpu_seconds(process.pid) - before, server.counts()["rounds"] - first
            return Spent(cpu / made, megabytes(process.pid, "VmRSS"), _late(server, interval))


def _late(server: Server, interval: float) -> tuple[float, ...]:
    """A round is due one interval after the begin of the one before it."""
    begun: Mapping[str, list[float]] = server.figures()["of_tokens"]
    return tuple(later - earlier - interval for times in begun.values() for earlier, later in pairwise(times))


def _configuration(url: str, count: int, interval: float) -> str:
    pace = f'interval = "{interval:g}s"\nactive_interval = "{interval:g}s"\nsweep_interval = "1d"\n'
    tables = (f'[source.s{number}]\ntoken = "token-of-{number}"\nbase_url = "{url}"\n' for number in range(count))
    return f"[poll]\n{pace}{''.join(tables)}"
