"""One complete round of each account, then all due deliveries; for hosts on which no daemon can run."""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

from daemon.config.configuration import Configuration
from daemon.deliver import Deliver
from daemon.host.liveness import Liveness
from daemon.model.errors import DatabaseBusyError, StoppedError
from daemon.model.event import Listener
from daemon.model.events import rounds as events
from daemon.model.snapshot import RunMode
from daemon.notes import Notes
from daemon.runtime.build import Components, build
from daemon.runtime.build_sources import Source, poll_job
from daemon.runtime.delivery_job import drain, job_of
from daemon.runtime.exposure import Exposure
from daemon.runtime.poll_loop import why_failed
from daemon.runtime.readings import read
from daemon.runtime.shared import Shared, opened, share
from daemon.runtime.surroundings import Surroundings
from daemon.storage.place import is_postgresql

AT_A_TIME = 16
"""Accounts whose rounds are made at a time."""


def once(
    configuration: Configuration, log_for: Callable[[Configuration], Listener], surroundings: Surroundings
) -> bool:
    """Whether all of it was done. Called by the main thread. Raises what `opened` and `build` raise."""
    log = log_for(configuration)
    # A terminal that is closed stops it like SIGTERM does.
    surroundings.stop.raise_on_signals(signal.SIGHUP)
    settings = configuration.settings
    with surroundings.state(settings.database.url) as url, _held(configuration, url, surroundings, log) as shared:
        log = shared.exposure.heard(settings, log)
        jobs = [job_of(team.name) for team, _ in settings.signl4.every_team()]
        liveness = {job: Liveness() for job in (*map(poll_job, settings.polled), *jobs)}
        components = build(configuration, shared, lambda _: log, liveness, on_queued=lambda: None)
        try:
            with closing(components):
                return _do(components, shared)
        finally:
            shared.exposure.write_once(settings, lambda: read(shared, settings), log)


@contextmanager
def _held(configuration: Configuration, url: str, surroundings: Surroundings, log: Listener) -> Iterator[Shared]:
    """The database, which no other process works on meanwhile. Raises its errors."""
    if is_postgresql(url):
        from daemon.runtime.turns import leading_once  # noqa: PLC0415 - only who has a server pays for it

        with leading_once(configuration, url, surroundings, log) as shared:
            yield shared
    else:
        with opened(url, mode=RunMode.ONCE) as guard:
            yield share(guard, surroundings, Exposure(allowed=surroundings.shows_metrics), Notes())


def _do(components: Components, shared: Shared) -> bool:
    pagers, self_check, two_way = [*components.senders.values()], components.self_check, components.two_way
    components.housekeeping.release_held(shared.clock())
    components.follow_settings(shared.clock())
    complete = _rounds(components)
    self_check.run()
    if not _send(pagers, shared):
        return False
    # After the pages: what they ask may not answer.
    looks = [components.monitors, None if two_way is None else two_way.job]
    for look in filter(None, looks):
        look.run()
    if any(looks):
        self_check.run()
        writer = None if two_way is None else two_way.sender
        if not _send([*pagers, *([] if writer is None else [writer])], shared):
            return False
    if self_check.run():
        self_check.send_heartbeats()
    # What is written back is none of it, as with the heartbeat: everybody was told.
    return complete and all(not pager.waiting() and not pager.deaths for pager in pagers)


def _send(senders: Sequence[Deliver], shared: Shared) -> bool:
    """Sends what is due; whether nothing asked the program to stop."""
    while True:
        for sender in senders:
            drain(sender)
        gaps_end_at = [at for at in (sender.gap_ends_at() for sender in senders) if at is not None]
        if not gaps_end_at:
            return True
        if shared.stop.wait((min(gaps_end_at) - shared.clock()).total_seconds()):
            return False


def _rounds(components: Components) -> bool:
    """Whether those of all accounts were complete. One that is slow or fails holds up no other."""
    sources = [*components.sources.values()]
    if len(sources) == 1:
        return _round(sources[0])
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - only who polls several accounts pays for it

    with ThreadPoolExecutor(min(len(sources), AT_A_TIME), "poll") as threads:
        return all([*threads.map(_round, sources)])


def _round(source: Source) -> bool:
    started = time.monotonic()

    def ended(result: events.RoundResult) -> None:
        source.log(events.RoundEnded(result, time.monotonic() - started))

    try:
        source.poll.round(sweep=True)
    except StoppedError:
        return False
    except DatabaseBusyError:
        raise
    except Exception as error:  # noqa: BLE001 - what fails a round keeps no delivery back
        ended(events.RoundResult.FAILED)
        source.log(events.RoundFailed(why_failed(error)))
        return False
    ended(events.RoundResult.COMPLETE)
    return True
