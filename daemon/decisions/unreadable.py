"""Decides on unreadable records: when to fetch them again, and when to raise an alarm. Pure.

One such record does not affect others. It is fetched again in the next round, then with a back-off; it proves nothing
about its incident. Several at once are a fault of the service, and are not set aside.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from daemon.model.incident import Unreadable
from daemon.model.page import Shown

AT_ONCE = 3
"""Number of unreadable records at the same time that is a fault of the service."""
IN_OPEN_LIST = ""
"""Replaces the id: a record in the list of open incidents whose id cannot be read."""
_TENTH = 10


@dataclass(frozen=True, slots=True)
class Patience:
    """The back-off before a record is fetched again."""

    first: timedelta
    longest: timedelta


def failed(before: Unreadable | None, incident_id: str, why: str, patience: Patience, now: datetime) -> Unreadable:
    """The entry of a record that could not be read just now. The first repetition is in the next round."""
    attempts = 1 if before is None else before.attempts + 1
    wait = patience.first * 2 ** min(attempts - 2, 30) if attempts > 1 else timedelta(0)
    since = now if before is None else min(before.since, now)
    return Unreadable(incident_id, since, attempts, now + min(wait, patience.longest), why)


def is_due(one: Unreadable, patience: Patience, now: datetime) -> bool:
    """Whether it may be fetched again. A wait beyond the longest back-off comes from a wrong clock and is ignored."""
    return not now < one.due_at <= now + patience.longest


@dataclass(frozen=True, slots=True)
class Verdict:
    """The cause of unreadable records: the records themselves, or the service."""

    aside: Mapping[str, Unreadable]
    """The faulty records, each with its back-off."""
    fault: str | None = None
    """The fault of the service, if it is one."""


def judge(
    before: Mapping[str, Unreadable],
    whys: Mapping[str, str],
    unreadable_listed: Sequence[str],
    patience: Patience,
    now: datetime,
) -> Verdict:
    """The verdict after a round whose lists were read.

    `before`: records set aside earlier and not read since; `whys`: the reason for each failed lookup;
    `unreadable_listed`: the reason for each unreadable record in the list of open incidents.
    """
    in_vain = sorted((before.keys() | whys.keys()) - {IN_OPEN_LIST})
    if len(in_vain) >= AT_ONCE:
        why = next(iter([*whys.values(), *(before[incident_id].why for incident_id in before)]))
        return Verdict(before, f"records of several incidents ({', '.join(in_vain)}) cannot be read: {why}")
    aside = {incident_id: one for incident_id, one in before.items() if incident_id != IN_OPEN_LIST}
    if len(unreadable_listed) > len(in_vain):
        # More than the known unreadable ones: one may be an incident without an alert.
        whys = {**whys, IN_OPEN_LIST: unreadable_listed[0]}
    steps = (failed(before.get(one), one, why, patience, now) for one, why in whys.items())
    return Verdict(aside | {step.id: step for step in steps})


def sentence(
    unreadable: Iterable[Unreadable], open_alarms: Mapping[str, str], alarm: str, after: timedelta, now: datetime
) -> str | None:
    """The sentence of the alarm; `None` unless a record has been unreadable for `after`, at two or more attempts.

    Once the alarm `alarm` is open, it lasts until all records can be read.
    """
    long = [one for one in unreadable if alarm in open_alarms or (one.attempts > 1 and now - one.since >= after)]
    if not long:
        return None
    whole = "; ".join(f"{spelled(one.id)} (since {one.since:%Y-%m-%d %H:%M} UTC: {one.why})" for one in long)
    return f"Better Stack's record cannot be read of {whole}; nothing is known or told of what becomes of it"


def spelled(incident_id: str) -> str:
    """Names the incident, for people."""
    return "something in the list of open incidents" if incident_id == IN_OPEN_LIST else f"incident {incident_id}"


def least_readable(lists: Sequence[Shown]) -> Shown:
    """The list with the largest share of unreadable records."""
    return max(lists, key=lambda shown: len(shown.unreadable) / max(_size(shown), 1), default=Shown(0))


def is_alarming(unreadable: int, listed: int) -> bool:
    """Whether the unreadable records of a list are more than exceptions: more than one, and more than a tenth."""
    return unreadable > 1 and unreadable * _TENTH > listed


def _size(shown: Shown) -> int:
    return shown.readable + len(shown.unreadable)
