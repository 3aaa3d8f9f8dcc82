"""What goes wrong, and what the operator does, while the process lives."""

import signal
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from daemon.sandbox import lag, mishaps
from daemon.sandbox.faults import Cut, Fault, Hang, Rewrite
from daemon.sandbox.lag import Lag
from daemon.sandbox.loopback import LoopbackService
from daemon.sandbox.server import Sandbox
from tests.e2e.conftest import Daemon
from tests.soak.books import MOST_IN_FLIGHT, OTHER_STATUS

SETTINGS = {
    "HTTP__TIMEOUT": "2s",
    "DELIVERY__STALE_AFTER": "1h",  # everything is to be told here, however often the process died before it could
    "POLL__GONE_AFTER": "7s",  # longer than any replica lags, as the default is
}
IN_THE_FILE = {
    "poll.interval": ("1s", "1s", "2s"),
    "poll.sweep_interval": ("2s", "3s", "5s"),
    "delivery.concurrency": (1, 4, MOST_IN_FLIGHT),
    "delivery.retry_max": ("2s", "3s"),
    "log.level": ("info", "debug"),
}
"""What a reload may change."""
BAD = (
    "[poll]\ninterval = '0s'\n",
    "[poll]\nintervall = '1s'\n",
    "[database]\nurl = 'sqlite:///elsewhere.db'\n",
    "this is not TOML",
)
FOUR = timedelta(seconds=4)


def faults(sandbox: Sandbox) -> list[tuple[LoopbackService, Fault]]:
    """What can go wrong between the program and either service; nothing of it may turn a delivery dead."""
    both: list[Fault] = [
        *(mishaps.status(500), mishaps.status(503), mishaps.too_many(1), mishaps.captive_portal()),
        *(Cut(), Cut(taken=True), Hang(), Hang(taken=True)),
    ]
    garbled = [mishaps.truncated(), mishaps.broken_off()]
    at_betterstack: list[Fault] = [mishaps.slid_up(), mishaps.slid_down(), mishaps.without("data"), mishaps.empty()]
    at_signl4: list[Fault] = [mishaps.empty(), mishaps.no_object(), *map(_with_another_status, garbled)]
    return [
        *((sandbox.betterstack, fault) for fault in (*both, *garbled, *at_betterstack)),
        *((sandbox.signl4, fault) for fault in (*both, *at_signl4)),
    ]


def _with_another_status(fault: Rewrite) -> Rewrite:
    """So that the books can tell an answer that nobody could read from one that was good."""
    return Rewrite(lambda request, answer: replace(fault.change(request, answer), status=OTHER_STATUS))


def lags(random: Random, began: datetime) -> tuple[str, Lag]:
    """How replicas lag from this moment on: as was measured, or not at all.

    Where single records lag, the program shall not see them go back for longer than two of its rounds, which are a
    second apart here: no order of evidence could tell that from a reopening in the form without times.
    """
    kinds: dict[str, tuple[int, Lag]] = {
        "no lag": (1, lag.no_lag),
        "one request in twenty from 0.5 to 6 s ago": (4, lag.now_and_then(0.05, Random(random.random()))),
        "the open list 4 s behind": (1, lag.apart(open_list=FOUR)),
        "every list 4 s behind": (1, lag.apart(open_list=FOUR, sweep=FOUR)),
        "single records 4 s behind": (1, lag.setting_in(lag.apart(lookups=FOUR), began)),
        "everything 4 s behind": (
            1,
            lag.setting_in(lag.apart(open_list=FOUR, sweep=FOUR, lookups=FOUR), began),
        ),
    }
    [name] = random.choices(list(kinds), [weight for weight, _ in kinds.values()])
    return name, kinds[name][1]


class File:
    """The configuration file, which the operator changes while the process runs."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        """What the file is to say must not be in the environment, which would win."""
        self._file = directory / "config.toml"
        for key in IN_THE_FILE:
            environment.pop(key.replace(".", "__").upper(), None)

    def change(self, random: Random) -> None:
        """A good one, other than before or not."""
        self._file.write_text("\n".join(_lines({key: random.choice(values) for key, values in IN_THE_FILE.items()})))

    def reload(self, daemon: Daemon, random: Random) -> None:
        """Another one, at times a bad one, and the signal to read it."""
        if random.random() < 0.25:
            self._file.write_text(random.choice(BAD))
        else:
            self.change(random)
        daemon.process.send_signal(signal.SIGHUP)


def _lines(values: Mapping[str, object]) -> Iterator[str]:
    for key, value in values.items():
        yield f"{key} = {value!r}"
