"""Which proxy leads to a service: that of `http.proxy`, else that of the usual variables, unless `NO_PROXY` names it.

What cannot be used is a `ConfigError` that names the key or the variable and holds nothing of the address, in which
there may be a password.
"""

import os
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from daemon.errors import ConfigError
from daemon.setting_types import PROXY_FORM, proxy_parts
from daemon.settings import HttpSection


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy, and where it is named."""

    named_by: str
    """The key or the variable."""
    url: str
    """Without user and password."""
    credentials: tuple[str, str] | None = field(default=None, repr=False)
    """User and password, decoded."""

    @property
    def over_tls(self) -> bool:
        """Whether the proxy itself is reached over TLS."""
        return self.url.startswith("https:")

    def unusable(self) -> ConfigError:
        """Its address looks like one and is none."""
        return ConfigError(f"{self.named_by} is not the address of a proxy; {PROXY_FORM}")

    def secrets(self) -> tuple[str, ...]:
        """The texts that only the proxy may see."""
        if self.credentials is None:
            return ()
        user, password = self.credentials
        return password, b64encode(f"{user}:{password}".encode()).decode()


def proxy_for(base_url: str, settings: HttpSection) -> Proxy | None:
    """The proxy on the way to this service. Raises `ConfigError`."""
    parts = urlsplit(base_url)
    # NO_PROXY names hosts, with a port or without.
    if proxy_bypass(parts.hostname or "") or proxy_bypass(parts.netloc):
        return None
    if settings.proxy is not None:
        return _read("http.proxy", settings.proxy.get_secret_value())
    proxies = getproxies()
    for kind in (parts.scheme, "all"):
        if address := proxies.get(kind):
            return _read(_variable(kind, address), address if "://" in address else f"http://{address}")
    return None


def _read(named_by: str, address: str) -> Proxy:
    try:
        parts = proxy_parts(address)
    except ValueError as error:
        raise ConfigError(f"{named_by} {error}") from None
    where = parts.netloc.rpartition("@")[2]
    credentials = None
    if parts.username or parts.password:
        credentials = unquote(parts.username or ""), unquote(parts.password or "")
    return Proxy(named_by, f"{parts.scheme}://{where}", credentials)


def _variable(kind: str, address: str) -> str:
    """The variable that counts: the one in small letters, where there are two."""
    names: Iterable[str] = (name for name, value in os.environ.items() if value == address)
    return max((name for name in names if name.lower() == f"{kind}_proxy"), default=f"{kind}_proxy")
