"""Two hosts with a daemon each on one database, both services on a third, and incidents that come and go all the time.

What SIGNL4 took is the proof: who sent it, when, how often, and whether anything is missing.
"""

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count, pairwise
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import Self

from daemon.sandbox.exchange import Request
from daemon.sandbox.process import isolated
from daemon.sandbox.server import Sandbox
from tests.e2e.conftest import PROGRAM, Daemon
from tests.support.canary import leaked
from tests.support.confined import on_host
from tests.support.hosts import Network
from tests.support.slowness import SLOWNESS

HOSTS = ("one", "two")
LEASE, TIMEOUT = 12.0, 2.0
"""Seconds: `lease.duration`, the shortest there is, and `http.timeout`, which it has to be ten more than."""
AFTER_A_CRASH, AFTER_A_STOP = LEASE + 5.0, 2.0
"""Seconds in which another host leads, on a machine that is not slow."""
SETTINGS = {
    "LEASE__DURATION": f"{LEASE:g}s",
    "HTTP__TIMEOUT": f"{TIMEOUT:g}s",
    "POLL__INTERVAL": "5s",
    "POLL__ACTIVE_INTERVAL": "1s",
    "POLL__SWEEP_INTERVAL": "10s",
    "DELIVERY__GAP": "0s",
    "DELIVERY__RETRY_MIN": "1s",
    "DELIVERY__RETRY_MAX": "2s",
}
IN_FLIGHT = 4
"""The default of `delivery.concurrency`: as many are sent at a time, and may be told again if that was not recorded."""
PACE, LASTS = 0.4, 10
"""Seconds between two incidents; and how many later ones open before one is over."""
LEADS, STANDS_BY, LOST = '"event": "leads"', '"event": "stands by"', '"event": "the lease is lost'
"""What a daemon says of itself."""
PATIENCE = 60.0 + 15.0 * SLOWNESS


