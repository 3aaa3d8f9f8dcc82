"""Better Stack's incidents API (v3), read only: pages and single incidents in, `Incident` values out.

The client counts pages itself: it never requests a URL from a response, and sends the token to `base_url` only. Every
unusable response raises `BetterStackError`: an error, a timeout or an empty body proves nothing about an incident. An
unreadable record is skipped with a warning; the rest of its page counts.

Sources: Better Stack's API documentation of November 2026, and public programs that use the API.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from typing import Any, Protocol
from urllib.parse import urlsplit

from daemon.clients.betterstack_response import is_followed, is_page_for_people, pause_asked, says_no_such_record
from daemon.clients.dates import WRITTEN
from daemon.clients.http import ExchangeError, HttpClient, Response, TooLargeError, described
from daemon.clients.json_input import TooManyValuesError
from daemon.clients.pages import PageResponse, pages
from daemon.clients.quiet import Quiet
from daemon.clients.records import has_unknown_status, read_incident
from daemon.config.betterstack import BetterStackSection
from daemon.model.errors import (
    BetterStackError,
    ForbiddenError,
    NoSuchRouteError,
    TokenRefusedError,
    UnreadableAnswerError,
)
from daemon.model.incident import Absence, Incident, Phase
from daemon.model.page import KnownPages, Page, Shown
from daemon.model.polling import UNNAMED, section_of
from daemon.model.redact import redacted

# Better Stack is renaming its host. Between these two a redirect is followed; anywhere else it is an error.
_RENAMED_HOSTS = {"uptime.betterstack.com", "incidents.betterstack.com"}
_PATH = "/api/v3/incidents"
_FIRST_DAY = WRITTEN.date()
"""An earlier day comes from a wrong clock, and would fetch years of history."""


class Clock(Protocol):
    """Better Stack's clock."""

    def __call__(self) -> datetime:
        """The time, aware and in UTC."""

    def is_ahead(self, ahead: timedelta) -> None:
        """A response showed that Better Stack's clock is this far ahead of the local wall clock."""


