"""Whether each account of Better Stack is polled, in sentences with their mend. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from daemon.decisions import unreadable
from daemon.decisions.ages import age
from daemon.model.polling import UNNAMED, Polling
from daemon.model.snapshot import Presence, RunMode, Snapshot

NO_DAEMON = "no daemon runs; start it with systemctl start betterstack-signl4, or with betterstack-signl4 run"
MOST_IDS = 20
"""At most so many ids in a sentence."""


def problems(snapshot: Snapshot, interval: timedelta, now: datetime, presence: Presence | None) -> Iterator[str]:
    """Each problem as a sentence. The arguments are those of `health.problems`."""
    for one in snapshot.polled:
        for sentence in _of(one, snapshot, interval, now, presence):
            yield f"{whose(one, snapshot)}{sentence}"


def odd_records(snapshot: Snapshot) -> Iterator[str]:
    """The accounts of which more than single records cannot be read."""
    for one in snapshot.polled:
        if unreadable.is_alarming(one.unreadable_records, one.listed_records):
            yield (
                f"{whose(one, snapshot)}{one.unreadable_records} of the {one.listed_records} records in a list of "
                "Better Stack could not be read; the log says why"
            )


def untracked(snapshot: Snapshot) -> Iterator[str]:
    """What no account of the configuration tracks: nothing is concluded of it."""
    for one in snapshot.untracked:
        ids, more = ", ".join(one.ids[:MOST_IDS]), len(one.ids) - MOST_IDS
        others = f" and {more} more" if more > 0 else ""
        yield (
            f"incident {ids}{others} was tracked by [{one.section}], which the configuration does not poll any more, "
            f"and no other account shows it; poll [{one.section}] until it is over, or give it up: "
            f"drop --source {one.polled_from or DASH}"
        )


DASH = "-"
"""Names `[betterstack]` where a name is asked for."""


def whose(polling: Polling, snapshot: Snapshot) -> str:
    """The account, where there is more than that of `[betterstack]`."""
    is_only = polling.polled_from == UNNAMED and len(snapshot.polled) == 1
    return "" if is_only else f"[{polling.section}]: "


def latest(snapshot: Snapshot) -> datetime | None:
    """The last complete round, of several accounts that of the one that was polled longest ago."""
    rounds = [one.last_complete_round_at for one in snapshot.polled]
    known = [at for at in rounds if at is not None]
    return min(known) if known and len(known) == len(rounds) else None


def _of(
    polling: Polling, snapshot: Snapshot, interval: timedelta, now: datetime, presence: Presence | None
) -> Iterator[str]:
    last = polling.last_complete_round_at
    if last is None:
        yield f"no round was ever complete{_because(polling, snapshot, presence)}"
    elif now - _polled_until(last, polling) > 3 * (polling.interval or interval) + timedelta(minutes=1):
        yield f"the last complete round was {age(last, now)} ago{_because(polling, snapshot, presence)}"
    if polling.token_suspect_since is not None:
        yield f"the token is suspected to be another team's since {polling.token_suspect_since:%Y-%m-%d %H:%M} UTC"


def _polled_until(last: datetime, polling: Polling) -> datetime:
    """The last complete round; after the clock was set back, the first failed one if that is earlier."""
    return last if polling.failing_since is None else min(last, polling.failing_since)


def _because(polling: Polling, snapshot: Snapshot, presence: Presence | None) -> str:
    """Why there was no complete round, if that is known."""
    if polling.last_round_error:
        return f" ({polling.last_round_error})"
    if presence is None:
        return "; is the daemon running?"
    if presence.holder is not None:
        return "; first round under way" if polling.last_complete_round_at is None else "; a round is under way"
    match snapshot.run_mode:
        case RunMode.RUN:
            return ""  # that is a problem of its own
        case RunMode.ONCE:
            return "; let `once` be started regularly, or a daemon run"
        case None:
            return f"; {NO_DAEMON}"
