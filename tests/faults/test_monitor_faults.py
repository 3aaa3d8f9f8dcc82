"""What Better Stack's lists of monitors can do wrong: a table, and a test of each row.

One monitor is paused and told of when the fault begins; during it another one is paused. Rounds and pages go on.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from ssl import PROTOCOL_TLS_CLIENT, SSLContext
from typing import Any

import pytest

from daemon.clients.betterstack import BetterStack
from daemon.clients.http import HttpClient
from daemon.clients.monitors import Monitors
from daemon.config.monitors import MonitorsSection
from daemon.decisions import monitor_health
from daemon.host.clock import TheirClock
from daemon.host.signals import Stop
from daemon.model.monitor import MonitorKind
from daemon.poll_monitors import PollMonitors
from daemon.recording import Recording
from daemon.runtime.build_monitors import SAID
from daemon.runtime.look_job import Breath, LookJob
from daemon.sandbox import mishaps
from daemon.sandbox.exchange import Request
from daemon.sandbox.faults import Cut, Drip, Hang, Part
from daemon.storage import queries
from daemon.storage.incidents import Incidents
from daemon.storage.monitors import MonitorRecords
from daemon.telling import Telling
from tests.faults.conftest import NEW, PATIENCE, PER_BYTE, RESOLVED, Arm, Scene, about, each, in_turn, slow, spread
from tests.support.listener import TIMEOUT

AFTER = timedelta(minutes=5)
INTERVAL = timedelta(minutes=1)
SHOP = "2345678"
"""The monitor that is there at the start."""


class Expected(StrEnum):
    LATER = (
        "nothing is concluded: no alert about a monitor begins, and none is closed because of it; a problem in "
        "`status` once it lasts for `alarm.poll_after`; what changed meanwhile is told by the first look that succeeds"
    )
    WAITS = "the lists are left alone for as long as it asked; the rounds are not"
    THERE = "no monitor counts as deleted: the record of each that the list lacks is looked up, and tells"
    PARTLY = "what can be read counts; of what cannot be read nothing is concluded, and all else is told"
    TWICE = "deleted only if its record says so twice, `poll.gone_after` apart, or an hour if no known monitor is shown"


@dataclass(frozen=True, slots=True)
class Case:
    """One fault, in one form or in several that come to the same."""

    expected: Expected
    arms: Mapping[str, Arm]


def strikes(fault: Any, when: Callable[[Request], bool] = mishaps.monitor_lists) -> Arm:
    """Strikes the lists of monitors, and not those of incidents."""

    def arm(scene: Scene) -> None:
        scene.sandbox.betterstack.faults.arm(fault, when=when)

    return arm


def hides(*ids: str) -> Arm:
    return strikes(mishaps.hiding(*ids, of=mishaps.monitor_lists))


def hides_all(scene: Scene) -> None:
    hides(*(one.id for one in scene.world.monitors.records()))(scene)


def shows_theirs(scene: Scene) -> None:
    """The list of another team."""
    ours = [one.id for one in scene.world.monitors.records()]
    theirs = [
        {"id": str(number), "type": "monitor", "attributes": {"status": "up", "created_at": "2026-01-01T00:00:00Z"}}
        for number in range(1, 5)
    ]
    which = mishaps.monitor_lists
    strikes(in_turn(mishaps.hiding(*ours, of=which), mishaps.with_record(*theirs, of=which)))(scene)


def both(*arms: Arm) -> Arm:
    def arm(scene: Scene) -> None:
        for one in arms:
            one(scene)

    return arm


BAD: tuple[Any, ...] = ({"id": None, "type": "monitor", "attributes": {}}, {"id": "9", "type": "monitor"})
NO_RECORD = strikes(
    mishaps.status(404, b'{"errors": "Resource with provided ID was not found"}'), mishaps.monitor_lookups
)
PAGES = {
    "HTML": mishaps.captive_portal(),
    "nothing": mishaps.status(200),
    "half": mishaps.truncated(),
    "no object": mishaps.no_object(),
    "broken off": mishaps.broken_off(),
    "no list": mishaps.without("data"),
}

CASES: dict[str, Case] = {
    "400, 404 or 5xx of the list": Case(
        Expected.LATER, each([400, 404, 500, 502, 503, 504], lambda code: strikes(mishaps.status(code)))
    ),
    "401 or 403 of the list: the token may not read it": Case(
        Expected.LATER, each([401, 403], lambda code: strikes(mishaps.status(code)))
    ),
    "HTML, an empty body, half of a list or another document": Case(
        Expected.LATER, {form: strikes(fault) for form, fault in PAGES.items()}
    ),
    "it hangs up, is slow or never answers": Case(
        Expected.LATER,
        {
            "hangs up": strikes(Cut()),
            "nothing comes": slow(strikes(Hang())),
            "a byte at a time": slow(strikes(Drip(Part.BODY, PER_BYTE))),
        },
    ),
    "a list that never ends": Case(Expected.LATER, {"": strikes(mishaps.endless(of=mishaps.monitor_lists))}),
    "most records cannot be read": Case(
        Expected.LATER, {"": strikes(mishaps.with_record(*BAD, *BAD, of=mishaps.monitor_lists))}
    ),
    "429 with Retry-After": Case(Expected.WAITS, {"": strikes(mishaps.too_many(300))}),
    "half of the records cannot be read": Case(
        Expected.PARTLY, {"": strikes(mishaps.with_record(*BAD, of=mishaps.monitor_lists))}
    ),
    "an empty list, or one that lacks some": Case(Expected.THERE, {"empty": hides_all, "lacks one": hides(SHOP)}),
    "an empty list, and lookups that fail": Case(
        Expected.LATER,
        {"": both(hides_all, strikes(mishaps.status(500), mishaps.monitor_lookups))},
    ),
    "404 of all records, as with the token of another team": Case(
        Expected.TWICE, {"none is shown": both(hides_all, NO_RECORD), "theirs are shown": both(shows_theirs, NO_RECORD)}
    ),
}


class Eyes:
    """The real job and the real client, with the clock of the scene."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._open = ExitStack()
        self.monitors = scene.world.monitors
        self.late = self.monitors.add("Search")
        self.third = self.monitors.add("Mail")
        self.monitors.pause(SHOP)
        self.right = {self.alert(SHOP): [NEW]}
        """What SIGNL4 must have been told of each."""
        self.begin()

    def begin(self) -> None:
        """New connections, with the patience that the scene has now."""
        self._open.close()
        scene, timeout = self.scene, timedelta(seconds=TIMEOUT if self.scene.is_hasty else PATIENCE)
        values = replace(
            scene.settings,
            monitors=MonitorsSection(enabled=True, tell=["paused"]),
            http=replace(scene.settings.http, timeout=timeout),
        )
        tls = SSLContext(PROTOCOL_TLS_CLIENT)
        http = self._open.enter_context(closing(HttpClient(values.betterstack.base_url, values.http, tls)))
        self.warnings: list[str] = []
        client = BetterStack(http, values.betterstack, scene._wait, self.warnings.append, TheirClock(scene.clock))
        records, incidents = MonitorRecords(scene.engine), Incidents(scene.engine)
        telling = Telling(values, incidents, clock=scene.clock, log=scene.log)
        recording = Recording(
            incidents,
            telling,
            clock=scene.clock,
            their_clock=scene.clock,
            log=scene.log,
            on_queued=lambda: None,
            known_pages={},
        )
        self.records = records
        look = PollMonitors(Monitors(client), records, incidents, recording, values, clock=scene.clock, log=scene.log)
        self.job = LookJob(
            [look],
            records,
            Breath(Stop()),
            SAID,
            interval=INTERVAL.total_seconds(),
            timeout=PATIENCE,
            clock=scene.clock,
            log=scene.log,
        )

    @staticmethod
    def alert(monitor_id: str) -> str:
        return f"monitor-{monitor_id}-paused"

    def look_for(self, **span: float) -> None:
        """Looks as time passes, at once and then when the job wants it."""
        until = self.scene.clock.now + timedelta(**span)
        while self.scene.clock.now <= until:
            self.job.run()
            self.scene.clock.pass_(seconds=self.job.rest())
        self.scene.drain()

    def release(self) -> None:
        """Everything works again."""
        hasty = self.scene.is_hasty
        self.scene.release()
        if hasty:
            self.begin()

    def tells(self, *monitor_ids: str) -> None:
        """These are told of from now on, and nothing else."""
        self.right |= {self.alert(one): [NEW] for one in monitor_ids}
        told = {of: kinds for of, kinds in self.scene.told_so_far.items() if of.startswith("monitor-")}
        assert told == self.right

    @property
    def lists(self) -> int:
        """How many lists of monitors were asked for."""
        return sum(mishaps.monitor_lists(one.request) for one in self.scene.sandbox.betterstack.requests)

    @property
    def deleted(self) -> set[str]:
        known = self.records.known(MonitorKind.MONITOR).values()
        return {one.id for one in known if one.deleted_at is not None}

    @property
    def problems(self) -> list[str]:
        figures = queries.snapshot(self.scene.engine).monitors
        return list(monitor_health.problems(figures, AFTER, self.scene.clock()))

    def close(self) -> None:
        self._open.close()


