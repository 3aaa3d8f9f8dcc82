"""SIGNL4's inbound webhook: one payload out, one `Answer` back. Network and server errors raise nothing.

The secret is part of the URL and of SIGNL4's own error texts; it is redacted from everything that leaves this module.

Sources: SIGNL4's manual and support pages of November 2026, and public programs that use the webhook.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from daemon.clients.http import BodyError, ExchangeError, HttpClient, Response, described
from daemon.clients.json_input import check_strictly
from daemon.clients.limits import Limit, limit_said
from daemon.model.delivery import (
    LONGEST_HOLD,
    MARGIN,
    WINDOW,
    Answer,
    Delivered,
    Outcome,
    RateLimit,
    Rejected,
    Scope,
    TryLater,
)
from daemon.model.destination import DEFAULT
from daemon.model.printable import printable
from daemon.model.redact import redacted
from daemon.model.secret import Secret

CLOCKS_APART = timedelta(seconds=2)
"""How far SIGNL4's clock may be behind ours if no `Date` header shows it."""

NOBODYS_SECRET = "betterstack-signl4-check"  # noqa: S105 - opens nothing
"""Not of the form of SIGNL4's secrets, which are letters and digits."""
_TAKEN = {201, 202, 204, 205}
"""Accepted, whatever the body says: a repetition would alert twice."""
_PAYLOAD_FAULTS = {400, 406, 413, 415, 422}
_SECRET_FAULTS = {401, 403, 404}
_COUNTED = {400, 401, 403, 404, 413, 415, 422}
"""Statuses that SIGNL4 counts as faulty requests; it allows ten a minute."""
_NOT_TAKEN = _PAYLOAD_FAULTS | _SECRET_FAULTS | {429}
"""Statuses with which SIGNL4 says that it does not take the event. After any other error it may have it."""
_UNKNOWN_SECRET = 3004


class Signl4:
    """The webhook of one team or integration."""

    def __init__(self, http: HttpClient, secret: Secret, team: str = DEFAULT) -> None:
        self._http = http
        self._secret = secret
        self._key = "signl4.secret" if team == DEFAULT else f"signl4.teams.{team}.secret"

    def send(self, payload: Mapping[str, Any]) -> Answer:
        """Sends one event; returns the result."""
        secret = self._secret.reveal()
        try:
            reply = self._post(secret, payload)
        except ExchangeError as error:
            why = f"SIGNL4 was not reached: {redacted(str(error), secret)}"
            return Answer(TryLater(why, Scope.ROW, not_taken=not error.asked))
        return answer_to(reply, secret, datetime.now(UTC), self._key)

    def why_not_signl4(self, payload: Mapping[str, Any]) -> str | None:
        """What shows that another server answers at this address; `None` if it is SIGNL4's webhook.

        Sends one event under a secret that nobody has, which SIGNL4 refuses in a form of its own. That is one of the
        ten faulty requests that it allows a minute, and proves nothing about the secret. Raises `ExchangeError`.
        """
        reply = self._post(NOBODYS_SECRET, payload)
        said = described(reply, "") + _unread(reply, "")
        if 200 <= reply.status < 300:
            return f"{said}, so it takes a secret that nobody has"
        if 300 <= reply.status < 400:
            return f"{said}, a redirect to {printable(reply.headers.get('location', 'nowhere')[:100])}"
        # The keys of an error, and that every answer has the header, are documented; the body of a 429 is not.
        is_its_error = {"code", "requestId"} <= (_object(reply) or {}).keys()
        return None if is_its_error or (reply.status == 429 and "x-ratelimit-limit" in reply.headers) else said

    def _post(self, secret: str, payload: Mapping[str, Any]) -> Response:
        """Raises `ExchangeError` if not even a status came."""
        content = json.dumps(payload, ensure_ascii=False, allow_nan=False).encode()
        headers = {"Content-Type": "application/json; charset=utf-8", "Accept": "application/json"}
        try:
            return self._http.exchange("POST", f"/webhook/{quote(secret, safe='')}", headers=headers, content=content)
        except BodyError as error:
            return error.reply


