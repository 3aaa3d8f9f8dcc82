"""What a silence or a maintenance window makes of an incident: the whole table, through both flows."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select

from daemon.model.history import Happening
from daemon.model.silence import Silence
from daemon.storage import silences
from daemon.storage.engine import transaction
from daemon.storage.schema import HISTORY
from tests.support.clock import Clock
from tests.support.fakes import Flows
from tests.support.kept_log import KeptLog
from tests.support.store import Store
from tests.support.values import NOW

BEGIN, END = 10, 70
"""Minutes after `NOW`: when the window is in force."""
Steps = dict[float, Callable[[], object]]


def minute(number: float) -> datetime:
    return NOW + timedelta(minutes=number)


def at(number: float) -> str:
    return f"{minute(number):%H:%M}"


class Story:
    """One incident, and what a person on duty hears of it."""

    def __init__(self, flows: Flows) -> None:
        self.flows = flows

    def silence(self, begin: float = BEGIN, end: float = END, **match: Any) -> int:
        said = Silence(0, match or {"name": "db-*"}, minute(begin), minute(end), "patch day", "jane", NOW)
        return silences.add(self.flows.engine, said)

    def windows(self, *spans: tuple[float, float], zone: str = "UTC", stale_after: str = "10m") -> None:
        """Another configuration, after a restart."""
        tables = [
            {"name": f"window {number}", "match": {"name": "db-*"}, "times": f"{at(begin)}-{at(end)}", "zone": zone}
            for number, (begin, end) in enumerate(spans, 1)
        ]
        self.flows.configure(maintenance=tables, delivery={"stale_after": stale_after})
        self.flows.store.release_held(self.flows.clock())

    def sees(self, **attributes: Any) -> None:
        self.flows.see("7", name="db-2 disk", started_at=self.flows.clock(), **attributes)

    def play(self, steps: Steps) -> list[tuple[str, float]]:
        """Each kind that SIGNL4 got, with the minute."""
        for number in sorted(steps):
            self.flows.drain_for(seconds=(minute(number) - self.flows.clock()).total_seconds())
            steps[number]()
            self.flows.drain()
        self.flows.drain_for(hours=3)
        times = [round(time / 60) for time in self.flows.signl4.times]
        began = (self.flows.signl4.began - NOW).total_seconds() / 60
        kinds = [kind for _, kind in self.flows.signl4.told]
        return [(kind, round(began + time)) for kind, time in zip(kinds, times, strict=True)]

    def history(self) -> list[str]:
        with self.flows.engine.connect() as connection:
            query = select(HISTORY.c.why).where(HISTORY.c.what != Happening.ATTEMPT).order_by(HISTORY.c.id)
            return list(connection.execute(query).scalars())


@pytest.fixture
def story(engine: Engine, clock: Clock, log: KeptLog, store: Store) -> Story:
    clock.now = NOW
    return Story(Flows(engine, clock, log, store))


OPENED = {"before": 5.0, "during": 20.0}
MEANWHILE: dict[str, dict[str, Any]] = {
    "still open": {},
    "resolved": {"status": "Resolved", "resolved_at": minute(40)},
    "acknowledged": {"status": "Acknowledged", "acknowledged_at": minute(40)},
}
ENDS = {
    "it ends": END,
    "it is cancelled": 50,
    "it is made longer": 90,
    "it is made shorter": 60,
    "another one overlaps it": 100,
}
"""And the minute in which what is still open is told."""


def expected(opened: str, meanwhile: str, told_at: float) -> list[tuple[str, float]]:
    kind = {"still open": [], "resolved": ["resolved"], "acknowledged": ["acknowledged"]}[meanwhile]
    if opened == "before":
        return [("new", OPENED["before"]), *((one, 40) for one in kind)]
    if meanwhile == "resolved":
        return []
    return [("new", told_at), *((one, told_at) for one in kind)]


CASES = [(opened, meanwhile, end) for opened in OPENED for meanwhile in MEANWHILE for end in ENDS]


def life(story: Story, opened: str, meanwhile: str) -> Steps:
    steps: Steps = {OPENED[opened]: story.sees}
    if attributes := MEANWHILE[meanwhile]:
        steps[40] = lambda: story.flows.see("7", name="db-2 disk", started_at=minute(OPENED[opened]), **attributes)
    return steps


@pytest.mark.parametrize(("opened", "meanwhile", "end"), CASES)
def test_a_silence(story: Story, opened: str, meanwhile: str, end: str) -> None:
    steps = life(story, opened, meanwhile)
    first: list[int] = []
    steps[BEGIN] = lambda: first.append(story.silence())

    def change(then: Callable[[], Any]) -> Callable[[], None]:
        def both() -> None:
            silences.expire(story.flows.engine, first[0], story.flows.clock())
            then()

        return both

    match end:
        case "it is cancelled":
            steps[50] = change(lambda: None)
        case "it is made longer":
            steps[50] = change(lambda: story.silence(50, 90))
        case "it is made shorter":
            steps[50] = change(lambda: story.silence(50, 60))
        case "another one overlaps it":
            steps[60] = lambda: story.silence(60, 100)
    assert story.play(steps) == expected(opened, meanwhile, ENDS[end])


@pytest.mark.parametrize(("opened", "meanwhile", "end"), CASES)
def test_a_maintenance_window(story: Story, opened: str, meanwhile: str, end: str) -> None:
    steps = life(story, opened, meanwhile)
    story.windows((BEGIN, END), *[(60, 100)] * (end == "another one overlaps it"))
    match end:
        case "it is cancelled":
            steps[50] = story.windows
        case "it is made longer":
            steps[50] = lambda: story.windows((BEGIN, 90))
        case "it is made shorter":
            steps[50] = lambda: story.windows((BEGIN, 60))
    assert story.play(steps) == expected(opened, meanwhile, ENDS[end])


SEEN_LATE: list[tuple[float, float, list[str]]] = [
    (20, 40, []),
    (5, 40, ["new", "resolved"]),
    (20, 71, ["new", "resolved"]),
]


@pytest.mark.parametrize("kind", ["a silence", "one that was cancelled", "a window"])
@pytest.mark.parametrize(("began", "ended", "told"), SEEN_LATE)
def test_what_is_first_seen_after_it(story: Story, kind: str, began: float, ended: float, told: list[str]) -> None:
    """The daemon was down: what began and ended inside is told to nobody all the same."""
    story.flows.configure(delivery={"stale_after": "3h"})
    story.flows.round()
    if kind == "a window":
        story.windows((BEGIN, END), stale_after="3h")
    else:
        first = story.silence()
        if kind == "one that was cancelled":
            silences.expire(story.flows.engine, first, minute(60))
    about = {"name": "db-2 disk", "started_at": minute(began), "resolved_at": minute(ended), "status": "Resolved"}
    assert [kind for kind, _ in story.play({75: lambda: story.flows.see("7", **about)})] == told
    [(state, reason), _] = story.flows.outbox("state", "reason")
    assert (state, reason.startswith("over while held: ")) == ("delivered" if told else "superseded", not told)


def test_what_was_held_and_is_over_is_recorded_with_its_reason(story: Story) -> None:
    steps = life(story, "during", "resolved")
    story.silence()
    assert story.play(steps) == []
    assert story.flows.outbox("kind", "state", "reason") == [
        ("new", "superseded", "over while held: silence 1 (patch day)"),
        ("resolved", "superseded", "nobody was told of the beginning"),
    ]
    assert story.history() == ["silence 1 (patch day)"]


def test_what_is_over_after_its_hold_and_was_not_sent_yet_is_told(story: Story) -> None:
    """SIGNL4's limit, for one, may keep it waiting: then not the silence is why nobody was told."""
    story.silence(0, 70)
    flows = story.flows
    story.sees()
    flows.drain()
    flows.clock.pass_(minutes=71)
    flows.see("7", name="db-2 disk", started_at=NOW, status="Resolved", resolved_at=flows.clock())
    flows.drain_for(minutes=1)
    assert [kind for _, kind in flows.signl4.told] == ["new", "resolved"]