@pytest.fixture
def eyes(scene: Scene) -> Iterator[Eyes]:
    found = Eyes(scene)
    found.look_for(seconds=0)
    found.tells(SHOP)
    yield found
    found.close()


# -- what comes of it -------------------------------------------------------------------------------------------------


def later(eyes: Eyes) -> None:
    eyes.look_for(minutes=2)
    eyes.tells()
    assert (eyes.problems, eyes.deleted) == ([], set())
    eyes.look_for(minutes=5)
    eyes.tells()
    [problem] = eyes.problems
    assert "cannot be read" in problem
    eyes.release()
    eyes.look_for(seconds=0)
    eyes.tells(eyes.late)
    assert (eyes.problems, eyes.deleted) == ([], set())


def waits(eyes: Eyes) -> None:
    before = eyes.lists
    eyes.look_for(minutes=4)
    assert eyes.lists == before + 1
    eyes.tells()
    eyes.release()
    eyes.look_for(minutes=1)
    eyes.tells(eyes.late)


def there(eyes: Eyes) -> None:
    eyes.look_for(hours=3)
    eyes.tells(eyes.late)
    assert (eyes.problems, eyes.deleted) == ([], set())
    eyes.release()


def twice(eyes: Eyes) -> None:
    eyes.look_for(minutes=58)
    eyes.tells()
    assert (eyes.problems, eyes.deleted) == ([], set())
    eyes.release()
    eyes.look_for(hours=2)
    eyes.tells(eyes.late)
    # What is another team's is not there for the right token.
    assert eyes.deleted.isdisjoint(one.id for one in eyes.monitors.records())
    assert eyes.problems == []


CHECKS: dict[Expected, Callable[[Eyes], None]] = {
    Expected.LATER: later,
    Expected.WAITS: waits,
    Expected.THERE: there,
    Expected.PARTLY: there,
    Expected.TWICE: twice,
}


@pytest.mark.parametrize(("case", "arms"), spread(CASES))
def test_a_list_of_monitors_that_is_broken_proves_nothing_and_pages_go_on(
    eyes: Eyes, case: Case, arms: Mapping[str, Arm]
) -> None:
    scene = eyes.scene
    for form, arm in arms.items():
        with about(form):
            eyes.monitors.pause(eyes.late)
            arm(scene)
            if scene.is_hasty:
                eyes.begin()
            CHECKS[case.expected](eyes)
            scene.round()
            scene.drain()
            scene.world.resolve(scene.stays)
            scene.round()
            scene.drain_for(minutes=1)
            told = {of: kinds for of, kinds in scene.told_so_far.items() if not of.startswith("monitor-")}
            assert told == scene.right | {scene.stays: [NEW, RESOLVED]}
            scene.check_that_nothing_leaked(eyes.warnings)
