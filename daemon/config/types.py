"""The types of single settings, each with its checks."""

import ipaddress
import math
import re
import ssl
import stat
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from daemon.config.checks import After, Before, between
from daemon.model.destination import DEFAULT
from daemon.model.secret import Secret

_DURATION = re.compile(r"(\d+(?:\.\d+)?)([smhd]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_TEAM = re.compile(r"[A-Za-z0-9][\w-]{,39}", re.ASCII)
_QUOTED = re.compile(r"([\"']).*\1", re.DOTALL)
_QUOTES = "is in quotes, which are a part of it here, as docker's env files keep them; leave them out"
_NO_SECRETS = (
    (re.compile(r"[\"'].*|.*[\"']", re.DOTALL), _QUOTES),
    (
        re.compile(r"\$\w+|\$?\{.*\}|\$\(.*\)|%\w+%", re.DOTALL),
        "is the name of a variable, which nothing here replaces by its value; put the secret itself there",
    ),
    (
        re.compile(r"your[\W_].*|<.*>|change[-_]?me|x{4,}|\*{3,}|\.{3,}", re.DOTALL | re.IGNORECASE),
        "is the placeholder of an example; put your own there",
    ),
)
"""What stands in place of a secret, and what to do. The secrets of both services are letters and digits."""
_DURATION_FORM = 'write it like "30s", "5m", "6h", "90d" or a number of seconds'
PROXY_FORM = "write it like http://proxy.example.com:3128, and / ? # @ and % of a password as %2F %3F %23 %40 and %25"


def duration(value: object) -> timedelta:
    """Reads a duration. Raises `ValueError` with the fix."""
    if isinstance(value, timedelta):
        return value
    text = str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    match = _DURATION.fullmatch(text)
    if match is None or len(text) > 15:
        raise ValueError(f"is not a duration; {_DURATION_FORM}")
    try:
        return timedelta(seconds=float(match[1]) * _SECONDS[match[2]])
    except OverflowError:
        raise ValueError(f"is longer than a lifetime; {_DURATION_FORM}") from None


def spelled(duration: timedelta) -> str:
    """The duration in the form of the configuration file."""
    seconds = duration.total_seconds()
    for unit in ("d", "h", "m"):
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{int(seconds // _SECONDS[unit])}{unit}"
    return f"{seconds:.6f}".rstrip("0").rstrip(".") + "s"


def within(least: str, most: str) -> After:
    """Bounds for a `Duration`, inclusive."""
    return between(duration(least), duration(most), f"{least} to {most}")


def is_loopback(host: str) -> bool:
    """Whether the host is a loopback address or `localhost`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _url_parts(value: str) -> tuple[str, str]:
    """The scheme and host of a plain HTTP URL. Raises `ValueError` with the fix for anything else."""
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("is not a URL; write it like https://host.example.com") from None
    if parts.scheme not in {"http", "https"} or not host or not value.isascii() or re.search(r"\s", value):
        raise ValueError("is not a URL; write it like https://host.example.com")
    if parts.username is not None or "?" in value or "#" in value:
        raise ValueError("must be a plain address; leave out user, password, ? and #")
    return parts.scheme, host


def _service_url(value: str) -> str:
    scheme, host = _url_parts(value)
    if scheme == "http" and not is_loopback(host):
        raise ValueError("would send a secret in the clear; use https (http is for loopback addresses only)")
    return value.rstrip("/")


def _link_url(value: str) -> str:
    _url_parts(value)
    return value.rstrip("/")


def _token(secret: str) -> str:
    if not secret:
        raise ValueError("is empty; put the secret there")
    for pattern, problem in _NO_SECRETS:
        if pattern.fullmatch(secret):
            raise ValueError(problem)
    if not (secret.isascii() and secret.isprintable()) or " " in secret:
        raise ValueError("holds a space, a line break or a character outside ASCII; copy it again")
    return secret


def _webhook_secret(value: str) -> str:
    if set(_token(value)) & set("/?#:"):
        raise ValueError("looks like a URL; give only the part after /webhook/")
    return value


def _heartbeat_url(value: str) -> str:
    address, _, _ = value.partition("?")
    _service_url(address)
    return value


def _bare(value: str) -> str:
    if _QUOTED.fullmatch(value):
        raise ValueError(_QUOTES)
    return value


def _another_team(value: str) -> str:
    if value == DEFAULT:
        raise ValueError("is the name of the team of signl4.secret; give this one another")
    if not _TEAM.fullmatch(value):
        raise ValueError("is no name of a team; take up to 40 letters, digits, - and _")
    return value


def _source_name(value: str) -> str:
    if not _TEAM.fullmatch(value):
        raise ValueError("is no name of a source; take up to 40 letters, digits, - and _")
    return value


def _rule_name(value: str) -> str:
    if not value.isprintable() or value != value.strip() or not 0 < len(value) <= 60 or '"' in value:
        raise ValueError("is no name of a rule; take up to 60 letters, digits, spaces and the like, without quotes")
    return value


def _external_id(value: str) -> str:
    _bare(value)
    if "$INCIDENT_ID" not in value and "${INCIDENT_ID" not in value:
        raise ValueError("must hold $INCIDENT_ID, else different incidents would share one alert")
    return value


def _template(value: object) -> object:
    try:
        return _json(value)
    except RecursionError:
        raise ValueError("is nested too deeply; shorten it") from None


def _json(value: object, path: str = "") -> object:
    if isinstance(value, dict):
        for key, inner in value.items():
            _json(key, f"{path}.{key}")
            _json(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            _json(inner, path)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"holds a number at {path[1:]!r} that JSON cannot say; put it in quotes")
    elif isinstance(value, str) and not value.isascii() and value != value.encode("utf-8", "replace").decode("utf-8"):
        raise ValueError(f"holds half a character at {path[1:]!a}; write it out, or as a pair of escapes")
    elif not isinstance(value, str | int | float | bool | None):
        raise ValueError(f"holds a {type(value).__name__} at {path[1:]!r} that JSON cannot say; put it in quotes")
    return value


def _existing_file(value: Path) -> Path:
    try:
        # From Python 3.14 on `Path.is_file` returns false without permission to look.
        if not stat.S_ISREG(value.stat().st_mode):
            raise ValueError("is not a file; give the path of a PEM file")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(value)
        if context.cert_store_stats()["x509"]:
            return value
    except ssl.SSLError:
        pass
    except (FileNotFoundError, NotADirectoryError):
        raise ValueError("is not a file; give the path of a PEM file") from None
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror}); let this program's user read that PEM file") from None
    raise ValueError("holds no certificate; give the path of a PEM file")


def proxy_parts(address: str) -> SplitResult:
    """The parts of a proxy's URL. Raises `ValueError` with the fix; the text never quotes the URL."""
    if " " in address or not address.isprintable():
        raise ValueError(f"holds a space or a line break; {PROXY_FORM}")
    if address.lower().startswith("socks"):
        raise ValueError(f"is a SOCKS proxy, which this program cannot use; give an HTTP proxy, {PROXY_FORM}")
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    # An unencoded password cuts the host short, and the rest of it would be sent to the wrong host.
    if not usable or "@" in f"{parts.path}{parts.query}{parts.fragment}":
        raise ValueError(f"is not the address of a proxy; {PROXY_FORM}")
    return parts


def _proxy(value: str) -> str:
    proxy_parts(value)
    return value


Duration = Annotated[timedelta, Before(duration)]
ServiceUrl = Annotated[str, After(_service_url)]
LinkUrl = Annotated[str, After(_link_url)]
Token = Annotated[Secret, After(_token)]
ApiKey = Annotated[Secret, After(_token)]
WebhookSecret = Annotated[Secret, After(_webhook_secret)]
TeamName = Annotated[str, After(_bare)]
AnotherTeam = Annotated[str, After(_another_team)]
SourceName = Annotated[str, After(_source_name)]
RuleName = Annotated[str, After(_rule_name)]
ExternalId = Annotated[str, After(_external_id)]
HeartbeatUrl = Annotated[Secret, After(_heartbeat_url)]
ProxyUrl = Annotated[Secret, After(_proxy)]
ExistingFile = Annotated[Path, After(_existing_file)]
Template = Annotated[dict[str, Any], After(_template)]
Lowercase = Before(lambda value: value.lower() if isinstance(value, str) else value)
