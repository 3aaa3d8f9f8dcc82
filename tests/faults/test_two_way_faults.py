"""What SIGNL4's REST API and Better Stack's calls can do wrong on the way back: a table, and a test of each row.

Somebody acknowledges an alert in SIGNL4. Rounds and pages go on meanwhile, whatever the way back meets.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from random import Random
from ssl import PROTOCOL_TLS_CLIENT, SSLContext
from types import SimpleNamespace
from typing import Any

import pytest

from daemon.betterstack_writer import BetterStackWriter
from daemon.clients.api_pace import ApiPace
from daemon.clients.betterstack_changes import BetterStackChanges
from daemon.clients.http import HttpClient
from daemon.clients.signl4_api import Signl4Api
from daemon.decisions import two_way
from daemon.deliver import Deliver
from daemon.findings import Findings
from daemon.host.signals import Stop
from daemon.model.destination import BETTER_STACK, DEFAULT, Destination
from daemon.model.incident import Kind
from daemon.model.secret import Secret
from daemon.people import People
from daemon.runtime.build_two_way import SAID
from daemon.runtime.look_job import Breath, LookJob
from daemon.sandbox import mishaps
from daemon.sandbox.exchange import Answer, Exchange, Request
from daemon.sandbox.faults import Cut, Drip, Hang, Part, Rewrite
from daemon.sandbox.signl4_rest import is_api
from daemon.storage import queries
from daemon.storage.alerts import Alerts
from daemon.storage.two_way import TwoWayProgress
from daemon.write_back import WriteBacks
from tests.faults.conftest import NEW, PATIENCE, PER_BYTE, RESOLVED, Arm, Scene, about, each, slow, spread
from tests.support.clock import Clock
from tests.support.fakes import due_list
from tests.support.listener import TIMEOUT
from tests.support.store import Store

AFTER = timedelta(minutes=5)
INTERVAL, SLOW_INTERVAL = 15, 120
JANE = "Jane via SIGNL4"


class Expected(StrEnum):
    WRITTEN = "written back in the name of the person"
    NAMELESS = "written back without the name of the person"
    LATER = (
        "nothing is concluded; a problem in `status` once it lasts for `alarm.poll_after`; what people did meanwhile "
        "is written back by the first look that succeeds"
    )
    QUIET = (
        "SIGNL4's REST API is left alone for as long as it asked, at most 15 minutes; what people did is written back "
        "then"
    )
    KEY = (
        "a problem in `status` at once, which names the key; tried once a minute; what people did meanwhile is written "
        "back as soon as SIGNL4 takes it"
    )
    DONE = "it is so already: written back"
    AGAIN = "tried again after a growing wait, and written back as soon as Better Stack is well"
    KNOWN = "tried again; then Better Stack says that it is so already: written back, once"
    STOPS = (
        "writing back stops, and a problem in `status` says so at once; one try a minute; everything is written back "
        "as soon as the token may write"
    )
    DEAD = "tried once more without a name, refused again: dead and listed, and a problem in `status`"


@dataclass(frozen=True, slots=True)
class Case:
    """One fault, in one form or in several that come to the same."""

    expected: Expected
    arms: Mapping[str, Arm]


# -- how the faults are made ------------------------------------------------------------------------------------------


def rest(fault: Any, when: Callable[[Request], bool] = lambda _: True) -> Arm:
    """Strikes SIGNL4's REST API, and not its webhook."""

    def arm(scene: Scene) -> None:
        made = fault(scene) if callable(fault) else fault
        scene.sandbox.signl4.api_faults.arm(made, when=when)

    return arm


def change(fault: Any) -> Arm:
    """Strikes what changes incidents at Better Stack."""

    def arm(scene: Scene) -> None:
        made = fault(scene) if callable(fault) else fault
        scene.sandbox.betterstack.faults.arm(made, when=lambda request: request.method == "POST")

    return arm


def only_v2(scene: Scene) -> None:
    scene.sandbox.signl4.api.v3 = False


