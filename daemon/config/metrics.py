"""`[metrics]`: the address that is listened on, and the file for node_exporter."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from daemon.config.checks import After
from daemon.config.types import is_loopback

UNIX = "unix:"
LONGEST_PATH = 107
"""Bytes of the path of a socket (unix(7))."""
LISTEN_FORM = "write it like 127.0.0.1:9464, [::1]:9464 or unix:/run/betterstack-signl4/metrics.sock"
SUFFIX = ".prom"
"""node_exporter reads no other file."""


@dataclass(frozen=True, slots=True)
class Address:
    """An address to listen on: a host with its port, or a path."""

    host: str = ""
    port: int = 0
    path: str | None = None

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        return self.path is not None or is_loopback(self.host)


def address(text: str) -> Address:
    """Reads `metrics.listen`. Raises `ValueError` with the fix."""
    if text.startswith(UNIX):
        return Address(path=_socket_path(text.removeprefix(UNIX)))
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname or "", parts.port
        if host != "localhost":
            ipaddress.ip_address(host)
    except ValueError:
        host, port = "", None
    if not host or port is None or parts.netloc != text or "@" in text:
        raise ValueError(f"is no address with a port; {LISTEN_FORM}")
    return Address(host, port)


def _socket_path(path: str) -> str:
    if not path.startswith("/") or path.endswith("/") or not path.isprintable():
        raise ValueError(f"needs the whole path of a socket, from / on; {LISTEN_FORM}")
    if len(path.encode()) > LONGEST_PATH:
        raise ValueError(f"is longer than the {LONGEST_PATH} bytes that the path of a socket may have; shorten it")
    return path


def _listen(text: str) -> str:
    address(text)
    return text


def _textfile(path: Path) -> Path:
    if not path.is_absolute() or not str(path).isprintable():
        raise ValueError("is not the whole path of a file; write it from / on, in node_exporter's textfile directory")
    if path.suffix != SUFFIX:
        raise ValueError(f"does not end with {SUFFIX}; give it that ending: node_exporter reads no other file")
    return path


ListenAddress = Annotated[str, After(_listen)]
Textfile = Annotated[Path, After(_textfile)]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsSection:
    """`[metrics]`: where figures for Prometheus are; by default nowhere."""

    listen: ListenAddress | None = None
    remote: bool = False
    textfile: Textfile | None = None

    def __post_init__(self) -> None:
        if self.listen is not None and not self.remote and not address(self.listen).is_local:
            raise ValueError(
                f"metrics.listen ({self.listen!r}) is reached from other machines, without a password and in the "
                "clear; take a loopback address like 127.0.0.1:9464, or set metrics.remote = true"
            )

    @property
    def is_on(self) -> bool:
        """Whether anybody wants figures."""
        return self.listen is not None or self.textfile is not None
