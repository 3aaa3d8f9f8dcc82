"""What is shown at one moment: read from the database alone, and judged as `status` does."""

from dataclasses import dataclass, replace
from datetime import datetime

from daemon.cli.verdict import verdict
from daemon.config.place import Place
from daemon.decisions.health import Health
from daemon.model.errors import DaemonError
from daemon.model.snapshot import Presence, Snapshot
from daemon.model.standing import Standing
from daemon.storage import standing
from daemon.storage.engine import reader
from daemon.storage.instance import presence
from daemon.storage.revision import nothing_to

MOST_ROWS = 200
"""At most so many rows of each list are read; all are counted."""
LATEST = 6
"""So many complete rounds are remembered while they are watched."""
NOTHING = Standing(Snapshot(), 0, 0, {}, (), ())


@dataclass(frozen=True, slots=True)
class Figures:
    """One reading."""

    at: datetime
    standing: Standing
    health: Health
    rounds: tuple[datetime, ...] = ()
    """When the latest complete rounds were, that were seen since the view began; the latest first."""


def read(place: Place, now: datetime, before: Figures | None) -> Figures:
    """Reads anew. What cannot be read is a problem among the others, and the rest stays as it was `before`."""
    try:
        # Asked before the database is open here: it would drop SQLite's locks.
        who = presence(place.url)
        # The file is not read from end to end: that takes a second for each gigabyte.
        engine = reader(place.url, checked=False)
        found = NOTHING if engine is None else standing.read(engine, now, MOST_ROWS)
    except DaemonError as error:
        return _unread(str(error), now, before)
    report = verdict(place, found.snapshot, found.silences, who, now)
    if engine is None:
        report = replace(report, healthy=False, problems=[nothing_to("show", place.url), *report.problems])
    return Figures(now, found, report, _rounds(found.snapshot, before))


def _unread(why: str, now: datetime, before: Figures | None) -> Figures:
    last = before or Figures(now, NOTHING, verdict(Place(), NOTHING.snapshot, 0, Presence(None), now))
    return replace(last, at=now, health=replace(last.health, healthy=False, problems=[why]))


def _rounds(snapshot: Snapshot, before: Figures | None) -> tuple[datetime, ...]:
    last, seen = snapshot.last_complete_round_at, before.rounds if before else ()
    return seen if last is None or last in seen else (last, *seen)[:LATEST]
