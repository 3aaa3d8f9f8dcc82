"""SIGNL4's REST API, read only: alerts, what became of events, and who is on duty.

Of each route v3 is asked first, and v2 where v3 answers 404. Every unusable response raises `Signl4ApiError`: an error,
a timeout or another server's page proves nothing about an alert. A filter may be ignored in silence, so what is listed
is filtered again.

Sources: SIGNL4's support pages of November 2026, and public programs that use either version.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote

from daemon.clients.api_exchange import ApiExchange
from daemon.clients.api_pace import ApiPace
from daemon.clients.http import HttpClient, Response
from daemon.clients.signl4_documents import AlertPage, is_error, read_members, read_outcome, read_page
from daemon.model.errors import Signl4ApiError
from daemon.model.secret import Secret
from daemon.model.signl4 import AlertPhase, EventOutcome, Listed, Member, SeenAlert

MOST_PAGES = 10
"""Pages of a list. In an account with more open alerts the oldest are left out."""
FEW_PAGES = 2
"""Where nothing may wait, as before a page: a list that goes on does not heed its filter."""
PER_PAGE = 100
_V2, _V3 = "/api/v2", "/api/v3"
_LISTS = {_V3: "/signls/paged", _V2: "/alerts/paged"}
_STATUS_CODES = {_V3: "signlStatusCodes", _V2: "alertStatusCodes"}
_NOT_CLOSED = 1 + 2
_ANY = {_V3: 1 + 2 + 4, _V2: 0}
_SAME_TIME = timedelta(seconds=1)
"""How much earlier the change of an alert may be shown than the filter asked for: times are shown truncated."""

Read = TypeVar("Read")
Ask = Callable[[str], Response]
"""Sends a request to one version of the API."""


@dataclass(slots=True)
class _Walk:
    """The alerts of a list, page by page."""

    version: str
    found: dict[str, SeenAlert] = field(default_factory=dict)
    modified: dict[str, datetime] = field(default_factory=dict)
    is_whole: bool = False

    def take(self, page: AlertPage) -> None:
        """Adds a page. Of an alert that moved while the list was read the last view counts."""
        self.found |= {alert.id: alert for alert in page.alerts}
        self.modified |= page.modified
        self.is_whole = page.following is None

    def shows_earlier_than(self, since: datetime) -> bool:
        """Whether an alert is listed that has not changed since."""
        return any(at < since - _SAME_TIME for at in self.modified.values())


class Signl4Api:
    """The API of one account, with a key that may read."""

    def __init__(self, http: HttpClient, key: Secret, pace: ApiPace, wait: Callable[[float], bool] | None) -> None:
        """`wait(seconds)` returns true when the program stops. Without it a request that has to wait its turn fails."""
        self._exchange = ApiExchange(http, key, pace, wait)
        self._most_pages = FEW_PAGES if wait is None else MOST_PAGES
        self._only_v2 = set[str]()
        """The names of the calls that v3 does not have."""
        self._user_id: str | None = None
        self._ignores_change = False
        """Whether v2 has listed alerts that had not changed."""

    @property
    def ahead(self) -> timedelta | None:
        """How far SIGNL4's clock is ahead of ours, by the latest `Date`; `None` if none was plausible."""
        return self._exchange.ahead

    def alerts(self, since: datetime | None) -> Listed:
        """Alerts that changed since then; all that are not closed if it is `None`, or if the API cannot tell.

        `since` and `Listed.as_of` are times of SIGNL4's clock. Raises `Signl4ApiError` and `StoppedError`.
        """
        asked_at = datetime.now(UTC)
        by_change = since is not None and not self._ignores_change

        def filters(version: str) -> Mapping[str, Any]:
            if since is not None and by_change and version == _V2:
                return {"modifiedSince": since.astimezone(UTC).isoformat(timespec="milliseconds")}
            return {_STATUS_CODES[version]: _NOT_CLOSED}

        walk = self._walk(filters)
        with_closed = by_change and walk.version == _V2
        if since is not None and with_closed and walk.shows_earlier_than(since):
            # Each look would list everything, and its pages end before an old alert that was closed just now.
            self._ignores_change = True
            return self.alerts(None)
        alerts = [one for one in walk.found.values() if with_closed or one.phase is not AlertPhase.CLOSED]
        return Listed(tuple(alerts), asked_at + (self.ahead or timedelta(0)), with_closed, walk.is_whole)

    def alerts_of(self, external_id: str) -> tuple[SeenAlert, ...]:
        """The alerts with this external id, in any phase. Raises `Signl4ApiError` and `StoppedError`."""
        walk = self._walk(lambda version: {"externalId": external_id, _STATUS_CODES[version]: _ANY[version]})
        alerts = tuple(one for one in walk.found.values() if one.external_id == external_id)
        if not alerts and not walk.is_whole:
            raise Signl4ApiError("SIGNL4's API lists other alerts than those asked for, and too many of them")
        return alerts

    def outcome(self, event_id: str) -> EventOutcome | None:
        """What became of an event; `None` if SIGNL4 knows none. Raises `Signl4ApiError` and `StoppedError`."""
        path = f"/events/{quote(event_id, safe='')}/overview"
        _, reply = self._ask("event", lambda version: self._exchange.send("GET", version + path))
        if reply.status == 404 and is_error(_parsed(reply)):
            return None
        return self._read(reply, read_outcome)

    def members(self) -> tuple[Member, ...]:
        """Everybody with an account at SIGNL4. Raises `Signl4ApiError` and `StoppedError`."""
        _, reply = self._ask("users", lambda version: self._exchange.send("GET", f"{version}/users"))
        members = () if reply.status == 204 else self._read(reply, read_members)
        self._user_id = members[0].id if members else None
        return members

    def _walk(self, filters: Callable[[str], Mapping[str, Any]]) -> _Walk:
        """All pages of a list; `filters`: of each version. Further pages come from the version that gave the first."""
        version, reply = self._ask("list", lambda version: self._list(version, filters(version)))
        walk, seen = _Walk(version), list[object]()
        page = self._page(reply)
        walk.take(page)
        while page.following is not None and page.following not in seen and len(seen) < self._most_pages - 1:
            seen.append(page.following)
            page = self._page(self._list(version, {**filters(version), **page.following}))
            walk.take(page)
        return walk

    def _list(self, version: str, body: Mapping[str, Any]) -> Response:
        asked_as = self._user_id
        reply = self._list_once(version, body, asked_as)
        if reply.status == 400 and version == _V2:
            # By one of two descriptions v2 wants the id of a user beside the key. Another thread may have it by now.
            if self._user_id == asked_as:
                self.members()
            if self._user_id != asked_as:
                return self._list_once(version, body, self._user_id)
        return reply

    def _list_once(self, version: str, body: Mapping[str, Any], user_id: str | None) -> Response:
        params = {"maxResults": str(PER_PAGE)}
        if version == _V2:
            body = {"showPersonalHiddenCategories": True, **body}
            params |= {"userId": user_id} if user_id else {}
        return self._exchange.send("POST", version + _LISTS[version], params, body)

    def _page(self, reply: Response) -> AlertPage:
        return AlertPage((), {}, None) if reply.status == 204 else self._read(reply, read_page)

    def _ask(self, call: str, send: Ask) -> tuple[str, Response]:
        """The response of the version that has this call, else the 404 of v2."""
        if call not in self._only_v2:
            reply = send(_V3)
            if reply.status != 404:
                return _V3, reply
        reply = send(_V2)
        if 200 <= reply.status < 300:
            self._only_v2.add(call)
        elif reply.status == 404 and not is_error(_parsed(reply)):
            # v2 may have ended.
            self._only_v2.discard(call)
        return _V2, reply

    def _read(self, reply: Response, read: Callable[[object], Read]) -> Read:
        """What the body says. Raises `Signl4ApiError` if it is an error, incomplete or unreadable."""
        if not 200 <= reply.status < 300:
            raise self._exchange.failure(reply)
        try:
            return read(reply.json())
        except ValueError as error:
            is_json = _parsed(reply) is not None
            why = f"cannot be read: {error}" if is_json else "is no JSON; is signl4.base_url right?"
            raise Signl4ApiError(f"SIGNL4's API answered HTTP {reply.status}, which {why}") from None


def _parsed(reply: Response) -> object:
    try:
        return reply.json()
    except ValueError:
        return None
