"""What changed about a monitor: from its recorded state and a record that was read. Pure.

Only its own record proves that a monitor is deleted, and only twice; that a list lacks it proves nothing.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from daemon.decisions.suspicion import SUSPECT_FROM, SUSPICION_LASTS
from daemon.model.monitor import Monitor, MonitorChange, MonitorEvent, MonitorState, MonitorStatus

TOLERANCE = timedelta(hours=1)
"""Between their clock and ours, and for a list that lags."""
LONGEST_DETAIL = 200


@dataclass(frozen=True, slots=True)
class Observed:
    """The next state of one monitor, and what happened to it."""

    after: MonitorState
    changes: tuple[MonitorChange, ...] = ()


def observe(before: MonitorState | None, seen: Monitor, now: datetime, listed_at: datetime | None) -> Observed:
    """Decides on a record that was read. `listed_at`: when the list was last read to its end, if it ever was."""
    if before is None:
        return Observed(_state(seen, _since(seen, now), now), tuple(_created(seen, now, listed_at)))
    first_seen_at = before.first_seen_at
    if before.deleted_at is not None:
        after = _state(seen, _since(seen, now), first_seen_at)
        back_at = max(filter(None, (before.deleted_at, seen.updated_at)))
        return Observed(after, (_change(seen, MonitorEvent.CREATED, min(back_at, now), "it is back"),))
    if before.updated_at is not None and seen.updated_at is not None and seen.updated_at < before.updated_at:
        # From a replica that lags. The record exists all the same.
        return Observed(replace(before, gone_since=None))
    changes = tuple(_changes(before, seen, now))
    goes_on = before.status == seen.status and not any(one.what is MonitorEvent.PAUSED for one in changes)
    since = before.status_since if goes_on else _since(seen, now, before)
    return Observed(_state(seen, since, first_seen_at), changes)


def gone(before: MonitorState, now: datetime, gone_after: timedelta) -> Observed:
    """Decides on a lookup that answered "no such record". `gone_after`: how far apart two such answers must be."""
    if before.deleted_at is not None:
        return Observed(before)
    if before.gone_since is None or before.gone_since > now:
        return Observed(replace(before, gone_since=now))
    if now - before.gone_since < gone_after:
        return Observed(before)
    # The same at each look, should a crash keep this one from being recorded.
    deleted = MonitorChange(before.kind, before.id, MonitorEvent.DELETED, before.gone_since)
    return Observed(replace(before, gone_since=None, deleted_at=before.gone_since), (deleted,))


def patience(
    missing: MonitorState, known: Iterable[MonitorState], listed: Collection[str], gone_after: timedelta
) -> timedelta:
    """How far apart two answers "no such record" must be: longer if the token may be another team's.

    `known`: all that are recorded; `listed`: the ids that the list shows. The other team's own are known as well from
    its first list on, so only what was known before this one was first gone tells whose token it is.
    """
    earlier = [one.id for one in known if one.deleted_at is None and _was_known(one, missing.gone_since)]
    suspect = len(earlier) >= SUSPECT_FROM and not any(one in listed for one in earlier)
    return SUSPICION_LASTS if suspect else gone_after


def _was_known(one: MonitorState, then: datetime | None) -> bool:
    return then is None or one.first_seen_at is None or one.first_seen_at < then


def _state(seen: Monitor, since: datetime, first_seen_at: datetime | None) -> MonitorState:
    return MonitorState(
        kind=seen.kind,
        id=seen.id,
        name=seen.name,
        url=seen.url,
        team_name=seen.team_name,
        status=seen.status,
        status_since=since,
        created_at=seen.created_at,
        updated_at=seen.updated_at,
        configuration=seen.configuration,
        first_seen_at=first_seen_at,
    )


def _since(seen: Monitor, now: datetime, before: MonitorState | None = None) -> datetime:
    """Since when it has its status; Better Stack says so of a pause alone."""
    if seen.status != MonitorStatus.PAUSED:
        return now
    return min(seen.paused_at or (now if before is None else _touched(before, seen, now)), now)


def _touched(before: MonitorState, seen: Monitor, now: datetime) -> datetime:
    """When somebody last did something to it, as far as that is news: the same at each look."""
    if seen.updated_at is None or seen.updated_at == before.updated_at:
        return now
    return min(seen.updated_at, now)


def _created(seen: Monitor, now: datetime, listed_at: datetime | None) -> Iterator[MonitorChange]:
    """One that an earlier list could have shown is none that was created since."""
    if listed_at is None or (seen.created_at is not None and seen.created_at < listed_at - TOLERANCE):
        return
    yield _change(seen, MonitorEvent.CREATED, min(seen.created_at or now, now))


def _changes(before: MonitorState, seen: Monitor, now: datetime) -> Iterator[MonitorChange]:
    was_paused, is_paused = before.status == MonitorStatus.PAUSED, seen.status == MonitorStatus.PAUSED
    paused_at = seen.paused_at or before.status_since
    again = was_paused and is_paused and paused_at > before.status_since + TOLERANCE
    if was_paused and (again or not is_paused):
        yield _change(seen, MonitorEvent.UNPAUSED, _since(seen, now) if again else _touched(before, seen, now))
    if is_paused and (again or not was_paused):
        yield _change(seen, MonitorEvent.PAUSED, _since(seen, now, before))
    if (names := _changed(before, seen)) and _may_have_changed(before, seen):
        yield _change(seen, MonitorEvent.UPDATED, _touched(before, seen, now), ", ".join(names)[:LONGEST_DETAIL])


def _changed(before: MonitorState, seen: Monitor) -> list[str]:
    """The attributes that both have, with another value. One that Better Stack newly has was not set by anybody."""
    both = before.configuration.keys() & seen.configuration.keys()
    return sorted(name for name in both if before.configuration[name] != seen.configuration[name])


def _may_have_changed(before: MonitorState, seen: Monitor) -> bool:
    return seen.updated_at is None or seen.updated_at != before.updated_at


def _change(seen: Monitor, what: MonitorEvent, at: datetime, detail: str = "") -> MonitorChange:
    return MonitorChange(seen.kind, seen.id, what, at, detail)
