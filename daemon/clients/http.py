"""HTTP client: one request, one response of bounded size and duration.

An exchange ends by its deadline. A server that drips single bytes never trips the read timeout of httpx, so `stream`
limits each wait to the rest of the exchange. A body larger than the cap is neither read nor decompressed further.
Redirects are not followed and cookies not kept; the environment decides only proxies and certificates. So no response
affects a later request.
"""

import json
import logging
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from daemon.clients.dates import clock_ahead, wait_asked
from daemon.clients.deadline import Took, begin_exchange, has_asked, status_heard, took
from daemon.clients.decompress import DecompressError, LargerError, decompressed
from daemon.clients.happy_eyeballs import LOOKING_UP
from daemon.clients.json_input import parse_leniently
from daemon.clients.pool import Pooled
from daemon.clients.proxy import advice, proxy_for
from daemon.clients.tls import named_authorities
from daemon.config.settings import HttpSection
from daemon.host.slim_imports import without
from daemon.model.errors import DaemonError
from daemon.model.printable import printable
from daemon.model.redact import redacted

with without("rich", "httpx._main"):
    import httpx

for _library in ("httpx", "httpcore", "httpx2", "httpcore2"):
    # Their log lines contain URLs and headers with the secrets.
    logging.getLogger(_library).setLevel(logging.WARNING)

SIZE_CAP = 10 * 1024 * 1024
KEPT = 60.0
"""Seconds for which an idle connection is kept, so that not every round needs a new one."""
BEGINNING = 4096
"""Bytes kept of a body that could not be read to its end."""
THROUGH = ", through "
HEADERS = {"User-Agent": "betterstack-signl4", "Accept": "*/*", "Accept-Encoding": "gzip", "Connection": "keep-alive"}
"""Of every request, unless it says otherwise."""


class ExchangeError(DaemonError):
    """No usable response. The text says why, and contains neither URL nor secret."""

    asked = True
    """Whether a part of the request may have been sent; else the service cannot have acted on it."""


@dataclass(frozen=True, slots=True)
class Response:
    """A response. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    unread: str | None = None
    """Why the body could not be read to its end; `body` is then its beginning, up to `BEGINNING` bytes."""

    def json(self) -> Any:
        """The body as leniently parsed JSON. Raises `ValueError`, and its subclass `TooManyValuesError`."""
        return parse_leniently(self.body)

    def retry_after(self, most: timedelta, now: datetime) -> timedelta | None:
        """`Retry-After`, as seconds or as a date, limited to 0…`most`; `None` if it is missing or invalid."""
        return wait_asked(self.headers.get("retry-after", ""), most, now)

    def ahead(self, now: datetime) -> timedelta | None:
        """How far the server's clock is ahead of ours, by its `Date`; `None` if that is missing or implausible."""
        return clock_ahead(self.headers.get("date", ""), now)


class BodyError(ExchangeError):
    """A response began, but the rest of it could not be read. Its status is still valid."""

    def __init__(self, why: str, reply: Response) -> None:
        super().__init__(why)
        self.reply = reply


class TooLargeError(BodyError):
    """The response is larger than the cap."""


