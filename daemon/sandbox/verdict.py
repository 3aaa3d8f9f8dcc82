"""Whether SIGNL4 was told the truth: each transition once, in order, and nothing else.

Pure, and computed from what happened: the daemon's own word is not asked. An incident is judged by the right sequence
of events that comes nearest to what it got.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from daemon.incident import Kind
from daemon.sandbox.expectation import Due, sequences
from daemon.sandbox.history import Event, Happening, Showing, Window

Of = TypeVar("Of", Happening, Showing)
OWN_PREFIX = "betterstack-signl4-"
"""External ids of the daemon's own alarms and tests begin with it; they are no incidents."""


class Flaw(StrEnum):
    """What can be wrong with the telling of an incident."""

    LOST = "lost"
    DOUBLED = "doubled"
    OUT_OF_ORDER = "out of order"
    UNFOUNDED = "unfounded"


@dataclass(frozen=True, slots=True)
class Finding:
    """One flaw, and a sentence that says what it is seen by."""

    flaw: Flaw
    why: str


@dataclass(frozen=True, slots=True)
class Told:
    """One event of an incident, and how long after the fact it came; no time where there was no such fact."""

    kind: str
    at: datetime
    took: timedelta | None


@dataclass(frozen=True, slots=True)
class Case:
    """One incident: what happened, what was told, what is wrong with that."""

    incident_id: str
    name: str
    happened: tuple[Happening, ...]
    told: tuple[Told, ...]
    superseded: int
    """Transitions that nobody had to hear of any more when their turn came."""
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """All cases, in the order in which the incidents opened."""

    cases: tuple[Case, ...]

    def count(self, flaw: Flaw) -> int:
        """How often this flaw was found."""
        return sum(finding.flaw is flaw for case in self.cases for finding in case.findings)

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
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
) -> Verdict:
    """`started`: when the daemon first asked. `held`: when SIGNL4 could not be told."""
    happened, shown, told = _by_incident(history), _by_incident(showings), _by_external_id(events)
    cases = [
        _case(happenings, sequences(happenings, shown.get(incident_id, ()), started, held), told.pop(incident_id, ()))
        for incident_id, happenings in happened.items()
    ]
    strays = [_stray(external_id, stray) for external_id, stray in told.items()]
    return Verdict((*cases, *strays))


def _case(happened: Sequence[Happening], rights: Sequence[tuple[Due, ...]], events: Sequence[Event]) -> Case:
    """The fullest of the right sequences that the events come nearest to is the one that was due."""
    right = min(rights, key=lambda one: len(_findings(one, events)))
    since = {place: due.since for due, place in _matched(right, events)}
    told = tuple(
        Told(event.kind, event.at, event.at - since[place] if place in since else None)
        for place, event in enumerate(events)
    )
    findings = tuple(_findings(right, events))
    superseded = _acknowledged_in(rights[0]) - _acknowledged_in(right)
    return Case(happened[0].incident_id, happened[0].name, tuple(happened), told, superseded, findings)


def _stray(external_id: str, events: Sequence[Event]) -> Case:
    told = tuple(Told(event.kind, event.at, None) for event in events)
    finding = Finding(Flaw.UNFOUNDED, f"Better Stack has no incident {external_id!r}")
    return Case(external_id, events[0].title, (), told, 0, (finding,))


def _matched(right: Sequence[Due], events: Sequence[Event]) -> list[tuple[Due, int]]:
    """The longest part of the right sequence that was told in this order, with the places of its events."""
    longest = [[0] * (len(events) + 1) for _ in range(len(right) + 1)]
    for i in reversed(range(len(right))):
        for j in reversed(range(len(events))):
            same = right[i].kind == events[j].kind
            longest[i][j] = 1 + longest[i + 1][j + 1] if same else max(longest[i + 1][j], longest[i][j + 1])
    matched, i, j = [], 0, 0
    while i < len(right) and j < len(events):
        if right[i].kind == events[j].kind:
            matched.append((right[i], j))
            i, j = i + 1, j + 1
        elif longest[i + 1][j] >= longest[i][j + 1]:
            i += 1
        else:
            j += 1
    return matched


def _findings(right: Sequence[Due], events: Sequence[Event]) -> list[Finding]:
    matched = _matched(right, events)
    due, got = Counter(str(one.kind) for one in right), Counter(event.kind for event in events)
    lost, surplus = (due - got).elements(), (got - due).elements()
    findings = [Finding(Flaw.LOST, _times(kind, got, due)) for kind in lost]
    findings += [Finding(Flaw.DOUBLED if due[kind] else Flaw.UNFOUNDED, _times(kind, got, due)) for kind in surplus]
    if len(matched) < (due & got).total():
        order, right_order = ", ".join(event.kind for event in events), ", ".join(one.kind for one in right)
        findings.append(Finding(Flaw.OUT_OF_ORDER, f"told was {order}; right is {right_order}"))
    early = [one.kind for one, place in matched if events[place].at < one.since]
    findings += [Finding(Flaw.OUT_OF_ORDER, f"{kind} was told before it was so") for kind in early]
    return findings


def _times(kind: str, got: Counter[str], due: Counter[str]) -> str:
    return f"{kind} was told {_number(got[kind], 'time')}; right is {_number(due[kind], 'time')}"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _acknowledged_in(right: Iterable[Due]) -> int:
    return sum(due.kind is Kind.ACKNOWLEDGED for due in right)


def _by_incident(items: Iterable[Of]) -> dict[str, list[Of]]:
    groups: dict[str, list[Of]] = {}
    for item in items:
        groups.setdefault(item.incident_id, []).append(item)
    return groups


def _by_external_id(events: Iterable[Event]) -> dict[str, list[Event]]:
    groups: dict[str, list[Event]] = {}
    for event in events:
        if not event.external_id.startswith(OWN_PREFIX):
            groups.setdefault(event.external_id, []).append(event)
    return groups
