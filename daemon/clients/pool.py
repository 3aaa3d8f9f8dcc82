"""Connection pool to one service, and the httpx transport on top of it.

Any failure closes its connection. A GET on a kept connection that the server has closed is repeated on another one. A
proxy gets an IPv6 address in brackets. Only public interfaces of httpx and httpcore are used.
"""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import httpcore

from daemon.clients.proxy import Proxy
from daemon.clients.transport import Backend
from daemon.host.slim_imports import without

with without("rich", "httpx._main"):
    import httpx

# -- connections ------------------------------------------------------------------------------------------------------


class _Pool(httpcore.ConnectionPool):
    """A pool whose connections are all `_Careful`."""

    def create_connection(self, origin: httpcore.Origin) -> httpcore.ConnectionInterface:
        return _Careful(super().create_connection(origin))


class _Careful(httpcore.ConnectionInterface):
    """A connection that any failure closes.

    httpcore 1.0 counts a tunnel whose TLS handshake failed as busy for ever. It keeps its slot in the pool, and once
    all slots are lost no exchange succeeds until the next start.
    """

    def __init__(self, connection: httpcore.ConnectionInterface) -> None:
        self._connection = connection
        self._has_served = False

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        try:
            response = self._connection.handle_request(request)
        except httpcore.ConnectionNotAvailable:
            raise
        except BaseException as error:
            self._connection.close()
            if self._has_served and _may_be_repeated(request, error):
                # The pool then uses another connection.
                raise httpcore.ConnectionNotAvailable from error
            raise
        self._has_served = True
        return response

    # -- delegated unchanged --

    def can_handle_request(self, origin: httpcore.Origin) -> bool:
        return self._connection.can_handle_request(origin)

    def close(self) -> None:
        self._connection.close()

    def has_expired(self) -> bool:
        return self._connection.has_expired()

    def info(self) -> str:
        return self._connection.info()

    def is_available(self) -> bool:
        return self._connection.is_available()

    def is_closed(self) -> bool:
        return self._connection.is_closed()

    def is_idle(self) -> bool:
        return self._connection.is_idle()


def _may_be_repeated(request: httpcore.Request, error: BaseException) -> bool:
    """Whether the server closed a kept connection just as it was used, and a repetition is harmless.

    A POST may have been processed: its sender decides when to repeat it.
    """
    is_over = isinstance(error, httpcore.ReadError | httpcore.WriteError | httpcore.RemoteProtocolError)
    return is_over and request.method == b"GET"


# -- httpx on top of them ---------------------------------------------------------------------------------------------


class Pooled(httpx.BaseTransport):
    """An httpx transport over a connection pool."""

    def __init__(self, tls: ssl.SSLContext, proxy: Proxy | None, connections: int, kept: float) -> None:
        """`connections`: most connections at once. `kept`: seconds for which an idle one is kept.

        Raises `ConfigError` for an unusable proxy.
        """
        self._is_direct = proxy is None
        self._pool = _Pool(
            ssl_context=tls,
            proxy=None if proxy is None else _spelled(proxy, tls),
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=kept,
            network_backend=Backend(),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Sends the request; returns the response, with its body still unread."""
        asked = httpcore.Request(
            method=request.method,
            url=self._address(request.url),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _named_as_httpx_does():
            answer = self._pool.handle_request(asked)
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions)

    def _address(self, url: httpx.URL) -> httpcore.URL:
        """Puts an IPv6 address in brackets for a proxy: httpcore 1.0 passes the host on unchanged.

        `Stream.start_tls` removes them again, since certificates have none.
        """
        host = url.raw_host if self._is_direct or b":" not in url.raw_host else b"[%b]" % url.raw_host
        return httpcore.URL(scheme=url.raw_scheme, host=host, port=url.port, target=url.raw_path)

    def close(self) -> None:
        """Closes the connections."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    """The body of a response, as it arrives."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        with _named_as_httpx_does():
            yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


def _spelled(proxy: Proxy, tls: ssl.SSLContext) -> httpcore.Proxy:
    """Converts a proxy to httpcore's type. Raises `ConfigError`."""
    try:
        url = httpx.URL(proxy.url)
    except (httpx.InvalidURL, ValueError):
        raise proxy.unusable() from None
    user, password = proxy.credentials or ("", "")
    return httpcore.Proxy(
        httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        auth=(user.encode(), password.encode()) if proxy.credentials else None,
        # A proxy reached over TLS is verified like the services.
        ssl_context=tls if proxy.over_tls else None,
    )


_ERRORS = {
    httpcore.ConnectTimeout: httpx.ConnectTimeout,
    httpcore.ReadTimeout: httpx.ReadTimeout,
    httpcore.WriteTimeout: httpx.WriteTimeout,
    httpcore.PoolTimeout: httpx.PoolTimeout,
    httpcore.ConnectError: httpx.ConnectError,
    httpcore.ReadError: httpx.ReadError,
    httpcore.WriteError: httpx.WriteError,
    httpcore.ProxyError: httpx.ProxyError,
    httpcore.UnsupportedProtocol: httpx.UnsupportedProtocol,
    httpcore.LocalProtocolError: httpx.LocalProtocolError,
    httpcore.RemoteProtocolError: httpx.RemoteProtocolError,
    httpcore.TimeoutException: httpx.TimeoutException,
    httpcore.NetworkError: httpx.NetworkError,
    httpcore.ProtocolError: httpx.ProtocolError,
}
"""Errors of httpcore and their counterparts in httpx; subclasses before their base classes."""


@contextmanager
def _named_as_httpx_does() -> Iterator[None]:
    try:
        yield
    except tuple(_ERRORS) as error:
        known = next(theirs for ours, theirs in _ERRORS.items() if isinstance(error, ours))
        raise known(str(error)) from error
