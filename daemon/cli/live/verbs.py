"""What the keys change, by the same verbs as the commands `retry` and `silence add`."""

from collections.abc import Iterator
from datetime import datetime

from daemon.cli.live.view import AddSilence, Retry
from daemon.cli.operate import retried
from daemon.cli.silence import caller, made
from daemon.cli.silence_match import as_table, exactly
from daemon.cli.silence_times import window
from daemon.model.errors import DaemonError
from daemon.model.silence import Silence


def done(url: str, action: Retry | AddSilence, now: datetime) -> tuple[str, ...]:
    """Does it, and says what became of it, as the command does."""
    try:
        return tuple(_retry(url, action) if isinstance(action, Retry) else _silence(url, action, now))
    except (DaemonError, ValueError) as error:
        return (str(error),)


def _retry(url: str, action: Retry) -> Iterator[str]:
    return (sentence for _, sentence in retried(url, action.ids, force=False))


def _silence(url: str, action: AddSilence, now: datetime) -> Iterator[str]:
    subject = action.subject
    pattern = exactly(subject.value) if subject.field == "name" else subject.value
    starts_at, ends_at = window(now, None, None, action.lasts)
    match = as_table([f"{subject.field}={pattern}"])
    said = made(url, Silence(0, match, starts_at, ends_at, action.comment, caller(), now))
    return (sentence for _, sentence in said)
