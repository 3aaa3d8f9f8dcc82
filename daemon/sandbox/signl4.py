"""Simulates SIGNL4: the webhook, which takes events, and beside it the REST API, each with limits of its own.

An event is stored before it is answered. What it does, and when, is up to the `Account`.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from daemon.model.destination import DEFAULT
from daemon.sandbox.context import Context
from daemon.sandbox.exchange import Answer, Request, json_answer
from daemon.sandbox.faults import Faults
from daemon.sandbox.history import Alert, Event
from daemon.sandbox.loopback import LoopbackService
from daemon.sandbox.signl4_account import Account
from daemon.sandbox.signl4_errors import RAISING, error_object, throttled
from daemon.sandbox.signl4_rest import RestApi, is_api
from daemon.sandbox.throttle import Throttle

SECRET = "96sbq49u"  # noqa: S105 - opens nothing but a sandbox
EVENT_LIMIT, EVENT_WINDOW = 150, timedelta(seconds=15)
API_LIMIT = 150
FAULTY_LIMIT, FAULTY_WINDOW = 10, timedelta(minutes=1)


class Signl4(LoopbackService):
    """One SIGNL4 account: a team, and more if `teams` names them."""

    def __init__(
        self,
        context: Context,
        *,
        secret: str = SECRET,
        limit: int = EVENT_LIMIT,
        faulty_limit: int | None = FAULTY_LIMIT,
        api_limit: int = API_LIMIT,
        port: int = 0,
    ) -> None:
        """`limit`: events in 15 s. `faulty_limit`: faulty requests in a minute; `None` for no limit.

        `api_limit`: calls of the REST API in 15 s.
        """
        super().__init__(context, port)
        self.secret = secret
        self.teams: dict[str, str] = {}
        """Further teams of the account, by their secret. Alerts are of a team, the limit is of the account."""
        self.account = Account(context)
        self.api = RestApi(context, self.account, self._team_names, Throttle(api_limit, EVENT_WINDOW))
        self.api_faults = Faults(context)
        """The faults of the REST API; `faults` are those of the webhook."""
        self._event_throttle = Throttle(limit, EVENT_WINDOW)
        self._faulty_throttle = Throttle(faulty_limit, FAULTY_WINDOW) if faulty_limit is not None else None

    @property
    def by_secret(self) -> dict[str, str]:
        """All teams of the account, by their secret."""
        return {self.secret: DEFAULT, **self.teams}

    @property
    def events(self) -> tuple[Event, ...]:
        """All accepted events, in order."""
        return self.account.events

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """All raised alerts, in order."""
        return self.account.alerts

    def stop(self) -> None:
        """Stops the server and ends all connections. Raises the first error of the sandbox itself."""
        self.api_faults.clear()
        super().stop()

    def faults_of(self, request: Request) -> Faults:
        """Those of the side that gets the request."""
        return self.api_faults if is_api(request) else self.faults

    def keeps_body(self, request: Request) -> bool:
        """Only the webhook's are short."""
        return not is_api(request)

    def answer(self, request: Request) -> Answer:
        """The answer of SIGNL4."""
        if is_api(request):
            return self.api.answer(request)
        with self._changed:
            now = self._now()
            place, _, secret = request.path.removeprefix("/").removesuffix("/").partition("/")
            if request.method != "POST" or place != "webhook" or "/" in secret:
                return Answer(404)
            team = self.by_secret.get(secret)
            if team is None:
                details = f"An event source with ID {secret} was not found."
                document = {"requestId": str(uuid4()), "code": 3004, "details": details, "message": RAISING}
                return self._refusal(now, 404, document)
            try:
                payload = json.loads(request.body)
            except (ValueError, RecursionError) as error:
                return self._refusal(now, 400, _unreadable(str(error)))
            if not isinstance(payload, dict):
                return self._refusal(now, 400, _unreadable("The body is not an object."))
            return self._event(now, payload, team)

    def _team_names(self) -> list[str]:
        return list(self.by_secret.values())

    def _event(self, now: datetime, payload: Mapping[str, Any], team: str) -> Answer:
        allowance = self._event_throttle.spend(now)
        if not allowance.granted:
            return throttled(allowance)
        event = self.account.take(payload, team)
        return json_answer(201, {"eventId": event.event_id}, allowance.headers)

    def _refusal(self, now: datetime, status: int, document: Mapping[str, Any]) -> Answer:
        """The answer to a faulty request. Too many of them block only further faulty requests."""
        if self._faulty_throttle is not None:
            allowance = self._faulty_throttle.spend(now)
            if not allowance.granted:
                return throttled(allowance)
        return json_answer(status, document, self._event_throttle.look(now).headers)


def _unreadable(details: str) -> dict[str, Any]:
    errors = [{"message": "Invalid JSON", "details": details}]
    return error_object(RAISING, "The request body could not be parsed.", errors)
