"""Simulates SIGNL4's REST API, v2 and v3: alerts, what became of events, users and teams.

It checks the route first, then the limit, then the key, then the parameters. Calls that are known of v2 only answer 404
under v3.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from daemon.sandbox.context import Context
from daemon.sandbox.exchange import Answer, Request, json_answer
from daemon.sandbox.history import Alert, AlertState, Event
from daemon.sandbox.people import Person, team_id
from daemon.sandbox.signl4_account import Account, AgainstLifeCycleError, NoSuchAlertError
from daemon.sandbox.signl4_documents import alert_document, event_document, overview, team_document, user
from daemon.sandbox.signl4_errors import RefusedError, throttled
from daemon.sandbox.signl4_filters import most_of, page_of, start_of, token_of, wanted
from daemon.sandbox.throttle import Throttle

API_KEY, READ_ONLY_KEY = "sandbox-api-key", "sandbox-read-only-key"
_ALERT = "(?:v2/alerts|v3/signls)/([^/]+)"
_CHANGES = {"acknowledge": AlertState.ACKNOWLEDGED, "close": AlertState.CLOSED}
_LIFE_CYCLE = "An alert can be closed after it was acknowledged."


class RestApi:
    """The REST API of an `Account`."""

    def __init__(
        self, context: Context, account: Account, teams: Callable[[], Iterable[str]], throttle: Throttle
    ) -> None:
        """`teams`: the names of all teams."""
        self._changed = context.changed
        self._now = context.now
        self._account = account
        self._teams = teams
        self._throttle = throttle
        self.v3 = True
        """Whether there is v3; without it every call of v3 is a 404."""
        self.key = API_KEY
        """The key that may read and write."""
        self.read_only_key = READ_ONLY_KEY
        """The key that may read, which includes the lists although they are POSTs."""
        self.wants_user = False
        """Whether the list of v2 demands the id of a user beside the key; descriptions differ."""
        self._routes: tuple[tuple[str, str, Callable[..., Answer]], ...] = (
            ("POST", "(v2)/alerts/paged", self._list),
            ("POST", "(v3)/signls/paged", self._list),
            ("POST", f"{_ALERT}/(acknowledge|close)", self._change),
            ("POST", f"{_ALERT}/annotate", self._annotate),
            ("GET", "v2/events/([^/]+)/overview", self._overview),
            ("GET", "v2/events/([^/]+)", self._event),
            ("GET", "v2/users", self._users),
            ("GET", "v2/teams", self._team_list),
            ("GET", "v[23]/teams/users", self._team_users),
        )

    def answer(self, request: Request) -> Answer:
        """The answer of the REST API."""
        with self._changed:
            work = self._route(request)
            if work is None:
                return Answer(HTTPStatus.NOT_FOUND)
            allowance = self._throttle.spend(self._now())
            if not allowance.granted:
                return throttled(allowance)
            answer = self._allowed(request, work)
            return replace(answer, headers={**answer.headers, **allowance.headers})

    def _allowed(self, request: Request, work: Callable[[], Answer]) -> Answer:
        key = request.headers.get("x-s4-api-key")
        if key not in {self.key, self.read_only_key}:
            return Answer(HTTPStatus.UNAUTHORIZED)
        if key != self.key and not _reads(request):
            return RefusedError(403, "The key may only read.").answer
        try:
            return work()
        except RefusedError as refused:
            return refused.answer
        except NoSuchAlertError as error:
            return RefusedError(404, str(error)).answer
        except AgainstLifeCycleError as error:
            return RefusedError(409, str(error)).answer

    def _route(self, request: Request) -> Callable[[], Answer] | None:
        path = request.path.removeprefix("/api/").removesuffix("/")
        if path.startswith("v3/") and not self.v3:
            return None
        for method, pattern, work in self._routes:
            if request.method == method and (found := re.fullmatch(pattern, path)):
                return partial(work, request, *found.groups())
        return None

    def _list(self, request: Request, version: str) -> Answer:
        """No match is 204 without a body in v2, and an empty page in v3."""
        body = _body(request)
        if version == "v2" and self.wants_user:
            self._person(request.query.get("userId"))
        is_wanted, after = wanted(version, body), start_of(version, body)
        page = page_of(self._account.alerts, is_wanted, after, most_of(request.query))
        if not page.alerts and version == "v2":
            return Answer(HTTPStatus.NO_CONTENT)
        token = token_of(version, page)
        results = [alert_document(alert) for alert in page.alerts]
        return json_answer(200, {"results": results, "hasMore": page.last is not None, "continuationToken": token})

    def _change(self, request: Request, alert_id: str, verb: str) -> Answer:
        """That an alert cannot be closed before it was acknowledged is assumed of the documented 409."""
        person = self._person(_body(request).get("uid"))
        if verb == "close" and self._account.alert(alert_id).state is AlertState.OPEN:
            raise AgainstLifeCycleError(_LIFE_CYCLE)
        return _single(self._account.change(alert_id, _CHANGES[verb], person))

    def _annotate(self, request: Request, alert_id: str) -> Answer:
        body = _body(request)
        self._person(body.get("userId"))
        if not isinstance(text := body.get("text"), str) or not text:
            raise RefusedError(400, "text is missing.")
        return _single(self._account.annotate(alert_id, text))

    def _person(self, user_id: object) -> Person:
        person = self._account.people.by_id(user_id)
        if person is None:
            raise RefusedError(400, "There is no user with that id.")
        return person

    def _overview(self, _: Request, event_id: str) -> Answer:
        event = self._taken(event_id)
        return json_answer(200, overview(event, self._account.outcome(event)))

    def _event(self, _: Request, event_id: str) -> Answer:
        event = self._taken(event_id)
        return json_answer(200, event_document(event, self._account.outcome(event)))

    def _taken(self, event_id: str) -> Event:
        for event in reversed(self._account.events):
            if event.event_id == event_id:
                return event
        raise RefusedError(404, f"There is no event {event_id!r}.")

    def _users(self, _: Request) -> Answer:
        return json_answer(200, self._users_of([*self._teams()]))

    def _team_list(self, _: Request) -> Answer:
        return json_answer(200, [team_document(team) for team in self._teams()])

    def _team_users(self, request: Request) -> Answer:
        """Always 207; it is a success if `errors` is empty."""
        asked = parse_qs(request.target.partition("?")[2]).get("teamId", [])
        known = {team_id(team): team for team in self._teams()}
        teams = [known[one] for one in asked if one in known]
        errors = [{"teamId": one, "message": "The team was not found."} for one in asked if one not in known]
        data = self._users_of(teams) if teams else []
        return json_answer(HTTPStatus.MULTI_STATUS, {"data": data, "errors": errors})

    def _users_of(self, teams: list[str]) -> list[dict[str, Any]]:
        people = self._account.people
        return [user(person, people, teams) for person in people.all]


def is_api(request: Request) -> bool:
    """Whether the request is one to the REST API."""
    return re.match("/api/v[0-9]+/", request.path) is not None


def _reads(request: Request) -> bool:
    return request.method == "GET" or request.path.removesuffix("/").endswith("/paged")


def _body(request: Request) -> Mapping[str, Any]:
    """The body; none at all is an empty one. Raises `RefusedError`."""
    if request.body and not request.payload and request.body.strip() != b"{}":
        raise RefusedError(400, "The request body could not be parsed.")
    return request.payload


def _single(alert: Alert) -> Answer:
    return json_answer(200, alert_document(alert))
