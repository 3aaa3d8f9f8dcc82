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
def better_stack(settings: Settings, polled_from: str) -> Iterator[BetterStack]:
    """Its API as an account sees it, within this block."""
    own = settings.of(polled_from)

    def warn(sentence: str) -> None:
        say(f"warning: {sentence}", err=True)

    tls = tls_context(settings.http)
    with closing(HttpClient(own.betterstack.base_url, own.http, tls)) as http:
        clock = TheirClock(utc_now)
        yield BetterStack(http, own.betterstack, never_stops, warn, clock, polled_from=polled_from)
