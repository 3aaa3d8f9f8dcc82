"""Proxy selection: `http.proxy`, else the usual variables, unless `NO_PROXY` lists the service.

The variables are read as curl reads them, since the units that report a failure reach SIGNL4 with curl.

An unusable address is a `ConfigError` that names the key or the variable but never quotes the address, which may
contain a password.
"""

import os
import re
import socket
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from urllib.parse import unquote, urlsplit

from daemon.config.settings import HttpSection
from daemon.config.types import PROXY_FORM, proxy_parts
from daemon.model.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy, and the setting it comes from."""

    named_by: str
    """The configuration key or the environment variable."""
    url: str
    """Without user and password."""
    credentials: tuple[str, str] | None = field(default=None, repr=False)
    """User and password, decoded."""

    @property
    def over_tls(self) -> bool:
        """Whether the proxy itself is reached over TLS."""
        return self.url.startswith("https:")

    def unusable(self) -> ConfigError:
        """The error for an address that looks valid but is not."""
        return ConfigError(f"{self.named_by} is not the address of a proxy; {PROXY_FORM}")

    def secrets(self) -> tuple[str, ...]:
        """The texts to redact: the password, and the credentials as sent."""
        if self.credentials is None:
            return ()
        user, password = self.credentials
        return password, b64encode(f"{user}:{password}".encode()).decode()


def proxy_for(base_url: str, settings: HttpSection) -> Proxy | None:
    """The proxy for this service; `None` for a direct connection. Raises `ConfigError`."""
    parts = urlsplit(base_url)
    if bypassed(parts.hostname or "", _first_set("no_proxy", "NO_PROXY")[1]):
        return None
    if settings.proxy is not None:
        return _read("http.proxy", settings.proxy.reveal())
    # curl ignores HTTP_PROXY: in a CGI program a client can set it with a header named Proxy.
    own = (f"{parts.scheme}_proxy", *([f"{parts.scheme}_proxy".upper()] if parts.scheme != "http" else []))
    variable, address = _first_set(*own, "all_proxy", "ALL_PROXY")
    return _read(variable, address if "://" in address else f"http://{address}") if address else None


def _first_set(*names: str) -> tuple[str, str]:
    """The first of the variables that is not empty, and its value; else two empty texts."""
    return next(((name, value) for name in names if (value := os.environ.get(name))), ("", ""))


# -- NO_PROXY, as curl 7.86 and later read it -------------------------------------------------------------------------


def bypassed(host: str, no_proxy: str) -> bool:
    """Whether a host (an IPv6 address without brackets) is reached without a proxy. Ports are ignored.

    An entry is a domain, which includes its subdomains, or an IPv4 address or network. An IPv6 address must be written
    as curl normalizes it. IPv6 networks do not match: curl, up to 8.14, does not do what its manual says about them.
    Source: curl's manual, and the table of cases in the tests, which also runs against the installed curl.
    """
    if no_proxy == "*":
        return bool(host)
    address = _as_curl_writes(host)
    entries = filter(None, re.split("[ \t,]+", no_proxy))
    if _packed(socket.AF_INET, address):
        return any(_in_network(address, entry) for entry in entries)
    name = address.lower().removesuffix(".")
    return any(f".{name}".endswith(f".{of}") for of in map(_name, entries) if of)


def _name(entry: str) -> str:
    return entry.lower().removesuffix(".").removeprefix(".")


def _as_curl_writes(host: str) -> str:
    """The normalized form of an IP address; a name unchanged."""
    if packed := _packed(socket.AF_INET6, host):
        return socket.inet_ntop(socket.AF_INET6, packed)
    with suppress(OSError):
        return socket.inet_ntoa(socket.inet_aton(host))
    return host


def _packed(family: int, text: str) -> bytes:
    """An address of the family as bytes; empty for anything else."""
    try:
        return socket.inet_pton(family, text)
    except (OSError, ValueError):
        return b""


def _in_network(address: str, entry: str) -> bool:
    """Whether an IPv4 address equals the entry or lies in its network. Prefix length: 1 to 32; 0 means 32."""
    network, _, size = entry.partition("/")
    if not _packed(socket.AF_INET, network) or not (size or "0").isdecimal() or int(size or 0) > 32:
        return False
    bits = int(size or 0) or 32
    return IPv4Address(address) in IPv4Network((network, bits), strict=False)


# -- addresses --------------------------------------------------------------------------------------------------------


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


# -- answers ----------------------------------------------------------------------------------------------------------


def advice(status: str) -> str:
    """What to do about a proxy's refusal, by its status; empty for an unknown one.

    Source: the answers of squid, tinyproxy and privoxy. Tinyproxy sends 401 instead of 407. 404, 500, 502, 503 and 504
    mean a name without an address, or a host that does not answer.
    """
    match status:
        case "401" | "407":
            return "; check the user and the password there"
        case "403":
            return "; the proxy does not allow this address: have it allowed there"
        case "404" | "500" | "502" | "503" | "504":
            return "; the proxy did not get there: see whether it can look up the name and reach the address"
        case _:
            return ""