def people(request: Request) -> bool:
    return request.path.endswith("/users")


def in_parts(errors: list[Any]) -> Rewrite:
    """The people as a 207 with these errors."""

    def rewrite(_: Request, answer: Answer) -> Answer:
        if answer.status != 200:
            return answer
        body = b'{"data": ' + answer.body + b', "errors": ' + (b'["no team"]' if errors else b"[]") + b"}"
        return replace(answer, status=207, body=body)

    return Rewrite(rewrite)


def acknowledged_there(scene: Scene) -> None:
    """Somebody at Better Stack was faster, and no round has seen it yet."""
    scene.world.acknowledge(scene.stays, "Joe")


def asks(seconds: int, code: int = 429) -> Any:
    return mishaps.status(code, Retry_After=str(seconds))


PAGES = {
    "HTML": mishaps.captive_portal(),
    "nothing": mishaps.status(200),
    "half": mishaps.truncated(),
    "no object": mishaps.no_object(),
    "broken off": mishaps.broken_off(),
}
SLOW = {"nothing comes": Hang(), "a byte at a time": Drip(Part.BODY, PER_BYTE)}
REST_SERVER = [400, 409, 500, 502, 503, 504]

CASES: dict[str, Case] = {
    "SIGNL4's list as v3 has it": Case(Expected.WRITTEN, {"": lambda _: None}),
    "404 of all of v3, 204 where v2 has no match": Case(Expected.WRITTEN, {"": only_v2}),
    "207 with the people, without an error": Case(Expected.WRITTEN, {"": rest(in_parts([]), people)}),
    "207 with the people and with errors, or no people at all": Case(
        Expected.NAMELESS, {"errors": rest(in_parts(["no team"]), people), "500": rest(mishaps.status(500), people)}
    ),
    "400, 404, 409 or 5xx of the REST API": Case(
        Expected.LATER, each([*REST_SERVER, 404], lambda code: rest(mishaps.status(code)))
    ),
    "HTML, an empty body, half of one or another document of the REST API": Case(
        Expected.LATER, {form: rest(fault) for form, fault in PAGES.items()}
    ),
    "the REST API hangs up, is slow or never answers": Case(
        Expected.LATER, {"hangs up": rest(Cut()), **{form: slow(rest(fault)) for form, fault in SLOW.items()}}
    ),
    "429 of the REST API, or Retry-After": Case(
        Expected.QUIET, {"429": rest(asks(120)), "503": rest(asks(120, 503)), "for a day": rest(asks(86400))}
    ),
    "401 or 403 of the REST API for an hour": Case(
        Expected.KEY, each([401, 403], lambda code: rest(mishaps.status(code)))
    ),
    "409 of Better Stack: somebody was faster": Case(Expected.DONE, {"": acknowledged_there}),
    "404, 429 or 5xx of Better Stack, once it is written back": Case(
        Expected.AGAIN, each([404, 429, 500, 502, 503, 504], lambda code: change(mishaps.status(code)))
    ),
    "HTML of Better Stack": Case(Expected.AGAIN, {"": change(mishaps.captive_portal())}),
    "an empty body of Better Stack, half of one, or one that comes too slowly, once it is done": Case(
        Expected.KNOWN,
        {
            "nothing": change(mishaps.empty()),
            "half": change(mishaps.truncated()),
            "a byte at a time": slow(change(Drip(Part.BODY, PER_BYTE))),
        },
    ),
    "Better Stack hangs up or never answers": Case(
        Expected.AGAIN,
        {
            "hangs up": change(Cut()),
            "hangs up once it is done": change(Cut(taken=True)),
            "nothing comes": slow(change(Hang())),
        },
    ),
    "401 or 403 of Better Stack: the token may only read": Case(
        Expected.STOPS, each([401, 403], lambda code: change(mishaps.status(code)))
    ),
    "400 or 422 of Better Stack": Case(Expected.DEAD, each([400, 422], lambda code: change(mishaps.status(code)))),
}


