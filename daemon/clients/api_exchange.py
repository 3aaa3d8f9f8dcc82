"""One request to SIGNL4's REST API: its turn, the key, and what an error means.

The key goes to `base_url` only, and no text contains it.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from daemon.clients.api_pace import ApiPace
from daemon.clients.betterstack_response import is_page_for_people
from daemon.clients.http import BodyError, ExchangeError, HttpClient, Response, described
from daemon.model.delivery import MARGIN, WINDOW
from daemon.model.errors import KEY_REFUSED, KeyRefusedError, Signl4ApiError, StoppedError
from daemon.model.redact import redacted
from daemon.model.secret import Secret

LONGEST_WAIT = (WINDOW + MARGIN).total_seconds()
"""Seconds that a request waits for its turn."""


class ApiExchange:
    """Sends requests with one key."""

    def __init__(self, http: HttpClient, key: Secret, pace: ApiPace, wait: Callable[[float], bool] | None) -> None:
        """As those of `Signl4Api`."""
        self._http = http
        self._key = key
        self._pace = pace
        self._wait = wait
        self.ahead: timedelta | None = None
        """How far SIGNL4's clock is ahead of ours, by the latest `Date`; `None` if none was plausible."""

    def send(
        self, method: str, path: str, params: Mapping[str, str] | None = None, body: Mapping[str, Any] | None = None
    ) -> Response:
        """A response with a status of 2xx, 400 or 404; any other raises `Signl4ApiError`.

        Raises `StoppedError` if the program stops while the request waits for its turn.
        """
        self._take_turn()
        key = self._key.reveal()
        headers = {"X-S4-Api-Key": key, "Accept": "application/json"}
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json; charset=utf-8"
            content = json.dumps(body).encode()
        try:
            reply = self._http.exchange(method, path, headers=headers, params=params, content=content)
        except ExchangeError as error:
            # A status that came counts, but for one that promises a body.
            if not isinstance(error, BodyError) or error.reply.status < 400:
                raise Signl4ApiError(f"SIGNL4's API was not reached: {redacted(str(error), key)}") from None
            reply = error.reply
        now = datetime.now(UTC)
        ahead, hold = reply.ahead(now), self._pace.heard(reply, now)
        self.ahead = self.ahead if ahead is None else ahead
        if 200 <= reply.status < 300 or reply.status in {400, 404}:
            return reply
        raise self.failure(reply, hold)

    def failure(self, reply: Response, retry_after: timedelta | None = None) -> Signl4ApiError:
        """The error that a response means."""
        said = described(reply, self._key.reveal())
        is_from_elsewhere = is_page_for_people(reply)
        match reply.status:
            case 401 | 403 if is_from_elsewhere:
                return Signl4ApiError(
                    f"SIGNL4's API was not reached: something in front of it (a filter) refused: {said}"
                )
            case 401 | 403:
                why = "it may have expired, been deleted, or lack the right to read"
                return KeyRefusedError(f"{KEY_REFUSED}: {said} ({why}); check signl4.api_key")
            case 404:
                return Signl4ApiError(f"SIGNL4's API has no such route: {said}; check signl4.base_url")
            case status if 300 <= status < 400:
                return Signl4ApiError(
                    f"SIGNL4's API redirects elsewhere (HTTP {status}), which is not followed; check signl4.base_url"
                )
            case _:
                return Signl4ApiError(f"SIGNL4's API answered {said}", retry_after=retry_after)

    def _take_turn(self) -> None:
        while (seconds := self._pace.claim()) > 0:
            if self._wait is None or seconds > LONGEST_WAIT:
                wait = timedelta(seconds=seconds)
                # The same text while the wait lasts: another one counts, and is logged, as another failure.
                minute = datetime.now(UTC) + wait + timedelta(minutes=1)
                why = f"SIGNL4's API may not be asked before {minute:%H:%M} UTC: its rate limit"
                raise Signl4ApiError(why, retry_after=wait)
            self._pause(seconds)
        self._pause(0)

    def _pause(self, seconds: float) -> None:
        if self._wait is not None and self._wait(seconds):
            raise StoppedError("the program is stopping")
