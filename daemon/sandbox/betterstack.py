"""Simulates Better Stack's API: all that can be done to incidents, what else exists as lists, and the errors.

It checks the route first, then the token, then the parameters. The URLs of `pagination` name another host, as the real
ones do, so a client that follows them leaves the sandbox and fails. Routes and answers are those of Better Stack's
documentation of its API; incidents are there under v2 and v3.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus

from daemon.model.incident import Phase
from daemon.model.monitor import MonitorKind
from daemon.sandbox.context import Context
from daemon.sandbox.documents import incident, incident_alone, page, timeline
from daemon.sandbox.exchange import Answer, Request, json_answer
from daemon.sandbox.history import Showing
from daemon.sandbox.loopback import LoopbackService
from daemon.sandbox.monitors import NoSuchMonitorError
from daemon.sandbox.parameters import RefusedError, opening, place_of, said_by, wanted
from daemon.sandbox.record import Record
from daemon.sandbox.webhooks import WEBHOOKS, OutgoingWebhooks
from daemon.sandbox.world import AlreadyDoneError, NoSuchIncidentError, World

TOKEN, READ_ONLY_TOKEN = "sandbox-token", "sandbox-read-only-token"
LIST = "/api/v3/incidents"
DOCS = "https://betterstack.com/docs/uptime/api/getting-started-with-uptime-api/"
BAD_TOKEN = f"Invalid Team API token. How to find your Team API token: {DOCS}#get-an-uptime-api-token"
READS_ONLY = "The token may only read."
NO_RECORD = "Resource with provided ID was not found"
OTHER_LISTS = "monitor-groups heartbeat-groups on-calls policies status-pages severities".split()
_INCIDENTS = "/api/v[23]/incidents"
_MONITORS = rf"/api/v[23]/({'|'.join(MonitorKind)})s"
_OTHERS = rf"/api/v[23]/({'|'.join(OTHER_LISTS)})"


class BetterStack(LoopbackService):
    """The HTTP interface of a `World`."""

    def __init__(self, context: Context, world: World, *, token: str = TOKEN, port: int = 0) -> None:
        """`token`: the only one that may write."""
        super().__init__(context, port)
        self.world = world
        self.token = token
        self.read_only_token = READ_ONLY_TOKEN
        """The token that may only read; what Better Stack answers if it writes is assumed."""
        self.accounts: dict[str, str] = {}
        """Further tokens, each of one team: it sees the incidents of that team alone, and the others do not."""
        self.webhooks = OutgoingWebhooks()
        self.age: Callable[[Request], timedelta] = lambda _: timedelta(0)
        """How far the replica that answers a request lags behind; see `lag` for ready-made functions."""
        self._routes: tuple[tuple[str, str, Callable[..., Answer]], ...] = (
            ("GET", _INCIDENTS, self._list),
            ("POST", _INCIDENTS, self._open),
            ("GET", f"{_INCIDENTS}/([^/]+)", self._single),
            ("DELETE", f"{_INCIDENTS}/([^/]+)", self._delete),
            ("GET", f"{_INCIDENTS}/([^/]+)/timeline", self._timeline),
            ("POST", f"{_INCIDENTS}/([^/]+)/acknowledge", self._acknowledge),
            ("POST", f"{_INCIDENTS}/([^/]+)/resolve", self._resolve),
            ("POST", f"{_INCIDENTS}/([^/]+)/reopen", self._reopen),
            ("POST", f"{_INCIDENTS}/([^/]+)/escalate", self._escalate),
            ("GET", WEBHOOKS, self._webhooks),
            ("GET", _MONITORS, self._monitors),
            ("GET", f"{_MONITORS}/([^/]+)", self._monitor),
            ("GET", _OTHERS, self._other_list),
            ("GET", f"{_OTHERS}/([^/]+)", self._other),
        )

    def answer(self, request: Request) -> Answer:
        """The answer of Better Stack."""
        work = self._route(request)
        if work is None:
            text = f"Endpoint {request.method} {request.path} does not exist."
            return json_answer(404, {"errors": text, "see_docs": DOCS})
        try:
            self._check_token(request)
            self._check_team(request)
            return work()
        except RefusedError as refused:
            return refused.answer
        except (NoSuchIncidentError, NoSuchMonitorError) as error:
            return json_answer(404, {"errors": str(error)})
        except AlreadyDoneError as error:
            return json_answer(409, {"errors": str(error)})

    def sent(self, answer: Answer) -> None:
        """Records what the client has read, as far as faults left it readable."""
        if answer.status == HTTPStatus.OK and answer.shows:
            legible = _ids_in(answer.body)
            self.world.show(showing for showing in answer.shows if showing.incident_id in legible)

    def _route(self, request: Request) -> Callable[[], Answer] | None:
        asked = "GET" if request.method == "HEAD" else request.method
        for method, pattern, work in self._routes:
            if asked == method and (found := re.fullmatch(pattern, request.path.removesuffix("/"))):
                return partial(work, request, *found.groups())
        return None

    def _check_token(self, request: Request) -> None:
        given = request.headers.get("authorization")
        if given == f"Bearer {self.token}" or self._team_of(request) is not None:
            return
        if given != f"Bearer {self.read_only_token}":
            raise RefusedError(401, BAD_TOKEN)
        if request.method not in {"GET", "HEAD"}:
            raise RefusedError(403, READS_ONLY)

    def _team_of(self, request: Request) -> str | None:
        """The team of a further token."""
        return self.accounts.get(request.headers.get("authorization", "").removeprefix("Bearer "))

    def _sees(self, request: Request, record: Record) -> bool:
        team = self._team_of(request)
        return record.team_name not in self.accounts.values() if team is None else record.team_name == team

    def _check_team(self, request: Request) -> None:
        """To a token of another team there is no such incident."""
        single = re.match(rf"{_INCIDENTS}/([^/]+)", request.path)
        if self.accounts and single is not None and not self._sees(request, self.world.record(single[1])):
            raise RefusedError(404, NO_RECORD)

    def _list(self, request: Request) -> Answer:
        number, per_page = place_of(request.query)
        is_wanted = wanted(request.query, request.at.date())
        records = (record for record in self.world.records_as_of(self._as_of(request)) if is_wanted(record))
        found = [record for record in records if self._sees(request, record)]
        pages = max(1, -(-len(found) // per_page))
        here = found[(number - 1) * per_page : number * per_page]
        return self._showing(here, page(LIST, [incident(record) for record in here], number, pages))

    def _single(self, request: Request, incident_id: str) -> Answer:
        as_of = self._as_of(request)
        record = self.world.record(incident_id, as_of)
        sources = (one for one in self.world.monitors.records(as_of) if one.id == record.source[1])
        source = next((one.document(self._now()) for one in sources), None)
        return self._showing([record], incident_alone(record, source))

    def _as_of(self, request: Request) -> datetime | None:
        """The time whose state this request sees; `None` for the present."""
        age = self.age(request)
        return self._now() - age if age else None

    def _open(self, request: Request) -> Answer:
        incident_id = self.world.open(**opening(request))
        return json_answer(201, {"data": incident(self.world.record(incident_id))})

    def _delete(self, _: Request, incident_id: str) -> Answer:
        self.world.delete(incident_id)
        return Answer(HTTPStatus.NO_CONTENT)

    def _timeline(self, _: Request, incident_id: str) -> Answer:
        self.world.record(incident_id)
        return json_answer(200, timeline(one for one in self.world.history if one.incident_id == incident_id))

    def _acknowledge(self, request: Request, incident_id: str) -> Answer:
        return self._changed_to(self.world.acknowledge(incident_id, said_by(request, "acknowledged_by")))

    def _resolve(self, request: Request, incident_id: str) -> Answer:
        record = self.world.resolve(incident_id, said_by(request, "resolved_by"))
        attributes = {key: value for key, value in record.attributes.items() if key != "status"}
        return self._changed_to(replace(record, attributes=attributes))

    def _reopen(self, request: Request, incident_id: str) -> Answer:
        return self._changed_to(self.world.reopen(incident_id, said_by(request, "reopened_by"), keep_times=True))

    def _escalate(self, request: Request, incident_id: str) -> Answer:
        """Whom it calls in is nothing that a poller sees."""
        record = self.world.record(incident_id)
        if not said_by(request, "escalation_type"):
            raise RefusedError(422, {"base": ["escalation_type is invalid."]})
        if record.phase is Phase.RESOLVED:
            raise AlreadyDoneError("Cannot escalate a resolved incident.")
        return self._changed_to(record)

    def _changed_to(self, record: Record) -> Answer:
        return json_answer(200, {"data": incident(record)})

    def _webhooks(self, request: Request) -> Answer:
        return json_answer(200, self.webhooks.page(request.query))

    def _monitors(self, request: Request, kind: str) -> Answer:
        return json_answer(200, self.world.monitors.page(MonitorKind(kind), request.query, self._as_of(request)))

    def _monitor(self, request: Request, kind: str, monitor_id: str) -> Answer:
        record = self.world.monitors.record(monitor_id, self._as_of(request))
        if record.kind != kind:
            raise RefusedError(404, NO_RECORD)
        return json_answer(200, {"data": record.document(self._now())})

    def _other_list(self, request: Request, _: str) -> Answer:
        number, _per_page = place_of(request.query)
        return json_answer(200, page(request.path, [], number, 1))

    def _other(self, _: Request, _list: str, _id: str) -> Answer:
        raise RefusedError(404, NO_RECORD)

    def _showing(self, records: Sequence[Record], document: object) -> Answer:
        now = self._now()
        shows = tuple(Showing(now, record.id, record.generation, record.phase) for record in records)
        return replace(json_answer(200, document), shows=shows)


def _ids_in(body: bytes) -> set[str]:
    """Ids of the records that are readable in this answer."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return set()
    data = document.get("data") if isinstance(document, dict) else None
    records = data if isinstance(data, list) else [data]
    return {
        record["id"]
        for record in records
        if isinstance(record, dict) and isinstance(record.get("id"), str) and isinstance(record.get("attributes"), dict)
    }