# -- the way back -----------------------------------------------------------------------------------------------------


class Way:
    """The real job, the real clients, and the sender to Better Stack, with the clock of the scene."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._open = ExitStack()
        self._pace = ApiPace(lambda: scene.seconds)
        account = scene.settings.betterstack.base_url
        self.there = Store(scene.engine, Destination(BETTER_STACK, account))
        self.there.configure([DEFAULT, BETTER_STACK])
        self.begin()

    def begin(self) -> None:
        """New connections, with the patience that the scene has now."""
        self._open.close()
        scene, timeout = self.scene, timedelta(seconds=TIMEOUT if self.scene.is_hasty else PATIENCE)
        section, tls = replace(scene.settings.http, timeout=timeout), SSLContext(PROTOCOL_TLS_CLIENT)
        signl4, betterstack = (
            self._open.enter_context(closing(HttpClient(url, section, tls)))
            for url in (scene.settings.signl4.base_url, scene.settings.betterstack.base_url)
        )
        api = Signl4Api(signl4, Secret(scene.sandbox.signl4.api.key), self._pace, None)
        names = People(api, lambda: scene.seconds)
        progress = TwoWayProgress(scene.engine)
        look = WriteBacks(
            api,
            Alerts(scene.engine, (DEFAULT,)),
            progress,
            Findings(names.name, "$USER via SIGNL4", scene.log),
            wanted=(Kind.ACKNOWLEDGED,),
            clock=scene.clock,
            log=scene.log,
            on_queued=lambda: None,
        )
        self.job = LookJob(
            [look],
            progress,
            Breath(Stop()),
            SAID,
            interval=SLOW_INTERVAL if scene.is_hasty else INTERVAL,
            timeout=PATIENCE,
            clock=scene.clock,
            log=scene.log,
        )
        self.deliver = Deliver(
            BetterStackWriter(BetterStackChanges(betterstack, scene.settings.betterstack)),
            self.there,
            due_list(self.there, scene.settings, scene.clock, scene.log),
            scene.settings.delivery,
            clock=scene.clock,
            rng=Random(1),
            wait=scene._wait,
            log=scene.log,
            team=BETTER_STACK,
        )

    def look_for(self, **span: float) -> None:
        """Looks as time passes, at once and then when the job wants it."""
        until = self.scene.clock.now + timedelta(**span)
        while self.scene.clock.now <= until:
            self.job.run()
            self.scene.clock.pass_(seconds=self.job.rest())

    def write_for(self, **span: float) -> None:
        """Writes to Better Stack as time passes."""
        until = self.scene.clock.now + timedelta(**span)
        while (next_at := self.deliver.drain()) is not None and next_at <= until:
            self.scene.clock.now = max(next_at, self.scene.clock.now)
        self.scene.clock.now = until

    def release(self) -> None:
        """Everything works again."""
        hasty = self.scene.is_hasty
        self.scene.sandbox.signl4.api_faults.clear()
        self.scene.release()
        if hasty:
            self.begin()

    def close(self) -> None:
        self._open.close()

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """State and attempts of what is written back."""
        found = self.scene.outbox("destination", "state", "attempts")
        return [row[1:] for row in found if row[0] == BETTER_STACK]

    @property
    def problems(self) -> list[str]:
        return list(two_way.problems(queries.snapshot(self.scene.engine).two_way, AFTER, self.scene.clock()))

    @property
    def asked(self) -> list[Exchange]:
        """What the REST API was asked."""
        return [one for one in self.scene.sandbox.signl4.requests if is_api(one.request)]

    @property
    def done_by(self) -> str | None:
        """Who has acknowledged the incident at Better Stack."""
        by: str | None = self.scene.world.record(self.scene.stays).attributes["acknowledged_by"]
        return by


@pytest.fixture
def way(scene: Scene, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Way]:
    hand = SimpleNamespace(now=lambda _: clock.now)
    for client in ("signl4_api", "betterstack_changes"):
        monkeypatch.setattr(f"daemon.clients.{client}.datetime", hand)
    found = Way(scene)
    yield found
    found.close()


# -- what comes of it -------------------------------------------------------------------------------------------------


def written(way: Way) -> None:
    way.look_for(seconds=0)
    way.write_for(seconds=0)
    assert (way.done_by, way.problems) == (JANE, [])


def nameless(way: Way) -> None:
    way.look_for(seconds=0)
    way.write_for(seconds=0)
    assert way.done_by == "somebody via SIGNL4"
    assert way.problems == []


def later(way: Way) -> None:
    way.look_for(minutes=2)
    assert (way.rows, way.problems) == ([], [])
    way.look_for(minutes=4)
    [problem] = way.problems
    assert "cannot be read" in problem
    way.release()
    way.scene.clock.pass_(minutes=1)
    written(way)


def quiet(way: Way) -> None:
    way.look_for(seconds=100)
    assert (len(way.asked), way.rows) == (1, [])
    way.release()
    way.look_for(minutes=14)
    way.write_for(seconds=0)
    assert (way.done_by, way.problems) == (JANE, [])


def key(way: Way) -> None:
    way.look_for(seconds=0)
    [problem] = way.problems
    assert "give signl4.api_key a valid one" in problem
    asked = len(way.asked)
    way.look_for(hours=1)
    assert 60 <= len(way.asked) - asked <= 61
    way.release()
    written(way)


def done(way: Way) -> None:
    way.look_for(seconds=0)
    way.write_for(seconds=0)
    assert (way.rows, way.done_by, way.problems) == ([("delivered", 1)], "Joe", [])


def again(way: Way) -> None:
    way.look_for(seconds=0)
    way.write_for(seconds=30)
    [(state, attempts)] = way.rows
    assert state == "pending"
    assert 2 <= attempts <= 6
    way.release()
    way.write_for(minutes=6)
    assert ([state for state, _ in way.rows], way.done_by) == (["delivered"], JANE)


def known(way: Way) -> None:
    way.look_for(seconds=0)
    way.write_for(seconds=30)
    assert (way.rows, way.done_by, way.problems) == ([("delivered", 2)], JANE, [])


def stops(way: Way) -> None:
    way.look_for(seconds=0)
    way.write_for(seconds=0)
    [problem] = way.problems
    assert "give betterstack.token a token that may write" in problem
    way.write_for(minutes=10)
    [(state, attempts)] = way.rows
    assert state == "pending"
    assert 8 <= attempts <= 12
    way.release()
    way.write_for(minutes=2)
    assert (way.done_by, way.problems) == (JANE, [])


def dead(way: Way) -> None:
    way.look_for(seconds=0)
    way.write_for(minutes=1)
    assert way.rows == [("dead", 2)]
    [problem] = way.problems
    assert "write-backs are dead" in problem
    way.release()


CHECKS: dict[Expected, Callable[[Way], None]] = {
    Expected.WRITTEN: written,
    Expected.NAMELESS: nameless,
    Expected.LATER: later,
    Expected.QUIET: quiet,
    Expected.KEY: key,
    Expected.DONE: done,
    Expected.AGAIN: again,
    Expected.KNOWN: known,
    Expected.STOPS: stops,
    Expected.DEAD: dead,
}


@pytest.mark.parametrize(("case", "arms"), spread(CASES))
def test_what_people_do_comes_back_once_and_pages_go_on(way: Way, case: Case, arms: Mapping[str, Arm]) -> None:
    scene = way.scene
    for form, arm in arms.items():
        with about(form):
            scene.sandbox.signl4.account.acknowledge(scene.stays)
            arm(scene)
            if scene.is_hasty:
                way.begin()
            CHECKS[case.expected](way)
            scene.round()
            scene.drain()
            scene.world.resolve(scene.stays)
            scene.round()
            scene.drain_for(minutes=1)
            assert scene.told_so_far == scene.right | {scene.stays: [NEW, RESOLVED]}
            scene.check_that_nothing_leaked()
