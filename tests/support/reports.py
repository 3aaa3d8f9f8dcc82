"""Reports to begin a test with."""

from typing import Any

from daemon.decisions.report_figures import Collector
from daemon.decisions.report_timeline import SLOTS, Timeline
from daemon.model.report import Episode, Report, Retries, Rounds
from daemon.page.document import page
from daemon.page.words import Clock
from tests.support.values import NOW, ago

SINCE = ago(days=30)
UTC_CLOCK = Clock(lambda moment: moment, "UTC")
NO_RETRIES = Retries(3, 0, 0, 0, ())


def report(*episodes: Episode, **more: Any) -> Report:
    """A report of these openings, of thirty days."""
    collector = Collector(SINCE, NOW, UTC_CLOCK.local)
    for one in episodes:
        collector.take(one)
    values: dict[str, Any] = {
        "retries": NO_RETRIES,
        "gaps": (),
        "hours_in_gaps": 0,
        "alarms": (),
        "rounds": Rounds(SINCE, NOW, None),
        **more,
    }
    return Report(SINCE, NOW, NOW, collector.figures(), **values)


def shown(*episodes: Episode, **more: Any) -> str:
    """The page of such a report."""
    timeline = Timeline(SINCE, NOW)
    for one in episodes:
        timeline.take(one)
    return page(report(*episodes, **more), timeline.lanes(), SLOTS, UTC_CLOCK)


def opening(name: str = "Shop", hours: float = 5, **more: Any) -> Episode:
    """An opening that began so long ago."""
    values: dict[str, Any] = {"generation": 1, "cause": "", "began_at": ago(hours=hours), "seen_at": ago(hours=hours)}
    return Episode(name=name, **{"incident_id": "1", **values, **more})
