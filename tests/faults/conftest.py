"""The real clients and flows between the sandbox and a database file, with one clock, set by hand.

Each service is reached over a line of its own. Names are looked up in the test itself: nothing leaves loopback.
"""

import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from ssl import PROTOCOL_TLS_CLIENT, SSLContext
from types import SimpleNamespace
from typing import Any, Protocol, TypeVar

import pytest
from sqlalchemy import Engine

from daemon.clients.api_pace import ApiPace
from daemon.clients.betterstack import BetterStack
from daemon.clients.http import HttpClient, tls_context
from daemon.clients.signl4 import Signl4
from daemon.clients.signl4_api import Signl4Api
from daemon.host.clock import TheirClock, utc_now
from daemon.model.incident import Phase
from daemon.poll import Poll
from daemon.sandbox.context import Context
from daemon.sandbox.exchange import Exchange, Request
from daemon.sandbox.faults import Rewrite
from daemon.sandbox.loopback import LoopbackService
from daemon.sandbox.server import Sandbox
from tests.faults.line import LOOPBACK, Line, Resolver
from tests.support.clock import Clock
from tests.support.fakes import Flows
from tests.support.kept_log import KeptLog
from tests.support.listener import TIMEOUT
from tests.support.slowness import SLOWNESS
from tests.support.store import Store
from tests.support.values import NOW, settings

PASSWORD = "hunter2"
"""That of whatever proxy there is."""
PATIENCE = 10.0 * SLOWNESS
"""Seconds for an exchange that should go well, on a machine with much else to do."""
PER_BYTE = TIMEOUT / 20
"""Seconds for each byte of what comes a byte at a time: too long for a hasty client."""
NEW, ACKNOWLEDGED, RESOLVED = "new", "acknowledged", "resolved"


class Scene(Flows):
    """Three incidents are told of; since then one of them ended and another one began, which nobody has seen yet."""

    def __init__(
        self, sandbox: Sandbox, lines: tuple[Line, Line], engine: Engine, clock: Clock, log: KeptLog, store: Store
    ) -> None:
        self.sandbox, self.world = sandbox, sandbox.world
        self.to_betterstack, self.to_signl4 = lines
        self._open = ExitStack()
        self.api_key: str | None = None
        """With it, what SIGNL4 may have taken is looked up."""
        super().__init__(engine, clock, log, store)

    def configure(
        self, *_: Any, scheme: str = "http", host: str = LOOPBACK, timeout: float = PATIENCE, **http: Any
    ) -> None:
        """Puts the flows on the real clients. `timeout` in seconds."""
        self._open.close()
        self.is_hasty = timeout < PATIENCE
        services: dict[str, Any] = {
            "betterstack": {"token": self.sandbox.betterstack.token, "base_url": self._url(0, scheme, host)},
            "signl4": {
                "secret": self.sandbox.signl4.secret,
                "base_url": self._url(1, scheme, host),
                **({"api_key": self.api_key} if self.api_key else {}),
            },
        }
        whole = settings(**services, http=http)
        section = replace(whole.http, timeout=timedelta(seconds=timeout))
        tls = tls_context(section) if scheme == "https" else SSLContext(PROTOCOL_TLS_CLIENT)
        incidents = self._open.enter_context(closing(HttpClient(whole.betterstack.base_url, section, tls)))
        alerts = self._open.enter_context(closing(HttpClient(whole.signl4.base_url, section, tls, 4)))
        finder = None
        if whole.signl4.api_key is not None:
            api = self._open.enter_context(closing(HttpClient(whole.signl4.base_url, section, tls, 4)))
            finder = Signl4Api(api, whole.signl4.api_key, ApiPace(), wait=None)
        super().configure(Signl4(alerts, whole.signl4.secret), finder, **services, http=http)
        self.warnings: list[str] = []
        source = BetterStack(incidents, whole.betterstack, self._wait, self.warnings.append, TheirClock(utc_now))
        self.poll = Poll(source, self.store, whole, clock=self.clock, log=self.log, on_queued=self._on_queued)

    def begin(self) -> None:
        """Up to the moment at which a test comes in."""
        self.ended = self.world.open("Backup", started_at=NOW - timedelta(days=3))
        self.stays, self.other = self.world.open("Shop"), self.world.open("Search")
        self.round(sweep=True)
        self.drain()
        self.clock.pass_(minutes=1)
        self.world.resolve(self.ended)
        self.begun = self.world.open("Checkout")
        self.late = ""
        """For a test that needs one more."""
        self.right = {
            self.ended: [NEW, RESOLVED],
            self.stays: [NEW],
            self.other: [NEW],
            self.begun: [NEW],
        }
        """What SIGNL4 must have been told of each incident in the end."""
        self.asked_before, self.sent_before = len(self.sandbox.betterstack.requests), len(self.sandbox.signl4.requests)

    def end(self) -> None:
        self._open.close()

    @property
    def told_so_far(self) -> dict[str, list[str]]:
        """What SIGNL4 has taken of each incident, in order."""
        by_id = sorted(self.sandbox.signl4.events, key=lambda event: event.external_id)
        return {of: [event.kind for event in events] for of, events in groupby(by_id, lambda event: event.external_id)}

    @property
    def asked(self) -> Sequence[Exchange]:
        """What Better Stack was asked since the test came in."""
        return self.sandbox.betterstack.requests[self.asked_before :]

    @property
    def sent(self) -> Sequence[Exchange]:
        """What SIGNL4 was sent since the test came in."""
        return self.sandbox.signl4.requests[self.sent_before :]

    @property
    def seconds(self) -> float:
        """How late it is."""
        return (self.clock.now - NOW).total_seconds()

    def release_webhook(self) -> None:
        """SIGNL4's webhook works again; its REST API does not."""
        self.sandbox.signl4.faults.clear()
        self.to_signl4.reset = None

    def release(self) -> None:
        """Everything works again."""
        self.sandbox.signl4.api_faults.clear()
        for service in (self.sandbox.betterstack, self.sandbox.signl4):
            service.faults.clear()
        for line in (self.to_betterstack, self.to_signl4):
            line.reset = None
        if self.is_hasty:
            self.configure()
        self.sandbox.signl4.secret = self.settings.signl4.secret.reveal()

    def check_that_no_end_was_invented(self) -> None:
        """Not more often than it ended is an incident said to be over, be it told or only written down."""
        over = [happening.incident_id for happening in self.world.history if happening.phase is Phase.RESOLVED]
        written = [incident_id for incident_id, kind in self.outbox() if kind == RESOLVED]
        assert [one for one in set(written) if written.count(one) > over.count(one)] == []

    def check_that_nothing_leaked(self, *texts: object) -> None:
        """Neither token nor secret is in these texts, in the log or in the database."""
        columns = ("last_error", "reason", "payload", "event_id")
        kept = [*texts, self.store.progress(), self.store.destination_state(), self.outbox(*columns), self.log.events]
        for text in map(repr, kept):
            assert [secret for secret in (*self.settings.secrets(), PASSWORD) if secret in text] == []

    def _url(self, which: int, scheme: str, host: str) -> str:
        return f"{scheme}://{host}:{(self.to_betterstack, self.to_signl4)[which].port}"


