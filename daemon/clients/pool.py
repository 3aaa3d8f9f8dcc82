"""The connections to one service, and the way on which httpx sends through them.

What fails on a connection closes it; a kept one that the other side has closed costs no GET. A proxy is told of an IPv6
address as HTTP spells it. Only what httpx and httpcore offer to everybody is used of them.
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
    """All of its connections are careful ones."""

    def create_connection(self, origin: httpcore.Origin) -> httpcore.ConnectionInterface:
        return _Careful(super().create_connection(origin))


class _Careful(httpcore.ConnectionInterface):
    """A connection that is closed by whatever fails on it.

    httpcore 1.0 counts a tunnel whose TLS handshake failed as busy for ever: it takes up a place in the pool, and once
    all places are taken no exchange succeeds until the next start.
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
                # Whereupon the pool takes another connection.
                raise httpcore.ConnectionNotAvailable from error
            raise
        self._has_served = True
        return response

    # -- as it is --

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
    """Whether a kept connection was closed in the moment in which it was used, and nobody minds the same once more.

    A POST may have been taken all the same: it is for whoever sends it to decide when it goes again.
    """
    is_over = isinstance(error, httpcore.ReadError | httpcore.WriteError | httpcore.RemoteProtocolError)
    return is_over and request.method == b"GET"


# -- httpx on top of them ---------------------------------------------------------------------------------------------


class Pooled(httpx.BaseTransport):
    """Sends what httpx asks over a pool of connections."""

    def __init__(self, tls: ssl.SSLContext, proxy: Proxy | None, connections: int, kept: float) -> None:
        """`connections`: the most there are at once. `kept`: seconds for which an idle one is.

        Raises `ConfigError` for a proxy it cannot use.
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
        """The answer, whose body is still to be read."""
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
        """With an IPv6 address in brackets where a proxy reads it: httpcore 1.0 hands the host on as it is.

        `Stream.start_tls` takes them away again, since a certificate has none.
        """
        host = url.raw_host if self._is_direct or b":" not in url.raw_host else b"[%b]" % url.raw_host
        return httpcore.URL(scheme=url.raw_scheme, host=host, port=url.port, target=url.raw_path)

    def close(self) -> None:
        """Gives the connections back."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    """The body of an answer as it comes in."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        with _named_as_httpx_does():
            yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


def _spelled(proxy: Proxy, tls: ssl.SSLContext) -> httpcore.Proxy:
    """A proxy as httpcore takes it. Raises `ConfigError`."""
    try:
        url = httpx.URL(proxy.url)
    except (httpx.InvalidURL, ValueError):
        raise proxy.unusable() from None
    user, password = proxy.credentials or ("", "")
    return httpcore.Proxy(
        httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        auth=(user.encode(), password.encode()) if proxy.credentials else None,
        # A proxy that is reached over TLS is trusted as the services are.
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
"""What httpcore raises, and what httpx calls it; kinds come before what they are kinds of."""


@contextmanager
def _named_as_httpx_does() -> Iterator[None]:
    try:
        yield
    except tuple(_ERRORS) as error:
        known = next(theirs for ours, theirs in _ERRORS.items() if isinstance(error, ours))
        raise known(str(error)) from error