def answer_to(reply: Response, secret: str, now: datetime, key: str = "signl4.secret") -> Answer:
    """Interprets a response. Rate-limit headers take precedence over the status. `key`: that of the secret."""
    retry_after = reply.retry_after(LONGEST_HOLD, now)
    said = limit_said(reply.headers)
    used_up = said.remaining == 0
    ahead = reply.ahead(now)
    reset = _limit_reset(said, ahead, now)
    rate_limit = _rate_limit(said, reset)
    # If the limit is known, the rate limiter adds the margin and knows when our own events leave the window.
    margin = MARGIN if rate_limit is None else timedelta(0)
    asked = min(reset + margin, LONGEST_HOLD) if reset and used_up else None
    return Answer(
        outcome=_outcome(reply, secret, key, used_up),
        hold=retry_after if retry_after is not None else asked,
        faulty=reply.status in _COUNTED,
        rate_limit=rate_limit,
        ahead=ahead,
    )


def _outcome(reply: Response, secret: str, key: str, used_up: bool) -> Outcome:
    if 200 <= reply.status < 300:
        return _accepted(reply, secret)
    why = f"SIGNL4 answered {described(reply, secret)}{_unread(reply, secret)}"
    not_taken = reply.status in _NOT_TAKEN
    if reply.status == 429 or used_up:
        return TryLater(why, Scope.DESTINATION, not_taken)
    if reply.status in _PAYLOAD_FAULTS:
        return Rejected(why)
    if reply.status in _SECRET_FAULTS:
        is_unknown = reply.status == 404 and (_object(reply) or {}).get("code") == _UNKNOWN_SECRET
        scope = Scope.SECRET if is_unknown or reply.status == 401 else Scope.UNCLEAR
        return TryLater(f"{why}; {_secret_advice(reply, key, is_unknown=is_unknown)}", scope, not_taken)
    return TryLater(why, Scope.ROW, not_taken)


def _accepted(reply: Response, secret: str) -> Outcome:
    is_empty = not reply.body.strip() and reply.unread is None
    if reply.status in _TAKEN or is_empty or _object(reply) is not None:
        event_id = (_object(reply) or {}).get("eventId")
        return Delivered(redacted(event_id, secret)[:200] if isinstance(event_id, str) else None)
    if reply.unread is not None:
        unread = _unread(reply, secret)
        return TryLater(f"HTTP {reply.status}{unread}; it may have been taken, so it is rarely repeated", Scope.ITEM)
    why = f"HTTP {reply.status} without SIGNL4's JSON: something on the way answered, a portal or a proxy perhaps"
    return TryLater(why, Scope.ROW)


def _unread(reply: Response, secret: str) -> str:
    return "" if reply.unread is None else f" (its body could not be read: {redacted(reply.unread, secret)[:200]})"


def _object(reply: Response) -> Mapping[str, Any] | None:
    """The body, if it is a strictly valid JSON object; anything else may come from a portal or a proxy."""
    try:
        check_strictly(reply.body)
        body = reply.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _secret_advice(reply: Response, key: str, *, is_unknown: bool) -> str:
    """What to check first. SIGNL4's 404 for an unknown secret has a code; any other 404 is not from its webhook."""
    return f"check {key}" if is_unknown or reply.status != 404 else f"check signl4.base_url and {key}"


def _limit_reset(said: Limit, ahead: timedelta | None, now: datetime) -> timedelta | None:
    """Time until the reset, at most `MARGIN` too short; `None` if it is missing or implausible.

    `ahead`: how far SIGNL4's clock is ahead of ours; `None` if no `Date` shows it.
    """
    wait = said.resets_in
    if said.resets_at is not None:
        # Relative to SIGNL4's own clock if its `Date` is known; the local clock may differ from it.
        wait = said.resets_at - (now + (ahead or timedelta(0)))
        if ahead is None:
            # Its clock may be behind, but no window ends later than one whole window from now.
            wait = max(wait, min(wait + CLOCKS_APART, WINDOW))
    # SIGNL4's longest window is a day; a longer time means a wrong clock or another unit.
    return None if wait is None or not -MARGIN < wait <= timedelta(days=1) else max(wait, timedelta(0))


def _rate_limit(said: Limit, resets_in: timedelta | None) -> RateLimit | None:
    """The limit of the window that the rate limiter knows; one of another window only holds back once it is used up."""
    if not said.events or said.remaining is None or said.window != WINDOW:
        return None
    return RateLimit(said.events, said.remaining, resets_in)
