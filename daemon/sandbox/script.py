"""A script of timed changes, and the player that performs it in a sandbox.

A script runs at its own pace, independent of the daemon. Stopping ends it at once, and ends an outage it began.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Event

from daemon.sandbox import mishaps
from daemon.sandbox.faults import Armed
from daemon.sandbox.history import Act, Window
from daemon.sandbox.rules import Silence, Team
from daemon.sandbox.server import Sandbox

LATEST_ALERT = 10.0
"""Longest wait for an alert that somebody is to acknowledge, in seconds. Without one nobody does."""
STEP = 0.05
"""Seconds between two looks for it."""


@dataclass(frozen=True, slots=True)
class Cue:
    """One change of one incident."""

    at: float
    """Seconds since the start of the script; below zero: before the daemon starts."""
    act: Act
    actor: str
    """The incident, by a name that is unique within the script."""
    name: str = ""
    cause: str = "Status 503"
    by: str | None = None
    status: str = "Started"


@dataclass(frozen=True, slots=True)
class Outage:
    """SIGNL4 answers 503 between these two times, in seconds since the start."""

    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A person acknowledges the alert of an incident in SIGNL4."""

    at: float
    """Seconds since the start of the script. It waits for the alert."""
    actor: str
    by: str


@dataclass(frozen=True, slots=True)
class Script:
    """A complete script."""

    cues: tuple[Cue, ...]
    outages: tuple[Outage, ...] = ()
    teams: tuple[Team, ...] = ()
    """Those beside the team `default`."""
    acknowledgements: tuple[Acknowledgement, ...] = ()
    """What people do in SIGNL4. The daemon needs an API key to see it."""
    silence: Silence | None = None
    story: str | None = None
    """The incident whose story is told at the end."""

    @property
    def length(self) -> float:
        """The time of its last change, in seconds."""
        return max([cue.at for cue in self.cues] + [outage.until for outage in self.outages])


class Player:
    """Plays one script in one sandbox, once."""

    def __init__(self, script: Script, sandbox: Sandbox) -> None:
        """Nothing has happened yet."""
        self._script = script
        self._sandbox = sandbox
        self._ids: dict[str, str] = {}
        self._outage: Armed | None = None
        self._outage_began = sandbox.context.now()
        self.held: list[Window] = []
        """When SIGNL4 was down; an outage is added when it ends."""

    def prologue(self) -> None:
        """Performs all changes before the start of the daemon, at once."""
        for cue in sorted(self._script.cues, key=lambda cue: cue.at):
            if cue.at < 0:
                self._perform(cue)

    def play(self, stop: Event) -> None:
        """Performs all other changes. Returns at the end, or as soon as `stop` is set."""
        began = time.monotonic()
        for at, step in sorted(self._steps(stop), key=lambda step: step[0]):
            if stop.wait(max(0.0, began + at - time.monotonic())):
                break
            step()
        self._end_outage()

    def incident_id(self, actor: str) -> str:
        """The id of an incident that has opened."""
        return self._ids[actor]

    @property
    def down(self) -> bool:
        """Whether SIGNL4 is down according to the script."""
        return self._outage is not None

    def _steps(self, stop: Event) -> Iterator[tuple[float, Callable[[], None]]]:
        for cue in self._script.cues:
            if cue.at >= 0:
                yield cue.at, lambda cue=cue: self._perform(cue)  # type: ignore[misc]
        for one in self._script.acknowledgements:
            yield one.at, lambda one=one: self._acknowledge(one, stop)  # type: ignore[misc]
        for outage in self._script.outages:
            yield outage.since, self._begin_outage
            yield outage.until, self._end_outage

    def _begin_outage(self) -> None:
        self._outage_began = self._sandbox.context.now()
        self._outage = self._sandbox.signl4.faults.arm(mishaps.status(503))

    def _end_outage(self) -> None:
        if self._outage is not None:
            self._outage.release()
            self._outage = None
            self.held.append(Window(self._outage_began, self._sandbox.context.now()))

    def _acknowledge(self, one: Acknowledgement, stop: Event) -> None:
        """The rest of the script waits until the alert is there."""
        account, incident_id = self._sandbox.signl4.account, self._ids[one.actor]
        latest = time.monotonic() + LATEST_ALERT
        while not any(alert.external_id == incident_id for alert in account.alerts):
            if time.monotonic() > latest or stop.wait(STEP):
                return
        account.acknowledge(incident_id, one.by)

    def _perform(self, cue: Cue) -> None:
        world = self._sandbox.world
        if cue.act is Act.OPENED:
            self._ids[cue.actor] = world.open(cue.name or cue.actor, cause=cue.cause, status=cue.status)
            return
        incident_id = self._ids[cue.actor]
        match cue.act:
            case Act.CONFIRMED:
                world.confirm(incident_id)
            case Act.ACKNOWLEDGED:
                world.acknowledge(incident_id, cue.by)
            case Act.RESOLVED:
                world.resolve(incident_id, cue.by)
            case Act.REOPENED | Act.REOPENED_AFRESH as act:
                world.reopen(incident_id, cue.by, keep_times=act is Act.REOPENED)
            case Act.DELETED:
                world.delete(incident_id)
            case Act.RESTATED:
                world.set_status(incident_id, cue.status)
