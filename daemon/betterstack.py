"""Better Stack's incidents API (v3), read only: pages and single incidents in, `Incident` values out.

Pages are counted here; no URL taken from an answer is ever requested, and the token goes to `base_url` only. Anything
but a usable answer raises `BetterStackError`: an error, silence or an empty answer is never mistaken for news. One
malformed record is remarked upon and skipped; the rest of its page counts.

Source of the facts: Better Stack's API documentation of November 2026, and public programs that use it.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from daemon.errors import BetterStackError, StoppedError, TokenRefusedError
from daemon.incident import Absence, Incident, Page, Phase
from daemon.scrub import scrubbed
from daemon.settings import BetterStackSection
from daemon.watch import TheirClock
from daemon.wire import ExchangeError, Reply, Wire, described

PER_PAGE = 50
"""The most that the API allows."""
PAGE_CAP = 1000
BARREN_PAGES = 3
"""So many pages running without a new id, while there is said to be a next one, are a loop and not a list."""
REQUEST_GAP = 0.2
"""Seconds between two requests. No limit is published; the official Terraform provider keeps to 8 requests a second."""
LONGEST_RETRY_AFTER = timedelta(minutes=5)

# Better Stack is renaming its host. Between these two a redirect is followed; anywhere else it is an error.
_RENAMED_HOSTS = {"uptime.betterstack.com", "incidents.betterstack.com"}
_PATH = "/api/v3/incidents"
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PHASES = {
    "unconfirmed": Phase.UNCONFIRMED,
    "started": Phase.OPEN,
    "validating": Phase.OPEN,
    "acknowledged": Phase.ACKNOWLEDGED,
    "resolved": Phase.RESOLVED,
}


class BetterStack:
    """The API of one team, or of all teams that a global token sees."""

    def __init__(
        self,
        wire: Wire,
        settings: BetterStackSection,
        wait: Callable[[float], bool],
        remark: Callable[[str], None],
        clock: TheirClock | None = None,
    ) -> None:
        """`wait(seconds)` returns true when the program stops; `remark` gets a sentence for each oddity met.

        `clock` is set by each answer that says its `Date`.
        """
        self._wire = wire
        self._token = settings.token
        self._base_url = settings.base_url
        self._team = {"team_name": settings.team_name} if settings.team_name else {}
        self._wait = wait
        self._remark = remark
        self._next_request_at = 0.0
        self._clock = clock or TheirClock(lambda: datetime.now(UTC))

    def follow(self, other: "BetterStack") -> None:
        """Takes over from another instance, which may have been asked to leave Better Stack alone."""
        self._next_request_at = other._next_request_at

    def open_pages(self) -> Iterator[Page]:
        """The incidents that are not over, a page at a time as they arrive. Raises `BetterStackError`."""
        return self._pages({"resolved": "false"})

    def pages_since(self, day: date) -> Iterator[Page]:
        """The incidents that started on that day (UTC) or later. Raises `BetterStackError`."""
        # A day that has not come yet is an error to Better Stack; where our clock is wrong, its own counts.
        theirs = self._clock().date() - timedelta(days=1)
        return self._pages({"from": min(day, theirs).isoformat()})

    def lookup(self, incident_id: str) -> Incident | Absence:
        """One incident by its own record. Raises `BetterStackError`."""
        reply = self._get(f"{_PATH}/{incident_id}", {})
        if reply.status == 404 and _says_no_such_record(reply):
            return Absence.NO_SUCH_RECORD
        record = self._data(reply, dict)
        incident = self._read(record)
        if incident is None or incident.id != incident_id:
            return Absence.UNREADABLE
        return incident

    def _pages(self, which: Mapping[str, str]) -> Iterator[Page]:
        seen: set[str] = set()
        barren = 0
        for number in range(1, PAGE_CAP + 1):
            # Every parameter goes with every page: whether `next` repeats our filters is not documented.
            reply = self._get(_PATH, {**which, **self._team, "per_page": str(PER_PAGE), "page": str(number)})
            page = tuple(filter(None, map(self._read, self._data(reply, list))))
            yield page
            fresh = {incident.id for incident in page} - seen
            if not _has_next(reply):
                return
            barren = 0 if fresh else barren + 1
            if barren == BARREN_PAGES:
                raise BetterStackError(f"Better Stack's list does not end: {barren} pages running bring nothing new")
            seen |= fresh
        raise BetterStackError(f"Better Stack's list is longer than {PAGE_CAP} pages")

    def _get(self, path: str, params: Mapping[str, str]) -> Reply:
        reply = self._exchange(path, params)
        if 300 <= reply.status < 400 and self._renamed(reply, path):
            reply = self._exchange(path, params)
        return reply

    def _exchange(self, path: str, params: Mapping[str, str]) -> Reply:
        self._keep_pace()
        token = self._token.get_secret_value()
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        try:
            reply = self._wire.exchange("GET", path, base_url=self._base_url, headers=headers, params=params)
        except ExchangeError as error:
            raise BetterStackError(f"Better Stack was not reached: {scrubbed(str(error), token)}") from None
        if (ahead := reply.ahead(datetime.now(UTC))) is not None:
            self._clock.is_ahead(ahead)
        retry_after = reply.retry_after(LONGEST_RETRY_AFTER, datetime.now(UTC)) if reply.status in {429, 503} else None
        if retry_after is not None:
            self._next_request_at = time.monotonic() + retry_after.total_seconds()
            raise BetterStackError(self._complaint(reply), retry_after=retry_after)
        return reply

    def _keep_pace(self) -> None:
        wait = self._next_request_at - time.monotonic()
        if wait > 1:
            raise BetterStackError(
                f"Better Stack asked to be left alone for another {wait:.0f} s", retry_after=timedelta(seconds=wait)
            )
        if self._wait(max(wait, 0)):
            raise StoppedError("the program is stopping")
        self._next_request_at = time.monotonic() + REQUEST_GAP

    def _renamed(self, reply: Reply, path: str) -> bool:
        """Whether the redirect is Better Stack's own renaming; from here on the new name is used."""
        try:
            here, there = urlsplit(self._base_url), urlsplit(reply.headers.get("location", ""))
        except ValueError:
            return False
        if here.netloc == there.netloc or not {here.netloc, there.netloc} <= _RENAMED_HOSTS:
            return False
        if there.scheme != "https" or there.path != f"{here.path}{path}":
            return False
        self._base_url = f"https://{there.netloc}{here.path}"
        self._remark(f"Better Stack redirects to its other host; set betterstack.base_url to {self._base_url}")
        return True

    def _data(self, reply: Reply, kind: type[Any]) -> Any:
        if reply.status in {401, 403}:
            raise TokenRefusedError(self._complaint(reply))
        if reply.status != 200:
            raise BetterStackError(self._complaint(reply))
        try:
            body = reply.json()
        except ValueError:
            raise BetterStackError("Better Stack's answer is no JSON; is betterstack.base_url right?") from None
        data = body.get("data") if isinstance(body, dict) else None
        if not isinstance(data, kind):
            raise BetterStackError("Better Stack's answer has no usable `data`; is betterstack.base_url right?")
        return data

    def _complaint(self, reply: Reply) -> str:
        said = described(reply, self._token.get_secret_value())
        match reply.status:
            case 401 | 403:
                return f"Better Stack refused the token: {said}; check betterstack.token"
            case 404:
                return f"Better Stack has no such route: {said}; check betterstack.base_url"
            case status if 300 <= status < 400:
                return f"Better Stack's address redirects elsewhere (HTTP {status}); check betterstack.base_url"
            case _:
                return f"Better Stack answered {said}"

    def _read(self, record: object) -> Incident | None:
        try:
            incident = read_incident(record)
        except ValueError as error:
            self._remark(f"Better Stack sent a record that was skipped: {error}")
            return None
        if incident.status and incident.status.lower() not in _PHASES:
            taken = "over" if incident.phase is Phase.RESOLVED else "open"
            self._remark(f"Better Stack uses the unknown status {incident.status[:40]!r}, taken as {taken}")
        return incident


