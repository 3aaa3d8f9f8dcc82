"""Judges whether SIGNL4 got every transition once, in order, and nothing else.

Pure, and computed from what happened, not from what the daemon reports. An incident is judged by the correct sequence
of events that is closest to what SIGNL4 got.

False events, judged by the facts alone, whatever the daemon was shown:

- a bogus `new`: no beginning had happened by then that was not reported before. Examples are another one for a
  generation that is over, and one for an incident that was over before the daemon started;
- a false end: a `resolved` without an end that had happened by then and was not reported before. The facts at the time
  when SIGNL4 accepted it count, not the answer of a replica.

Not false are: an event repeated in a row, which counts as doubled; and anything that a client cannot know. A reopening
without a trace counts only if the client was shown the end or the acknowledgement of the previous generation; otherwise
both may be reported as one. If a replica showed that only after the next generation, or the next generation ended
before it was shown for ten seconds, both readings are correct. A late end is not false if the incident was reopened
meanwhile: the generation that it ends was over.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from daemon.model.destination import DEFAULT
from daemon.model.incident import Kind
from daemon.sandbox.expectation import Due, Right, rights
from daemon.sandbox.history import AlertChange, Event, Happening, Showing, Window
from daemon.sandbox.matching import matched, tells
from daemon.sandbox.people_acts import acts_on, unheard
from daemon.sandbox.rules import Silenced, Team, team_of

Of = TypeVar("Of", Happening, Showing)
OWN_PREFIX = "betterstack-signl4-"
"""Prefix of the external ids of the daemon's own alarms and test alerts, which are not judged."""


class Flaw(StrEnum):
    """A kind of error in the events of an incident."""

    LOST = "lost"
    DOUBLED = "doubled"
    OUT_OF_ORDER = "out of order"
    UNFOUNDED = "unfounded"


@dataclass(frozen=True, slots=True)
class Finding:
    """One flaw, and a sentence that shows the evidence."""

    flaw: Flaw
    why: str


@dataclass(frozen=True, slots=True)
class Told:
    """One event of an incident, and its delay after the fact; `None` if there was no such fact."""

    kind: str
    at: datetime
    took: timedelta | None