class Stage:
    """For as long as a `with` block lasts."""

    def __init__(self, network: Network, directory: Path, url: str) -> None:
        """`url`: of the database, as the hosts see it."""
        self.network = network
        self.sandbox = Sandbox(event_limit=10**6, faulty_limit=None)
        self.daemons: dict[str, Daemon] = {}
        self.incidents: list[str] = []
        self._resolved: set[str] = set()
        self._directory = directory
        self._url = url
        self._due = ExitStack()
        self._over = Event()
        self._stream = Thread(target=self._open_and_resolve)

    def __enter__(self) -> Self:
        services = self.network["services"]
        self.sandbox.betterstack.host, self.sandbox.signl4.host = services.address, services.other_address
        with services.inside():
            self._due.enter_context(self.sandbox)
        return self

    def __exit__(self, *_: object) -> None:
        self._end_stream()
        for daemon in self.daemons.values():
            daemon.process.send_signal(signal.SIGCONT)
            daemon.end()
            assert leaked("\n".join(daemon.lines)) == []
        self._due.close()

    # -- what the hosts do -----------------------------------------------------------------------------------------

    def start(self, name: str, program: Sequence[str] = PROGRAM, **settings: str) -> Daemon:
        """Starts the daemon of this host."""
        host, directory = self.network[name], self._directory / name
        directory.mkdir(exist_ok=True)
        (directory / "config.toml").touch()
        environment = isolated(os.environ, directory) | self.sandbox.environment() | SETTINGS | settings
        environment["DATABASE__URL"] = self._url
        first = partial(on_host, name, host.file)
        self.daemons[name] = Daemon(["run"], environment, directory, self.sandbox, program, first=first)
        return self.daemons[name]

    def begin(self, program: Sequence[str] = PROGRAM, **settings: str) -> None:
        """The first host leads, and incidents come from here on: on a first start what is over tells nobody."""
        self.start("one", program, **settings)
        self.wait_for(lambda: self.terms("one") and self.sandbox.betterstack.requests, "the first round")
        self._stream.start()
        self.wait_for_news("one")

    def join(self, program: Sequence[str] = PROGRAM) -> None:
        """The second host stands by."""
        self.start("two", program)
        self.wait_until_it_says("two", STANDS_BY)

    def terms(self, name: str) -> int:
        """How often this host began to lead so far."""
        return sum(LEADS in line for line in self.daemons[name].lines)

    def wait_until_it_says(self, name: str, text: str, times: int = 1) -> None:
        """Waits until the daemon of this host has said so that often."""
        lines = self.daemons[name].lines
        self.wait_for(lambda: sum(text in line for line in lines) >= times, f"{text!r} from {name}")

    def wait_for(self, predicate: Callable[[], object], what: str) -> None:
        """Waits for something in the services or in a log."""
        try:
            self.sandbox.wait_for(predicate, PATIENCE, what)
        except TimeoutError as error:
            error.add_note(f"untold: {[(one, self._told().get(one)) for one in self.untold()]}")
            for name, daemon in self.daemons.items():
                error.add_note("\n".join([f"-- {name}:", *daemon.lines[-40:]]))
            raise

    def wait_for_incidents(self, seconds: float) -> None:
        """Waits for as many new incidents as come in this time, while nothing else need happen."""
        enough = len(self.incidents) + seconds / PACE
        self.wait_for(lambda: len(self.incidents) >= enough, "the next incidents")

    def wait_for_news(self, name: str) -> None:
        """Waits until this host sends something that came up after this moment."""
        known, senders = len(self.incidents), len(self.sent)

        def sent() -> bool:
            later = set(self.incidents[known:])
            return any(one.external_id in later and self.sender(one) == name for one in self.sent[senders:])

        self.wait_for(sent, f"an alert from {name}")

    @contextmanager
    def taken_over(self, name: str, within: float, record: Callable[[str, object], None]) -> Iterator[None]:
        """What happens in the block makes this host lead within so many seconds, and send. `record`: pytest's."""
        before, begun = self.terms(name), monotonic()
        yield
        self.wait_for(lambda: self.terms(name) > before, f"a term of {name}")
        led = monotonic() - begun
        self.wait_for_news(name)
        record("take-over", f"{led:.1f} s until {name} leads, {monotonic() - begun:.1f} s until it sends")
        assert led <= within * SLOWNESS

    # -- what SIGNL4 saw -----------------------------------------------------------------------------------------

    @property
    def sent(self) -> list[Request]:
        """All that was sent to SIGNL4, in the order in which it came."""
        return [one.request for one in self.sandbox.signl4.requests if one.method == "POST"]

    def sender(self, request: Request) -> str:
        """The host that it came from."""
        return next(name for name in HOSTS if self.network[name].address == request.client)

    def senders(self) -> list[str]:
        """The hosts that have sent, in turn: one name for all that it sent until another one did."""
        names = [self.sender(request) for request in self.sent]
        return [name for name, before in zip(names, [None, *names], strict=False) if name != before]

    def silence(self) -> float:
        """Seconds between the last request of a host and the first one of the next, the shortest there was."""
        pairs = pairwise(self.sent)
        return min((later.at - one.at).total_seconds() for one, later in pairs if one.client != later.client)

    def settle(self) -> None:
        """No more incidents come. Waits until all is told."""
        self._end_stream()
        self.wait_for(lambda: not self.untold(), "that all is told")

    def untold(self) -> list[str]:
        """The incidents of which SIGNL4 does not know how they are."""
        told = self._told()
        return [one for one in self.incidents if told.get(one, [])[-1:] != [self._last_of(one)]]

    def doubled(self) -> Counter[tuple[str, str]]:
        """What SIGNL4 took more than once, and how often too many."""
        taken = Counter((event.external_id, event.kind) for event in self.sandbox.signl4.events)
        return Counter({key: times - 1 for key, times in taken.items() if times > 1})

    def _last_of(self, incident: str) -> str:
        return "resolved" if incident in self._resolved else "new"

    def _told(self) -> dict[str, list[str]]:
        told = dict[str, list[str]]()
        for event in self.sandbox.signl4.events:
            told.setdefault(event.external_id, []).append(event.kind)
        return told

    # -- what happens in the world ----------------------------------------------------------------

    def storm(self, size: int) -> None:
        """So many incidents open at once, and stay open."""
        stormy = [self.sandbox.world.open(f"Storm {number}") for number in range(size)]
        self.incidents[:0] = stormy

    def at_request(self, number: int, act: Callable[[], bool]) -> None:
        """Does something once SIGNL4 has the request of this number from now on, before it is answered.

        Where that returns false, it is done again at the next request.
        """
        left, done = count(number, -1), Event()

        def look(_: Request) -> None:
            if next(left) <= 1 and not done.is_set() and act():
                done.set()

        self.sandbox.signl4.faults.before_answer = look

    def _open_and_resolve(self) -> None:
        while not self._over.wait(PACE):
            self.incidents.append(self.sandbox.world.open(f"Incident {len(self.incidents)}"))
            if len(self.incidents) > LASTS:
                over = self.incidents[-LASTS - 1]
                self.sandbox.world.resolve(over)
                self._resolved.add(over)

    def _end_stream(self) -> None:
        self._over.set()
        if self._stream.is_alive():
            self._stream.join()