class BetterStack:
    """The API of one team, or of all teams that a global token sees."""

    def __init__(
        self,
        http: HttpClient,
        settings: BetterStackSection,
        wait: Callable[[float], bool],
        warning: Callable[[str], None],
        clock: Clock,
        report: Callable[[Shown], None] = lambda _: None,
        quiet: Quiet | None = None,
        known: KnownPages | None = None,
        polled_from: str = UNNAMED,
    ) -> None:
        """`wait(seconds)` returns true when the program stops; `warning` gets a sentence for each oddity.

        Each response with a `Date` sets `clock`. `report` gets the counts of each list that was read to its end.
        `quiet`: the pace of the token in this process so far. A page that is `known` is not read again. `polled_from`:
        the name of the account.
        """
        self._section = section_of(polled_from)
        self._http = http
        self._token = settings.token
        self._base_url = settings.base_url
        self.team: Mapping[str, str] = {"team_name": settings.team_name} if settings.team_name else {}
        """The parameter that asks a list for one team alone; empty for all that the token sees."""
        self._wait = wait
        self._warning = warning
        self._report = report
        self._quiet = quiet or Quiet()
        self._asked_at = 0.0
        self._known = {} if known is None else known
        self._clock = clock

    def open_pages(self) -> Iterator[Page]:
        """The unresolved incidents, one page at a time as they arrive. Raises `BetterStackError`."""
        return self._pages({"resolved": "false"})

    def pages_since(self, day: date) -> Iterator[Page]:
        """The incidents that started on that day (UTC) or later. Raises `BetterStackError`."""
        # Better Stack rejects a day in the future, and the local clock may be wrong: its own clock decides.
        theirs = self._clock().date() - timedelta(days=1)
        since = min(day, theirs) if day >= _FIRST_DAY else theirs
        return self._pages({"from": max(since, _FIRST_DAY).isoformat()})

    def lookup(self, incident_id: str) -> Incident | Absence:
        """Fetches the record of one incident. Raises `BetterStackError`."""
        data = self.single(f"{_PATH}/{incident_id}")
        if data is None:
            return Absence.NO_SUCH_RECORD
        try:
            incident = self._read(data)
        except ValueError:
            return Absence.UNREADABLE
        return incident if incident.id == incident_id else Absence.UNREADABLE

    def other_list(self, path: str, params: Mapping[str, str]) -> Mapping[str, Any]:
        """A page of a list that holds no incidents. Raises `BetterStackError`; `NoSuchRouteError` if there is none."""
        return self._document(self._get(path, params), list)

    def single(self, path: str) -> Mapping[str, Any] | None:
        """The record at this path, whatever it describes; `None` if there is none. Raises `BetterStackError`."""
        reply = self._get(path, {})
        is_gone = reply.status == 404 and says_no_such_record(reply)
        return None if is_gone else self._document(reply, dict)["data"]

    def _pages(self, which: Mapping[str, str]) -> Iterator[Page]:
        def ask(size: int, number: int) -> PageResponse:
            # Every page request repeats all parameters: whether `next` keeps the filters is not documented.
            reply = self._get(_PATH, {**which, **self.team, "per_page": str(size), "page": str(number)})
            digest = blake2b(reply.body, digest_size=16, salt=str(size).encode()).digest()
            if reply.status == 200 and (known := self._known.get(digest)) is not None:
                response = PageResponse((), size, None, digest, known)
            else:
                document = self._document(reply, list)
                response = PageResponse(document["data"], size, is_followed(document), digest)
            if not response.is_last:
                self._quiet.more_follows(self._asked_at)
            return response

        return pages(ask, self._read, self._report, self._warning)

    def _get(self, path: str, params: Mapping[str, str]) -> Response:
        reply = self._exchange(path, params)
        if 300 <= reply.status < 400 and self._renamed(reply, path):
            reply = self._exchange(path, params)
        return reply

    def _exchange(self, path: str, params: Mapping[str, str]) -> Response:
        self._asked_at = self._quiet.turn(self._wait)
        token = self._token.reveal()
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        try:
            reply = self._http.exchange("GET", path, base_url=self._base_url, headers=headers, params=params)
        except ExchangeError as error:
            kind = UnreadableAnswerError if isinstance(error, TooLargeError) else BetterStackError
            raise kind(f"Better Stack was not reached: {redacted(str(error), token)}") from None
        now = datetime.now(UTC)
        if (ahead := reply.ahead(now)) is not None:
            self._clock.is_ahead(ahead)
        self._quiet.was_asked |= reply.status == 429
        retry_after = pause_asked(reply, ahead or timedelta(0), now) if reply.status in {429, 503} else None
        if retry_after is not None:
            self._quiet.ask(retry_after)
            raise BetterStackError(self._complaint(reply), retry_after=retry_after)
        return reply

    def _renamed(self, reply: Response, path: str) -> bool:
        """Whether the redirect leads to Better Stack's renamed host; if so, later requests go there."""
        try:
            here, there = urlsplit(self._base_url), urlsplit(reply.headers.get("location", ""))
        except ValueError:
            return False
        if here.netloc == there.netloc or not {here.netloc, there.netloc} <= _RENAMED_HOSTS:
            return False
        if there.scheme != "https" or there.path != f"{here.path}{path}":
            return False
        self._base_url = f"https://{there.netloc}{here.path}"
        self._warning(f"Better Stack redirects to its other host; set {self._section}.base_url to {self._base_url}")
        return True

    def _document(self, reply: Response, kind: type[Any]) -> dict[str, Any]:
        """The JSON body, whose `data` is of this kind. Raises `BetterStackError`."""
        if reply.status == 401:
            raise TokenRefusedError(self._complaint(reply))
        if reply.status == 403 and not is_page_for_people(reply):
            raise ForbiddenError(self._complaint(reply), described(reply, self._token.reveal()))
        if reply.status == 404:
            raise NoSuchRouteError(self._complaint(reply))
        if reply.status != 200:
            raise BetterStackError(self._complaint(reply))
        try:
            body = reply.json()
        except TooManyValuesError as error:
            raise UnreadableAnswerError(f"Better Stack's answer cannot be read: {error}") from None
        except ValueError:
            raise UnreadableAnswerError(
                f"Better Stack's answer is no JSON; is {self._section}.base_url right?"
            ) from None
        if not isinstance(body, dict) or not isinstance(body.get("data"), kind):
            raise BetterStackError(f"Better Stack's answer has no usable `data`; is {self._section}.base_url right?")
        return body

    def _complaint(self, reply: Response) -> str:
        said = described(reply, self._token.reveal())
        match reply.status:
            case 403 if is_page_for_people(reply):
                return f"Better Stack was not reached: something in front of Better Stack (a filter) refused: {said}"
            case 401 if is_page_for_people(reply):
                other = f"such a page is another server's; check {self._section}.base_url and {self._section}.token"
                return f"Better Stack refused the token: {said}; {other}"
            case 401 | 403:
                return f"Better Stack refused the token: {said}; check {self._section}.token"
            case 404:
                return f"Better Stack has no such route: {said}; check {self._section}.base_url"
            case status if 300 <= status < 400:
                return f"Better Stack's address redirects elsewhere (HTTP {status}); check {self._section}.base_url"
            case _:
                return f"Better Stack answered {said}"

    def _read(self, record: object) -> Incident:
        """Reads one record, with a warning for anything odd. Raises `ValueError` if it cannot be read."""
        try:
            incident = read_incident(record)
        except ValueError as error:
            self._warning(f"Better Stack sent a record that was skipped: {error}")
            raise
        if has_unknown_status(incident):
            taken = "over" if incident.phase is Phase.RESOLVED else "open"
            self._warning(f"Better Stack uses the unknown status {incident.status[:40]!r}, taken as {taken}")
        return incident
