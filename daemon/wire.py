"""One HTTP exchange: a request out, a bounded answer in.

An exchange ends by its deadline, whatever the other side does: a server that drips a byte now and then passes every
read timeout of the HTTP client, so each wait for the network is cut to what is left of the exchange. An answer larger
than the cap is not read to its end, nor unpacked any further. Redirects are not followed, and the environment decides
nothing but proxies.
"""

import json
import logging
import math
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from daemon.errors import DaemonError
from daemon.lean import without
from daemon.scrub import scrubbed
from daemon.settings import HttpSection

with without("rich", "httpx._main"):
    import httpcore
    import httpx

for _library in ("httpx", "httpcore"):
    # Their own lines quote addresses and headers, which hold the secrets.
    logging.getLogger(_library).setLevel(logging.WARNING)

SIZE_CAP = 10 * 1024 * 1024
_Create = Callable[[httpcore.Origin], httpcore.ConnectionInterface]


class ExchangeError(DaemonError):
    """No usable answer came; the text says why and holds neither address nor secret."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON without what JSON cannot say. Raises `ValueError`."""
        try:
            return _clean(json.loads(self.body, parse_constant=lambda _: None, parse_float=_finite))
        except RecursionError:
            raise ValueError("nested too deeply") from None

    def retry_after(self, most: timedelta, now: datetime) -> timedelta | None:
        """`Retry-After` in either of its forms, from nothing to `most`; `None` where there is none that makes sense."""
        text = self.headers.get("retry-after", "").strip()
        if text.isascii() and text.isdigit():
            return min(timedelta(seconds=min(int(text[:9]), 10**8)), most)
        at = _date(text)
        return None if at is None else min(max(at - now, timedelta(0)), most)

    def ahead(self, now: datetime) -> timedelta | None:
        """How far the other side's clock is ahead of ours, where it says its `Date`."""
        at = _date(self.headers.get("date", ""))
        return None if at is None else at - now


class Wire:
    """A connection pool to one service."""

    def __init__(self, base_url: str, settings: HttpSection, tls: ssl.SSLContext, connections: int = 1) -> None:
        """`connections`: how many requests may be under way at once. Raises `ValueError` for a proxy it cannot use."""
        self._base_url = base_url
        self._timeout = settings.timeout.total_seconds()
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        transport = httpx.HTTPTransport(
            verify=tls, proxy=_proxy_for(base_url, settings), trust_env=False, limits=limits
        )
        # httpx has no public way to its network backend; the tests with dripping servers fail if this stops working.
        pool = transport._pool
        pool._network_backend = _DeadlineBackend(pool._network_backend)
        pool.create_connection = _never_half_open(pool.create_connection)  # type: ignore[assignment, method-assign]
        self._http = httpx.Client(
            transport=transport,
            timeout=self._timeout,
            headers={"User-Agent": "betterstack-signl4", "Accept-Encoding": "gzip"},
        )

    def exchange(
        self,
        method: str,
        path: str,
        *,
        base_url: str | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Reply:
        """Sends one request and reads its answer. Raises `ExchangeError`."""
        _deadline.at = time.monotonic() + self._timeout
        url = f"{base_url or self._base_url}{path}"
        try:
            with self._http.stream(method, url, headers=headers, params=params, content=content) as response:
                if not getattr(response.extensions.get("network_stream"), "heard", True):
                    raise ExchangeError("an answer was there before the request: what came before it was too long")
                body = _read(response)
        except httpx.TimeoutException:
            raise ExchangeError(f"no complete answer within {self._timeout:g} s") from None
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, zlib.error, OSError, ValueError) as error:
            # The text of the library's own errors is safe to keep only because it is scrubbed by whoever holds secrets.
            raise ExchangeError(f"{type(error).__name__}: {error}") from None
        return Reply(response.status_code, {key.lower(): value for key, value in response.headers.items()}, body)

    def close(self) -> None:
        """Gives the connections back."""
        self._http.close()


def tls_context(settings: HttpSection) -> ssl.SSLContext:
    """Whom to trust: `http.ca_file`, else the usual environment variables, else the certificates shipped with httpx."""
    return ssl.create_default_context(cafile=settings.ca_file) if settings.ca_file else httpx.create_ssl_context()


