"""Whatever the flows and people do in whatever order: both databases hold, find and count the same."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, Row, select

from daemon.model.admission import Admission, Held
from daemon.model.delivery import Disposition, Scope, TryLater
from daemon.model.destination import BETTER_STACK, DEFAULT
from daemon.model.drift import Drift, DriftKind
from daemon.model.incident import Kind, Unreadable
from daemon.model.monitor import MonitorEvent, MonitorKind
from daemon.model.page_proof import Finding as Verdict
from daemon.model.page_proof import PageVerdict
from daemon.model.silence import Silence
from daemon.model.two_way import Finding, WriteBack
from daemon.storage import history, listings, operate, readings, report, report_told, silences, standing
from daemon.storage import monitors as monitor_records
from daemon.storage.alerts import Alerts
from daemon.storage.drift import DriftRecords
from daemon.storage.duty import DutyRoster
from daemon.storage.engine import transaction
from daemon.storage.monitors import MonitorRecords
from daemon.storage.page_proofs import PageProofs
from daemon.storage.schema import DELIVERIES
from daemon.storage.two_way import TwoWayProgress
from tests.support import monitors
from tests.support.alerts import acknowledged, alert, closed
from tests.support.databases import Emptied
from tests.support.engines import engine_at, engine_on
from tests.support.outbox import (
    ACKNOWLEDGED,
    DEAD,
    NEW,
    PENDING,
    RESOLVED,
    change,
    deliver,
    everything,
    settle,
)
from tests.support.store import Store
from tests.support.values import NOW

IDS = ("1", "2", "10", "a", "Z", "ä")
TEXTS = ("", "plain", "NUL\0 and \ufdd0", "ÄÖ äö ß", "👩‍💻 %s :name ?", "'; --")
TIMES = (
    datetime(1, 1, 1, tzinfo=UTC),
    *(NOW + timedelta(hours=hours) for hours in (-3000, -50, -1, 0, 1, 2, 50)),
    datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
)
SPAN = timedelta(hours=1)
LAX = Admission(max_in_flight=64, clean_from=TIMES[0], refused_from=TIMES[0])
KINDS: tuple[tuple[Kind, ...], ...] = ((), (NEW,), (NEW, ACKNOWLEDGED), (RESOLVED,), (ACKNOWLEDGED,), (NEW, RESOLVED))
TEAMS = (DEFAULT, "night", BETTER_STACK)
OF_DELIVERIES = {"id", "delivery_id", "new_id", "too_late", "with_it"}
"""What holds ids of deliveries."""


class Side:
    """One of the databases, with all that works on it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.store = Store(engine)
        self.alerts = Alerts(engine, [DEFAULT])
        self.proofs = PageProofs(engine, [DEFAULT])
        self.drift = DriftRecords(engine, [DEFAULT])
        self.monitors = MonitorRecords(engine)

    def ids(self) -> list[int]:
        """Those of all deliveries. On PostgreSQL there are gaps between them."""
        with transaction(self.engine, writes=False) as connection:
            return list(connection.execute(select(DELIVERIES.c.id).order_by(DELIVERIES.c.id)).scalars())

    def some(self, number: int) -> list[int]:
        ids = self.ids()
        return ids[number % len(ids) :][:2] if ids else []

    def due(self, number: int, at: datetime) -> Iterator[Any]:
        """One of those that are due, if any is."""
        found = self.store.due(LAX, (), 100, at)
        return iter(found[number % len(found) :][:1]) if found else iter(())


Step = Callable[[Side, str, int, str, datetime], object]


def record(side: Side, one: str, number: int, text: str, at: datetime) -> object:
    kinds = KINDS[number % len(KINDS)]
    more = {"name": text, "cause": text, "source": text or None, "is_alarm": number % 5 == 4, "started_at": at}
    more |= {"monitor": f"monitor {one}" if number % 3 else None, "gone_since": at if number % 4 == 1 else None}
    more |= {"doubted_at": at if number % 4 == 2 else None, "silent_because": text or None}
    side.store.record([change(one, *kinds, generation=1 + number % 3, occurred_at=at, **more)], at)
    return None


def fail(side: Side, _one: str, number: int, text: str, at: datetime) -> object:
    for delivery in side.due(number, at):
        side.store.claim(delivery, at)
        disposition = Disposition(PENDING, min(at, NOW) + SPAN, own_fault=number % 2 == 0)
        settle(side.store, delivery, TryLater(text, Scope.ROW), disposition, at=at)
    return None


def refuse(side: Side, _one: str, number: int, text: str, at: datetime) -> object:
    for delivery in side.due(number, at):
        side.store.claim(delivery, at)
        disposition = Disposition(DEAD, at) if delivery.refused else Disposition(PENDING, at, minimal=True)
        settle(side.store, delivery, TryLater(text, Scope.ROW), disposition, at=at)
    return None