def test_a_silence_that_was_ended_by_hand_says_so(story: Story) -> None:
    steps = life(story, "during", "still open")
    first = story.silence()
    steps[50] = lambda: silences.expire(story.flows.engine, first, story.flows.clock())
    assert story.play(steps) == [("new", 50)]
    assert story.history() == ["silence 1 (patch day)", "silence 1 was made to expire"]


def test_what_a_rule_holds_keeps_nothing_waiting(story: Story) -> None:
    """`once` ends although something is held, and says that all is done."""
    story.silence(0, 600)
    story.sees()
    story.flows.drain()
    assert story.flows.deliver.next_at() == minute(600)
    assert (story.flows.deliver.waiting(), story.flows.deliver.gap_ends_at()) == ([], None)


def test_what_a_silence_does_not_match_is_told_at_once(story: Story) -> None:
    story.silence(name="web-*")
    assert story.play({20: story.sees}) == [("new", 20)]


def test_a_silence_that_is_damaged_silences_nobody(story: Story) -> None:
    story.silence()
    with transaction(story.flows.engine, writes=True) as connection:
        connection.exec_driver_sql("UPDATE silences SET match = '{'")
    assert story.play({20: story.sees}) == [("new", 20)]


def test_a_silence_of_a_form_that_this_version_cannot_read_silences_nobody(story: Story) -> None:
    story.silence(moon="full")
    assert story.play({20: story.sees}) == [("new", 20)]