def read_incident(record: object) -> Incident:
    """One record of the API. Raises `ValueError` if it cannot be told which incident it is or what state it is in."""
    if not isinstance(record, dict):
        raise ValueError("it is no object")
    incident_id = str(record.get("id"))
    if not isinstance(record.get("id"), str | int) or isinstance(record["id"], bool) or not _ID.fullmatch(incident_id):
        raise ValueError(f"its id is {incident_id[:40]!r}")
    attributes = record.get("attributes")
    if not isinstance(attributes, dict) or not attributes:
        raise ValueError(f"incident {incident_id} has no attributes")
    status = attributes.get("status")
    status = status.strip() if isinstance(status, str) else ""
    names = ("started_at", "acknowledged_at", "resolved_at", "reopened_at")
    times = {name: _time(attributes.get(name)) for name in names}
    phase = _phase(status.lower(), times)
    return Incident(id=incident_id, phase=phase, status=status, **times, attributes=attributes)


def _phase(status: str, times: Mapping[str, datetime | None]) -> Phase:
    """The status decides; the times do where it is missing or unknown, as in the documented answers that have none."""
    acknowledged_at, resolved_at, reopened_at = (times[f"{act}_at"] for act in ("acknowledged", "resolved", "reopened"))
    # Whoever acknowledged it goes on with it while the recovery is being validated.
    acknowledged = acknowledged_at is not None and (reopened_at is None or acknowledged_at > reopened_at)
    if status in _PHASES:
        return Phase.ACKNOWLEDGED if status == "validating" and acknowledged else _PHASES[status]
    reopened = reopened_at is not None and (resolved_at is None or reopened_at > resolved_at)
    if resolved_at is not None and not reopened:
        return Phase.RESOLVED
    if not status and not any(times.values()):
        raise ValueError("it has neither a status nor a time")
    return Phase.ACKNOWLEDGED if acknowledged else Phase.OPEN


def _time(value: object) -> datetime | None:
    """An ISO 8601 time; one that cannot be read decides nothing and is taken for absent."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        return None if moment is None else moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _says_no_such_record(reply: Reply) -> bool:
    """A missing record and a missing route are both 404; the record's says so, the route's has `see_docs`."""
    try:
        body = reply.json()
    except ValueError:
        return False
    said = body.get("errors") if isinstance(body, dict) and "see_docs" not in body else None
    return isinstance(said, str) and "not found" in said.lower()


def _has_next(reply: Reply) -> bool:
    pagination = reply.json().get("pagination")
    return isinstance(pagination, dict) and bool(pagination.get("next"))
