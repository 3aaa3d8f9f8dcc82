"""Reads what the metrics show: called by the thread of a reading, while the jobs go on."""

import os

from daemon.config.settings import Settings
from daemon.decisions.health import problems
from daemon.host.clock import boottime
from daemon.model.errors import DatabaseBusyError
from daemon.model.readings import Readings, TeamOutbox
from daemon.model.snapshot import Holder, Presence
from daemon.runtime.shared import Shared
from daemon.storage import readings as storage


def read(shared: Shared, settings: Settings) -> Readings:
    """What there is now. `problems` are those that `status` names, but for what only another process can see.

    One read transaction, which keeps no job waiting. Raises nothing for a database that cannot be read.
    """
    now, accounts = shared.clock(), dict.fromkeys(team.account for team, _ in settings.signl4.every_team())
    # Another thread may be making them: who asked for one here would make it, too.
    limiters = {account: shared.limiters[account] for account in accounts if account in shared.limiters}
    database_bytes, log_bytes = storage.sizes(shared.engine)
    snapshot, outboxes, found = None, dict[str, TeamOutbox](), list[str]()
    try:
        snapshot, waiting = storage.read(shared.engine)
    except DatabaseBusyError as error:
        found = [str(error)]
    else:
        outboxes = {name: TeamOutbox() for name in settings.destinations} | dict(waiting)
        here = Presence(Holder(os.getpid()))
        poll, alarms, duty = settings.poll, settings.alarm, settings.duty
        found = list(problems(snapshot, poll.interval, alarms.poll_after, now, here, warn_after=duty.warn_after))
    # Read once: the self-check takes it back at any time.
    if (state_error := shared.notes.state_error) is not None:
        found.append(f"the state cannot be written: {state_error[2]}")
    return Readings(
        snapshot=snapshot,
        problems=tuple(found),
        outboxes=outboxes,
        headroom={account: limiter.headroom(now) for account, limiter in limiters.items()},
        signl4_ahead=next((limiter.ahead for limiter in limiters.values() if limiter.ahead is not None), None),
        database_bytes=database_bytes,
        log_bytes=log_bytes,
        is_leader=None if shared.trusted_until is None else shared.trusted_until() > boottime(),
    )