def take(side: Side, _one: str, number: int, text: str, at: datetime) -> object:
    for delivery in side.due(number, at):
        deliver(side.store, delivery.incident_id, at=at, event_id=text or None)
    return None


def hold(side: Side, _one: str, number: int, text: str, at: datetime) -> object:
    held = [Held(delivery, min(at, NOW) + SPAN, text or None) for delivery in side.due(number, at)]
    given_up = [(delivery, text) for delivery in side.due(number + 1, at)]
    return side.store.put_off(held, given_up, at)


def silence(side: Side, _one: str, number: int, text: str, at: datetime) -> object:
    begin = min(at, NOW)
    silences.add(side.engine, Silence(0, {"name": text}, begin, begin + SPAN, text, "ada", begin))
    return silences.expire(side.engine, number % 3, at) if number % 2 else None


def people(side: Side, one: str, number: int, text: str, at: datetime) -> object:
    """Somebody acknowledges or closes the alert in SIGNL4."""
    seen = replace((alert(one), acknowledged(one), closed(one))[number % 3], event_id=text or None)
    act = WriteBack((ACKNOWLEDGED, RESOLVED)[number % 2], text, "a reason", NOW)
    team = DEFAULT if number % 4 else None
    found = Finding(one, 1 + number % 2, one, seen, team, bool(number % 2), text or None, write_backs=(act,))
    known = one in side.store.known([one])
    return [row for _, row in side.alerts.record([found], at)] if known else None