def _date(text: str) -> datetime | None:
    """An HTTP date."""
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _proxy_for(base_url: str, settings: HttpSection) -> str | None:
    parts = urlsplit(base_url)
    # NO_PROXY names hosts, with a port or without.
    if proxy_bypass(parts.hostname or "") or proxy_bypass(parts.netloc):
        return None
    if settings.proxy is not None:
        return settings.proxy.get_secret_value()
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy


def _read(response: httpx.Response) -> bytes:
    """The body, unpacked here: the library unpacks a piece of it to the end, and kilobytes can hold gigabytes."""
    packing = response.headers.get("content-encoding", "identity").strip().lower()
    if packing not in {"identity", "gzip"}:
        raise ExchangeError(f"the answer is packed as {packing[:40]!r}, which nobody asked for")
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16) if packing == "gzip" else None
    body = bytearray()
    for piece in response.iter_raw():
        body += unpacker.decompress(piece, SIZE_CAP + 1 - len(body)) if unpacker else piece
        if len(body) > SIZE_CAP:
            body.clear()  # the error keeps this frame alive, and with it what was read
            raise ExchangeError(f"the answer is larger than {SIZE_CAP // 1024 // 1024} MB")
    if unpacker and response.num_bytes_downloaded and not unpacker.eof:
        raise ExchangeError("the answer ends before it is unpacked")
    return bytes(body)


def described(reply: Reply, secret: str) -> str:
    """What an answer that is no success says, for the operator: its own words without the secret, cut to a line."""
    try:
        body = reply.json()
    except ValueError:
        body = None
    fields = body if isinstance(body, dict) else {}
    said = next((fields[key] for key in ("errors", "error", "message") if fields.get(key)), None)
    text = said if isinstance(said, str) else json.dumps(said) if said else reply.body.decode("utf-8", "replace")
    details = fields.get("details")
    text = f"{text} {details}" if isinstance(details, str) else text
    return f"HTTP {reply.status} {' '.join(scrubbed(text, secret).split())[:200]}".rstrip()


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _clean(value: Any) -> Any:
    """`value` without half surrogate pairs, which JSON can spell but neither UTF-8 nor the database can hold."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [_clean(inner) for inner in value]
    if isinstance(value, dict):
        return {_clean(key): _clean(inner) for key, inner in value.items()}
    return value


def _never_half_open(create: _Create) -> _Create:
    """Connections that are closed by whatever fails on them.

    httpcore 1.0 counts a tunnel whose TLS handshake failed as busy for ever: it takes up a place in the pool, and once
    all places are taken no exchange succeeds until the next start.
    """

    def create_connection(origin: httpcore.Origin) -> httpcore.ConnectionInterface:
        connection = create(origin)
        handle = connection.handle_request

        def handle_request(request: httpcore.Request) -> httpcore.Response:
            try:
                return handle(request)
            except httpcore.ConnectionNotAvailable:
                raise
            except BaseException:
                connection.close()
                raise

        connection.handle_request = handle_request  # type: ignore[method-assign]
        return connection

    return create_connection


# -- the deadline of an exchange, which is one thread's from beginning to end -----------------------------------------

_deadline = threading.local()


def _left(timeout: float | None, late: type[Exception]) -> float:
    left: float = _deadline.at - time.monotonic()
    if left <= 0:
        raise late("the deadline of the exchange has passed")
    return min(timeout, left) if timeout is not None else left


def _addresses(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpcore.ConnectError(str(error)) from error
    return [str(address[0]) for *_, address in found]


class _DeadlineBackend(httpcore.NetworkBackend):
    """Hands out streams none of whose waits outlasts the exchange."""

    def __init__(self, inner: httpcore.NetworkBackend) -> None:
        self._inner = inner

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = _addresses(host, port)
        for number, address in enumerate(addresses):
            # A share for each: an address that swallows connections must not use up the time of the next one.
            share = _left(timeout, httpcore.ConnectTimeout) / (len(addresses) - number)
            try:
                stream = self._inner.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if number == len(addresses) - 1:
                    raise
            else:
                return _DeadlineStream(stream)
        raise httpcore.ConnectError("the name has no address")


class _DeadlineStream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner
        self.heard = False
        """Whether anything was read since something was written. Else an answer is the rest of the one before it."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.heard = True
        return self._inner.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.heard = False
        self._inner.write(buffer, _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _DeadlineStream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
