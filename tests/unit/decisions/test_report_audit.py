"""Our deliveries against SIGNL4's audit file."""

from datetime import datetime, timedelta
from typing import Any

from daemon.decisions.report_audit import compare, proven
from daemon.model.audit import Alert, Audit, AuditFile, Told
from tests.support.values import NOW, ago

FIRST = NOW.replace(day=2)


def told(number: int, told_at: datetime = NOW - timedelta(days=1), **more: Any) -> Told:
    values = {"title": f"Title {number}", "event_id": f"event {number}", "acknowledged_at": None, "resolved_at": None}
    return Told(number, f"incident {number}", told_at=told_at, **{**values, **more})


def alert(number: int, created_at: datetime = NOW - timedelta(days=1), **more: Any) -> Alert:
    return Alert(f"event {number}", more.pop("title", f"Title {number}"), created_at, **more)


def audit(ours: list[Told], *theirs: Alert, unreadable: int = 0) -> Audit:
    return compare(ours, AuditFile(theirs, FIRST, NOW, unreadable), "default")


def test_the_file_proves_something_from_the_beginning_of_its_month_to_its_last_line() -> None:
    assert proven(AuditFile((), FIRST, NOW, 0)) == (datetime.fromisoformat("2026-11-01T00:00Z"), NOW)


def test_what_both_sides_know_is_a_pair_with_the_times_of_both() -> None:
    ours = told(1, acknowledged_at=ago(hours=3), resolved_at=ago(hours=1))
    theirs = alert(1, ours.told_at + timedelta(seconds=2), acknowledged_at=ago(hours=4), closed_at=ago(hours=1))
    found = audit([ours], theirs)
    [pair] = found.pairs
    assert (found.told, found.alerts, found.paired) == (1, 1, 1)
    assert (found.missing, found.not_closed, found.likely_ours, found.others) == ((), (), (), ())
    assert (pair.told_at, pair.created_at) == (ours.told_at, theirs.created_at)
    assert (pair.acknowledged_at, pair.acknowledged_there_at) == (ago(hours=3), ago(hours=4))
    assert (pair.resolved_at, pair.closed_there_at) == (ago(hours=1), ago(hours=1))
    assert found.difference is not None
    assert found.difference.longest == 2


def test_what_was_told_and_is_not_there_is_missing() -> None:
    ours = [told(1), told(2)]
    found = audit(ours, alert(2))
    assert found.missing == (ours[0],)
    assert (found.told, found.paired) == (2, 1)


def test_what_the_file_cannot_know_yet_is_not_missing() -> None:
    ours = [told(1, NOW + timedelta(minutes=1)), told(2, NOW.replace(day=1, month=10)), told(3, NOW)]
    found = audit(ours)
    assert [one.delivery_id for one in found.missing] == [3]
    assert found.told == 1


def test_an_alert_just_beyond_the_last_line_is_a_pair_all_the_same() -> None:
    found = audit([told(1, NOW + timedelta(seconds=1))], alert(1, NOW))
    assert (found.told, found.paired) == (1, 1)


def test_an_end_that_was_told_and_is_not_there_is_said_unless_it_came_too_late_for_the_file() -> None:
    ours = [told(1, resolved_at=ago(hours=1)), told(2, resolved_at=ago(seconds=30)), told(3)]
    found = audit(ours, alert(1), alert(2), alert(3))
    assert [pair.incident_id for pair in found.not_closed] == ["incident 1"]


def test_without_an_event_id_the_title_and_the_time_decide() -> None:
    ours = told(1, event_id=None)
    near, nearer = alert(8, ours.told_at + timedelta(seconds=90)), alert(9, ours.told_at + timedelta(seconds=9))
    found = audit([ours], *(Alert(one.event_id, " title  1 ", one.created_at) for one in (near, nearer)))
    assert [pair.event_id for pair in found.pairs] == ["event 9"]
    assert [one.event_id for one in found.likely_ours] == ["event 8"]
    far = audit([ours], alert(9, ours.told_at + timedelta(minutes=3), title="Title 1"))
    assert (far.paired, far.missing) == (0, (ours,))


def test_an_event_id_that_is_not_there_is_not_replaced_by_a_like_title() -> None:
    found = audit([told(1)], alert(9, title="Title 1"))
    assert (found.paired, len(found.missing), len(found.likely_ours)) == (0, 1, 1)


def test_what_is_there_and_not_from_us_is_counted_by_title() -> None:
    found = audit([told(1)], alert(1), alert(5, title="Weather"), alert(6, title="Weather"), alert(7, title="Coin"))
    assert [(one.title, one.alerts) for one in found.others] == [("Weather", 2), ("Coin", 1)]
    assert (found.other_alerts, found.likely_ours) == (3, ())


def test_lines_that_cannot_be_read_are_passed_on() -> None:
    assert audit([], unreadable=3).unreadable_lines == 3
