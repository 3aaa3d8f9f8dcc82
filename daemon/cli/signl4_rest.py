"""SIGNL4's REST API as a command at a terminal asks it."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from daemon.clients.api_pace import ApiPace
from daemon.clients.http import HttpClient, tls_context
from daemon.clients.signl4_api import Signl4Api
from daemon.config.settings import Settings
from daemon.model.errors import ConfigError


@contextmanager
def rest_api(settings: Settings) -> Iterator[Signl4Api]:
    """The API, within this block. Raises `ConfigError` where there is no key."""
    key = settings.signl4.api_key
    if key is None:
        raise ConfigError("signl4.api_key is not set, so SIGNL4 cannot be asked; make a key in Integrations, API Keys")
    with closing(HttpClient(settings.signl4.base_url, settings.http, tls_context(settings.http))) as http:
        yield Signl4Api(http, key, ApiPace(), _wait)


def _wait(seconds: float) -> bool:
    """Ctrl-C ends it by itself."""
    time.sleep(seconds)
    return False