Arm = Callable[[Scene], object]
"""Makes the fault happen from now on."""


class HasArms(Protocol):
    """A row of one of the tables."""

    @property
    def arms(self) -> Mapping[str, Arm]: ...


Row = TypeVar("Row", bound=HasArms)


def spread(cases: Mapping[str, Row], in_one: Callable[[Row], bool] = lambda _: False) -> list[Any]:
    """A parameter set for each form of each fault, or one with all forms where these can follow each other."""
    parameters = []
    for name, case in cases.items():
        if in_one(case):
            parameters.append(pytest.param(case, case.arms, id=name))
        else:
            forms = case.arms.items()
            parameters += [pytest.param(case, {form: arm}, id=f"{name}: {form}".strip(": ")) for form, arm in forms]
    return parameters


@contextmanager
def about(form: str) -> Iterator[None]:
    """Says in the error which form of a fault it was."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"with this form of the fault: {form}")
        raise


def slow(arm: Arm) -> Arm:
    """A fault that takes the whole time of an exchange, which is short then."""

    def hurry(scene: Scene) -> None:
        scene.configure(timeout=TIMEOUT)
        arm(scene)

    return hurry


def each(forms: Iterable[object], arm: Callable[[Any], Arm]) -> dict[str, Arm]:
    """One fault in many forms."""
    return {str(form): arm(form) for form in forms}


@dataclass(frozen=True, slots=True)
class Answers:
    """Arms that change what one of the services answers."""

    service: Callable[[Sandbox], LoopbackService]

    def __call__(self, fault: Any, when: Callable[[Request], bool] = lambda _: True, times: int | None = None) -> Arm:
        """Requests that `when` is true of are struck by the fault, or by what it makes of the scene if it is called."""

        def arm(scene: Scene) -> None:
            made = fault(scene) if callable(fault) else fault
            self.service(scene.sandbox).faults.arm(made, when=when, times=times)

        return arm


def in_turn(*rewrites: Rewrite) -> Rewrite:
    """One change of an answer after the other."""

    def change(request: Request, answer: Any) -> Any:
        for rewrite in rewrites:
            answer = rewrite.change(request, answer)
        return answer

    return Rewrite(change)


def paged(scene: Scene, size: int) -> Rewrite:
    """Pages of this size, so that few incidents fill several."""

    def change(request: Request, _: Any) -> Any:
        target = request.target.replace("per_page=50", f"per_page={size}")
        return scene.sandbox.betterstack.answer(replace(request, target=target))

    return Rewrite(change)


@pytest.fixture(autouse=True)
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    """Nothing leaves loopback, and nobody tries to."""
    resolver = Resolver(socket.getaddrinfo)
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    yield resolver
    resolver.mend()
    assert resolver.strays == []


@pytest.fixture
def sandbox(clock: Clock) -> Iterator[Sandbox]:
    with Sandbox(context=Context(now=clock)) as sandbox:
        yield sandbox


@pytest.fixture
def lines(sandbox: Sandbox) -> Iterator[tuple[Line, Line]]:
    with ExitStack() as stack:
        services = (sandbox.betterstack, sandbox.signl4)
        one, other = (Line(int(service.url.rpartition(":")[2])) for service in services)
        for line in (one, other):
            stack.callback(line.cut)
        yield one, other


@pytest.fixture
def by_hand(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both clients read the clock of the test too, when they ask how late it is and how long something takes."""

    def monotonic() -> float:
        return (clock.now - NOW).total_seconds()

    monkeypatch.setattr("daemon.clients.quiet.time", SimpleNamespace(monotonic=monotonic))
    for client in ("betterstack", "signl4", "api_exchange"):
        hand = SimpleNamespace(now=lambda _: clock.now, fromisoformat=datetime.fromisoformat)
        monkeypatch.setattr(f"daemon.clients.{client}.datetime", hand)


@pytest.fixture
def unbegun(
    sandbox: Sandbox,
    lines: tuple[Line, Line],
    engine: Engine,
    clock: Clock,
    log: KeptLog,
    store: Store,
    by_hand: None,
) -> Iterator[Scene]:
    scene = Scene(sandbox, lines, engine, clock, log, store)
    yield scene
    scene.release()
    scene.end()


@pytest.fixture
def scene(unbegun: Scene) -> Scene:
    unbegun.begin()
    return unbegun