@dataclass(frozen=True, slots=True)
class Case:
    """One incident: what happened, the events, and their flaws."""

    incident_id: str
    name: str
    happened: tuple[Happening, ...]
    told: tuple[Told, ...]
    superseded: int
    """Transitions that were obsolete before they could be sent."""
    findings: tuple[Finding, ...]
    lies: tuple[Told, ...] = ()
    """False events; see above."""
    team: str = DEFAULT
    """The one that is to be told."""
    silenced: bool = False
    """Whether a silence covers one of its beginnings."""
    acts: tuple[AlertChange, ...] = ()
    """What people did in SIGNL4."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """All cases, in the order of opening."""

    cases: tuple[Case, ...]

    def count(self, flaw: Flaw) -> int:
        """How often this flaw occurs."""
        return sum(finding.flaw is flaw for case in self.cases for finding in case.findings)

    @property
    def bogus_news(self) -> int:
        """Number of false alerts."""
        return self._lies(Kind.NEW)

    @property
    def false_ends(self) -> int:
        """Number of ends reported for incidents that were not over."""
        return self._lies(Kind.RESOLVED)

    def _lies(self, kind: Kind) -> int:
        return sum(lie.kind == kind for case in self.cases for lie in case.lies)

    @property
    def good(self) -> bool:
        """Whether there is no flaw."""
        return not any(case.findings for case in self.cases)

    @property
    def sentence(self) -> str:
        """The verdict on one line."""
        told = sum(moment.took is not None for case in self.cases for moment in case.told)
        superseded = sum(case.superseded for case in self.cases)
        flaws = [f"{self.count(flaw)} {flaw}" for flaw in Flaw if flaw is not Flaw.UNFOUNDED or self.count(flaw)]
        besides = f", {superseded} superseded" if superseded else ""
        whole = f"{_number(len(self.cases), 'incident')}, {_number(told, 'transition')} told{besides}"
        return f"verdict: {whole}; {', '.join(flaws)}"


def judge(
    history: Sequence[Happening],
    showings: Sequence[Showing],
    events: Sequence[Event],
    started: datetime | None = None,
    held: Sequence[Window] = (),
    teams: Sequence[Team] = (),
    silences: Sequence[Silenced] = (),
    changes: Sequence[AlertChange] = (),
) -> Verdict:
    """Judges all incidents. `started`: the daemon's first request. `held`: when SIGNL4 was unavailable.

    `teams`: those beside the team `default`. `silences`: those that were made. `changes`: what people did in SIGNL4.
    """
    shown, told = _by_incident(showings), _by_external_id(events)
    cases = []
    for incident_id, happenings in _by_incident(history).items():
        name = happenings[0].name
        covering = [silence for silence in silences if silence.covers(name)]
        team = team_of(name, teams)
        acts = acts_on(changes, incident_id, team)
        ways = rights(happenings, shown.get(incident_id, ()), started, held, covering, [act.at for act in acts])
        cases.append(_case(happenings, ways, told.pop((incident_id, team), ()), team, acts))
    strays = [_stray(external_id, team, stray) for (external_id, team), stray in told.items()]
    return Verdict((*cases, *strays))


def _case(
    happened: Sequence[Happening],
    ways: Sequence[Right],
    events: Sequence[Event],
    team: str,
    acts: tuple[AlertChange, ...],
) -> Case:
    """Judges one incident by the correct sequence closest to its events; of several the fullest."""
    right = min(ways, key=lambda one: len(_findings(one.due, events)))
    since = {place: due.since for due, place in matched(right.due, events)}
    told = tuple(
        Told(event.kind, event.at, event.at - since[place] if place in since else None)
        for place, event in enumerate(events)
    )
    findings = (*_findings(right.due, events), *(Finding(Flaw.LOST, why) for why in unheard(happened, acts)))
    lies = tuple(told[place] for place in _lies(right.due, events))
    first = happened[0]
    return Case(
        *(first.incident_id, first.name, tuple(happened), told, right.superseded, findings, lies, team),
        right.silenced,
        acts,
    )


def _stray(external_id: str, team: str, events: Sequence[Event]) -> Case:
    told = tuple(Told(event.kind, event.at, None) for event in events)
    finding = Finding(Flaw.UNFOUNDED, f"Better Stack has no incident {external_id!r} that team {team} is told of")
    return Case(external_id, events[0].title, (), told, 0, (finding,), told, team)


def _findings(right: Sequence[Due], events: Sequence[Event]) -> list[Finding]:
    due, got = Counter(str(one.kind) for one in right), Counter(event.kind for event in events)
    lost, surplus = (due - got).elements(), (got - due).elements()
    findings = [Finding(Flaw.LOST, _times(kind, got, due)) for kind in lost]
    findings += [Finding(Flaw.DOUBLED if due[kind] else Flaw.UNFOUNDED, _times(kind, got, due)) for kind in surplus]
    if len(matched(right, events)) < (due & got).total():
        findings.append(Finding(Flaw.OUT_OF_ORDER, _disorder([one.kind for one in right], events)))
    return findings


def _disorder(right: Sequence[str], events: Sequence[Event]) -> str:
    told, due = ", ".join(event.kind for event in events), ", ".join(right)
    return f"{told} was told before it was so" if told == due else f"told was {told}; right is {due}"


def _lies(right: Sequence[Due], events: Sequence[Event]) -> list[int]:
    """The indexes of the false events: without a matching fact by then, and no repetition of the previous event."""
    found = matched(right, events)
    places, due = {place for _, place in found}, list(right)
    for one, _ in found:
        due.remove(one)
    lies = []
    for place, event in enumerate(events):
        if place in places or (place > 0 and events[place - 1].kind == event.kind):
            continue
        # Out of order is not false.
        told = next((one for one in due if tells(event, one)), None)
        if told is None:
            lies.append(place)
        else:
            due.remove(told)
    return lies


def _times(kind: str, got: Counter[str], due: Counter[str]) -> str:
    return f"{kind} was told {_number(got[kind], 'time')}; right is {_number(due[kind], 'time')}"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _by_incident(items: Iterable[Of]) -> dict[str, list[Of]]:
    groups: dict[str, list[Of]] = {}
    for item in items:
        groups.setdefault(item.incident_id, []).append(item)
    return groups


def _by_external_id(events: Iterable[Event]) -> dict[tuple[str, str], list[Event]]:
    """By external id and team."""
    groups: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        if not event.external_id.startswith(OWN_PREFIX):
            groups.setdefault((event.external_id, event.team), []).append(event)
    return groups
