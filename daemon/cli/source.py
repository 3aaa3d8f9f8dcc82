"""Better Stack as a command at a terminal asks it: a few requests, whose oddities are said on standard error."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from daemon.cli.diagnose import never_stops
from daemon.cli.options import say
from daemon.clients.betterstack import BetterStack
from daemon.clients.http import HttpClient, tls_context
from daemon.config.settings import Settings
from daemon.host.clock import TheirClock, utc_now


@contextmanager
def better_stack(settings: Settings) -> Iterator[BetterStack]:
    """Its API, within this block."""

    def warn(sentence: str) -> None:
        say(f"warning: {sentence}", err=True)

    tls = tls_context(settings.http)
    with closing(HttpClient(settings.betterstack.base_url, settings.http, tls)) as http:
        yield BetterStack(http, settings.betterstack, never_stops, warn, TheirClock(utc_now))