class HttpClient:
    """A connection pool to one service."""

    def __init__(
        self,
        base_url: str,
        settings: HttpSection,
        tls: ssl.SSLContext,
        connections: int = 1,
        observe: Callable[[Took], None] = lambda _: None,
        latest: Callable[[], float] | None = None,
    ) -> None:
        """`connections`: most requests in flight at once. `observe` gets the durations of each complete exchange.

        `latest`: until when on CLOCK_BOOTTIME (s) a request may be under way, if there is such a limit.

        Raises `ConfigError` for an unusable proxy.
        """
        self._observe = observe
        self._latest = latest
        self._base_url = base_url
        self._timeout = settings.timeout.total_seconds()
        proxy = proxy_for(base_url, settings)
        self._way = f"{THROUGH}the proxy that {proxy.named_by} names" if proxy else ""
        self._proxy_secrets = proxy.secrets() if proxy else ()
        # Without httpx's own client: it would follow redirects and keep cookies, and costs as much as all the rest.
        self._transport = Pooled(tls, proxy, connections, KEPT)
        self._limits = {"timeout": httpx.Timeout(self._timeout).as_dict()}
        # Nearly all requests have the same ones. They hold a secret, so they are kept no longer than this client.
        self._headers = lru_cache(maxsize=8)(_headers)

    def exchange(
        self,
        method: str,
        path: str,
        *,
        base_url: str | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Response:
        """Sends one request and reads its response.

        Raises `ExchangeError`; its subclass `BodyError` if a status arrived but the rest cannot be read.
        """
        begin_exchange(self._timeout, None if self._latest is None else self._latest())
        try:
            with self._as_exchange_error():
                url = _address(f"{base_url or self._base_url}{path}", *(params or {}).items())
                given = self._headers(*(headers or {}).items())
                request = httpx.Request(method, url, headers=given, content=content, extensions=self._limits)
                with closing(self._transport.handle_request(request)) as response:
                    self._check_who_answers(request, response)
                    return self._read(response)
        except ExchangeError as error:
            error.asked = has_asked()
            status = None if isinstance(error.__context__, httpx.ProxyError) else status_heard()
            if status is None or isinstance(error, BodyError):
                raise
            raise BodyError(str(error), Response(status, {}, b"", unread=str(error))) from None

    def _read(self, response: httpx.Response) -> Response:
        """Decompresses the body here, within the cap: httpx decompresses each chunk fully, however large it becomes."""
        status, headers = response.status_code, {key.lower(): value for key, value in response.headers.items()}
        body, pieces = bytearray(), response.stream
        assert isinstance(pieces, httpx.SyncByteStream)
        try:
            with self._as_exchange_error():
                for piece in decompressed(pieces, headers.get("content-encoding", ""), SIZE_CAP):
                    body += piece
        except ExchangeError as error:
            del body[BEGINNING:]  # the error keeps this frame alive, and with it what was read
            kind = TooLargeError if isinstance(error.__context__, LargerError) else BodyError
            raise kind(str(error), Response(status, headers, bytes(body), unread=str(error))) from None
        self._observe(took())
        return Response(status, headers, bytes(body))

    @contextmanager
    def _as_exchange_error(self) -> Iterator[None]:
        """Turns the errors of the libraries into `ExchangeError`."""
        try:
            yield
        except httpx.TimeoutException as error:
            where = f", as {LOOKING_UP}" if LOOKING_UP in str(error) else self._way
            raise ExchangeError(f"no complete answer within {self._timeout:g} s{where}") from None
        except httpx.ProxyError as error:
            raise self._refused(str(error)) from None
        except DecompressError as error:
            raise ExchangeError(str(error)) from None
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError, ValueError) as error:
            # The library's text may contain secrets; the caller, who knows them, redacts it.
            raise ExchangeError(f"{type(error).__name__}: {error}{self._way}") from None

    def _check_who_answers(self, request: httpx.Request, response: httpx.Response) -> None:
        if not getattr(response.extensions.get("network_stream"), "heard", True):
            raise ExchangeError("an answer was there before the request: what came before it was too long")
        if response.status_code == 407 and self._way and request.url.scheme == "http":
            # Plain HTTP uses no tunnel, so this response comes from the proxy, not from the service.
            raise httpx.ProxyError(f"407 {response.reason_phrase}")

    def _refused(self, how: str) -> ExchangeError:
        """The proxy itself answered; its text may repeat parts of the request, so it is redacted."""
        what_to_do = advice(how[:3])
        how = " ".join(redacted(how, *self._proxy_secrets).split())[:100]
        return ExchangeError(f"{self._way.removeprefix(THROUGH)} refused: HTTP {how}{what_to_do}")

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()


@lru_cache(maxsize=512)
def _address(url: str, *params: tuple[str, str]) -> httpx.URL:
    """The same pages are asked for in each round, and to parse an address costs more than a tenth of an exchange."""
    return httpx.URL(f"{url}?{urlencode(params)}" if params else url)


def _headers(*given: tuple[str, str]) -> httpx.Headers:
    return httpx.Headers({**HEADERS, **dict(given)})


def tls_context(settings: HttpSection) -> ssl.SSLContext:
    """Trusts the CAs of `http.ca_file`, else of the usual variables, else of httpx. Raises `ConfigError`."""
    return named_authorities(settings.ca_file) or httpx.create_ssl_context(trust_env=False)


def described(reply: Response, *secrets: str) -> str:
    """The message of an error response for the operator: one line, without the secrets, of at most 200 characters."""
    try:
        body = reply.json()
    except ValueError:
        body = None
    fields = body if isinstance(body, dict) else {}
    said = next((fields[key] for key in ("errors", "error", "message") if fields.get(key)), None)
    text = said if isinstance(said, str) else _dumped(said) if said else reply.body.decode("utf-8", "replace")
    details = fields.get("details")
    text = f"{text} {details}" if isinstance(details, str) else text
    return f"HTTP {reply.status} {printable(' '.join(redacted(text, *secrets).split())[:200])}".rstrip()


def _dumped(said: object) -> str:
    try:
        return json.dumps(said)
    except RecursionError:
        return "something nested too deeply"
