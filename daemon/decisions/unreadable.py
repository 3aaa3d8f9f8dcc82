"""What is made of records that cannot be read: how patient to be, and when somebody must hear of it. Pure.

One such record costs no other. It is asked for again in the next round, and then less and less often; nothing is
concluded about it. Where several cannot be read at once it is no odd record but the service, and no patience helps.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from daemon.model.incident import Shown, Unreadable

AT_ONCE = 3
"""So many records that cannot be read at the same time are the fault of the service."""
IN_OPEN_LIST = ""
"""In place of an id: something in the list of open incidents that nobody can say which incident it is."""
_TENTH = 10


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait before a record is asked for again."""

    first: timedelta
    longest: timedelta


def failed(before: Unreadable | None, incident_id: str, why: str, patience: Patience, now: datetime) -> Unreadable:
    """What to keep of a record that could not be read just now. The first repetition is in the next round."""
    attempts = 1 if before is None else before.attempts + 1
    wait = patience.first * 2 ** min(attempts - 2, 30) if attempts > 1 else timedelta(0)
    since = now if before is None else min(before.since, now)
    return Unreadable(incident_id, since, attempts, now + min(wait, patience.longest), why)


def is_due(one: Unreadable, patience: Patience, now: datetime) -> bool:
    """Whether it may be asked for again; a wait that is longer than any is meant to be is of a clock that was wrong."""
    return not now < one.due_at <= now + patience.longest


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whose fault it is that records could not be read."""

    aside: Mapping[str, Unreadable]
    """Those that are at fault themselves, each with the patience that is due to it."""
    fault: str | None = None
    """What is wrong with the service, if it is that."""


def judge(
    before: Mapping[str, Unreadable], whys: Mapping[str, str], spoilt: Sequence[str], patience: Patience, now: datetime
) -> Verdict:
    """What follows from a round whose lists were read.

    `before`: those set aside earlier that nobody could read meanwhile; `whys`: why each of the lookups failed that did;
    `spoilt`: why each of the records in the list of open incidents could not be read that could not.
    """
    in_vain = sorted((before.keys() | whys.keys()) - {IN_OPEN_LIST})
    if len(in_vain) >= AT_ONCE:
        why = next(iter([*whys.values(), *(before[incident_id].why for incident_id in before)]))
        return Verdict(before, f"records of several incidents ({', '.join(in_vain)}) cannot be read: {why}")
    aside = {incident_id: one for incident_id, one in before.items() if incident_id != IN_OPEN_LIST}
    if len(spoilt) > len(in_vain):
        # More than those that are known to be unreadable: perhaps an incident that nobody was told of.
        whys = {**whys, IN_OPEN_LIST: spoilt[0]}
    steps = (failed(before.get(one), one, why, patience, now) for one, why in whys.items())
    return Verdict(aside | {step.id: step for step in steps})


def sentence(
    unreadable: Iterable[Unreadable], open_alarms: Mapping[str, str], alarm: str, after: timedelta, now: datetime
) -> str | None:
    """What somebody must hear of; `None` if nothing has been unreadable for as long as `after`, again and again.

    Once it was told, under the id `alarm`, it lasts until all of it can be read.
    """
    long = [one for one in unreadable if alarm in open_alarms or (one.attempts > 1 and now - one.since >= after)]
    if not long:
        return None
    whole = "; ".join(f"{spelled(one.id)} (since {one.since:%Y-%m-%d %H:%M} UTC: {one.why})" for one in long)
    return f"Better Stack's record cannot be read of {whole}; nothing is known or told of what becomes of it"


def spelled(incident_id: str) -> str:
    """Which one it is, for people."""
    return "something in the list of open incidents" if incident_id == IN_OPEN_LIST else f"incident {incident_id}"


def least_readable(lists: Sequence[Shown]) -> Shown:
    """The one of these lists of which the largest part could not be read."""
    return max(lists, key=lambda shown: len(shown.unreadable) / max(_size(shown), 1), default=Shown(0))


def is_alarming(unreadable: int, listed: int) -> bool:
    """Whether so many of a list that cannot be read are no odd record any more."""
    return unreadable > 1 and unreadable * _TENTH > listed


def _size(shown: Shown) -> int:
    return shown.readable + len(shown.unreadable)