def prove(side: Side, _one: str, number: int, text: str, at: datetime) -> object:
    side.proofs.take_up(TIMES[0], timedelta(0))
    for proof in side.proofs.due(min(at, NOW), SPAN, 3):
        if number % 2:
            side.proofs.postpone(proof, NOW + SPAN)
        else:
            verdict = Verdict(tuple(PageVerdict)[number // 2 % 2], text)
            side.proofs.settle(proof, verdict, None, at)
    return None


def reconcile(side: Side, one: str, number: int, _text: str, at: datetime) -> object:
    if one not in side.store.known([one]):
        return None
    found = Drift(tuple(DriftKind)[number % 2], one, 1 + number % 2, DEFAULT, 1 + number % 2)
    told = side.drift.told([alert(one), alert("", event_id="plain")])
    return told, side.drift.record([found], side.drift.known(), at, repair=number % 3 == 0)


def monitor(side: Side, one: str, number: int, text: str, at: datetime) -> object:
    seen = monitors.state(one, name=text, status_since=at, deleted_at=at if number % 3 == 0 else None)
    changed = [monitors.change(MonitorEvent.PAUSED, at, text, one)]
    side.monitors.record(MonitorKind.MONITOR, [seen], changed, at)
    return side.monitors.open_incidents([f"monitor {one}"]), side.monitors.latest(MonitorKind.MONITOR, TIMES[0])


STEPS: dict[str, Step] = {
    "record": record,
    "record, too": record,
    "fail": fail,
    "refuse": refuse,
    "take": take,
    "take, too": take,
    "hold": hold,
    "silence": silence,
    "people": people,
    "prove": prove,
    "reconcile": reconcile,
    "monitor": monitor,
    "a round": lambda side, _one, _number, _text, at: side.store.complete_round(at),
    "no round": lambda side, _one, number, text, at: side.store.fail_round(text, at, token_refused=number % 2 == 0),
    "prune": lambda side, _one, _number, _text, at: side.store.prune(at),
    "clock": lambda side, _one, _number, _text, at: side.store.forget_spans(at),
    "waits": lambda side, _one, number, _text, at: side.store.cut_waits(SPAN * (number % 3), min(at, NOW)),
    "rules": lambda side, _one, _number, _text, at: side.store.release_held(at),
    "secrets": lambda side, _one, _number, _text, at: side.store.try_secrets_again(at),
    "obsolete": lambda side, _one, _number, _text, at: side.store.supersede_obsolete(at),
    "teams": lambda side, _one, number, _text, _at: side.store.configure(TEAMS[: 1 + number % 3]),
    "retry": lambda side, _one, number, _text, _at: operate.revive(
        side.engine, side.some(number), force=number % 2 == 0
    ),
    "drop": lambda side, _one, number, _text, _at: operate.drop(side.engine, side.some(number)),
    "unreadable": lambda side, one, number, text, at: side.store.put_aside([Unreadable(one, at, number, at, text)]),
    "two ways": lambda side, _one, number, _text, at: side.store.follow_two_way(
        (ACKNOWLEDGED, RESOLVED)[: number % 3], at, has_key=number % 2 == 0
    ),
    "SIGNL4": lambda side, _one, _number, text, at: TwoWayProgress(side.engine).failed(text, at),
    "duty": lambda side, _one, number, _text, at: DutyRoster(side.engine).record({DEFAULT: number % 2 == 0}, at),
}


def told(side: Side) -> dict[str, Any]:
    """All that anybody is told."""
    store, engine = side.store, side.engine
    return {
        "due": [store.due(LAX, ("2",), 5, at) for at in TIMES[5:]],
        "probe": store.due(replace(LAX, probe=True), (), 2, NOW + 3 * SPAN),
        "waiting": sorted(store.waiting(("1",)), key=repr),
        "urgent": store.urgent(NOW),
        "round": store.begin_round(),
        "known": store.known(IDS),
        "look": store.look(),
        "attempts": store.attempts_since(TIMES[0]),
        "watched": sorted(side.alerts.watched(), key=repr),
        "begun": side.alerts.begun_at(),
        "readings": readings.read(engine),
        "standing": standing.read(engine, NOW, 3),
        "incidents": list(listings.incidents(engine).newest_first()),
        "deliveries": list(listings.deliveries(engine).newest_first()),
        "silences": silences.every(engine, NOW, over=True),
        "monitors": monitor_records.listing(engine),
        "openings": [batch for _, batch in report.Openings(engine, TIMES[1], TIMES[-2]).batches()],
        "counted": [store.openings.count(text, TIMES[0], TIMES[-1]) for text in TEXTS],
        "latest": [store.openings.latest(text) for text in TEXTS],
        "flapping": sorted(store.openings.flapping()),
        "retries": report.retries(engine, TIMES[0], TIMES[-1]),
        "alarms": sorted(report.alarms(engine, TIMES[0], TIMES[-1]), key=repr),
        "told": sorted(report_told.told(engine, DEFAULT, TIMES[0], TIMES[-1]), key=repr),
        "why": [history.read(engine, one, NOW) for one in IDS],
        **{f"rows of {table}": [_row(table, row) for row in rows] for table, rows in everything(engine).items()},
    }


UNLIKE = {("history", "id"), ("monitor_changes", "number")}
"""SQLite gives these numbers again, once the latest rows are pruned. Nothing refers to them."""


def _row(table: str, row: Row[Any]) -> dict[str, Any]:
    values = {name: value for name, value in row._mapping.items() if (table, name) not in UNLIKE}
    return values if table == "deliveries" or "id" not in values else {**values, "id": f"{table} {values['id']}"}


def comparable(value: Any, side: Side, begun: datetime) -> Any:
    """The same without what may differ: the deliveries are numbered without gaps, and times of the clock are one."""
    numbers = {number: place for place, number in enumerate(side.ids())}

    def plain(value: Any, key: str = "") -> Any:
        match value:
            case Silence():
                found: Any = plain({**asdict(value), "id": None, "number": value.id})
            case Row():
                found = plain(dict(value._mapping))
            case _ if is_dataclass(value):
                found = {field.name: plain(getattr(value, field.name), field.name) for field in fields(value)}
            case dict():
                found = {name: plain(one, name) for name, one in value.items()}
            case list() | tuple():
                found = [plain(one, key) for one in value]
            case int() if key in OF_DELIVERIES and not isinstance(value, bool):
                found = ("delivery", numbers.get(value))
            case datetime() if begun <= value <= datetime.now(UTC):
                found = "by the clock"
            case _:
                found = value
        return found

    return plain(value)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, empty_database: bytes) -> Path:
    file = tmp_path_factory.mktemp("template") / "state.db"
    file.write_bytes(empty_database)
    return file


STEP = st.tuples(
    st.sampled_from(sorted(STEPS)),
    st.sampled_from(IDS[:3] * 3 + IDS),
    st.integers(0, 11),
    st.sampled_from(TEXTS),
    st.sampled_from(TIMES[2:6] * 2 + TIMES),
)


@settings(max_examples=settings().max_examples // 8)
@given(steps=st.lists(STEP, min_size=5, max_size=30))
def test_the_same_happens_on_both(emptied: Emptied, template: Path, steps: list[Any]) -> None:
    emptied.empty()
    begun = datetime.now(UTC)
    with TemporaryDirectory() as directory, ExitStack() as stack:
        file = Path(shutil.copy(template, directory))
        sides = [Side(engine) for engine in (engine_on(file), engine_at(emptied.url))]
        for side in sides:
            stack.callback(side.engine.dispose)
            side.store.configure(TEAMS)
        for what, *how in steps:
            first, second = (comparable(STEPS[what](side, *how), side, begun) for side in sides)
            assert first == second, what
        first, second = (told(side) for side in sides)
        for what in first:
            assert comparable(first[what], sides[0], begun) == comparable(second[what], sides[1], begun), what
