"""Simulates Better Stack's incidents API: the routes that a poller and a two-way sync use, and their errors.

It checks the route first, then the token, then the parameters. The URLs of `pagination` name another host, as the real
ones do, so a client that follows them leaves the sandbox and fails.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import Any

from daemon.model.incident import Phase
from daemon.sandbox.context import Context
from daemon.sandbox.exchange import Answer, Request, json_answer
from daemon.sandbox.history import Showing
from daemon.sandbox.loopback import LoopbackService
from daemon.sandbox.record import Record
from daemon.sandbox.world import AlreadyDoneError, NoSuchIncidentError, World

TOKEN = "sandbox-token"  # noqa: S105 - opens nothing but a sandbox
LIST = "/api/v3/incidents"
OTHER_HOST = "https://incidents.betterstack.com"
DEFAULT_PER_PAGE, MOST_PER_PAGE = 10, 50
DOCS = "https://betterstack.com/docs/uptime/api/getting-started-with-uptime-api/"
BAD_TOKEN = f"Invalid Team API token. How to find your Team API token: {DOCS}#get-an-uptime-api-token"
BAD_DATES = (
    "The data range is invalid. The date format could not be parsed, the start time is in the future, "
    "or the end time is after the start time."
)
_ONE = re.compile(rf"{LIST}/([^/]+)")
_VERB = re.compile(rf"{LIST}/([^/]+)/(acknowledge|resolve)")
_METADATA = re.compile(r"metadata\[(.+?)\]\[\]\[value\]")


class _RefusedError(Exception):
    """The error that answers a request."""

    def __init__(self, status: int, errors: object) -> None:
        super().__init__(status)
        self.answer = json_answer(status, {"errors": errors})


class BetterStack(LoopbackService):
    """The HTTP interface of a `World`."""

    def __init__(self, context: Context, world: World, *, token: str = TOKEN, port: int = 0) -> None:
        """`token`: the only one that is accepted."""
        super().__init__(context, port)
        self.world = world
        self.token = token
        self.age: Callable[[Request], timedelta] = lambda _: timedelta(0)
        """How far the replica that answers a request lags behind; see `lag` for ready-made functions."""

    def answer(self, request: Request) -> Answer:
        """The answer of Better Stack."""
        work = self._route(request)
        if work is None:
            text = f"Endpoint {request.method} {request.path} does not exist."
            return json_answer(404, {"errors": text, "see_docs": DOCS})
        try:
            self._check_token(request)
            return work()
        except _RefusedError as refused:
            return refused.answer
        except NoSuchIncidentError as error:
            return json_answer(404, {"errors": str(error)})
        except AlreadyDoneError as error:
            return json_answer(409, {"errors": str(error)})

    def sent(self, answer: Answer) -> None:
        """Records what the client has read, as far as faults left it readable."""
        if answer.status == HTTPStatus.OK and answer.shows:
            legible = _ids_in(answer.body)
            self.world.show(showing for showing in answer.shows if showing.incident_id in legible)

    def _route(self, request: Request) -> Callable[[], Answer] | None:
        if request.method == "GET" and request.path == LIST:
            return lambda: self._list(request)
        if request.method == "GET" and (one := _ONE.fullmatch(request.path)):
            return lambda: self._single(request, one[1])
        if request.method == "POST" and (verb := _VERB.fullmatch(request.path)):
            return lambda: self._act(request, verb[1], verb[2])
        return None

    def _check_token(self, request: Request) -> None:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            raise _RefusedError(401, BAD_TOKEN)

    def _list(self, request: Request) -> Answer:
        query = request.query
        per_page = min(_count(query, "per_page", DEFAULT_PER_PAGE), MOST_PER_PAGE)
        page = _count(query, "page", 1)
        wanted = _filter(query, request.at.date())
        found = [record for record in self.world.records_as_of(self._as_of(request)) if wanted(record)]
        pages = max(1, -(-len(found) // per_page))
        here = found[(page - 1) * per_page : page * per_page]
        document = {"data": [_data(record) for record in here], "pagination": _pagination(page, pages)}
        return self._showing(here, document)

    def _single(self, request: Request, incident_id: str) -> Answer:
        record = self.world.record(incident_id, self._as_of(request))
        data = _data(record)
        more: dict[str, Any] = {"ssl_certificate_expires_at": None, "domain_expires_at": None, "slack_channels": []}
        data["attributes"] = {**data["attributes"], **more}
        return self._showing([record], {"data": data, "included": [_source(record)]})

    def _as_of(self, request: Request) -> datetime | None:
        """The time whose state this request sees; `None` for the present."""
        age = self.age(request)
        return self._now() - age if age else None

    def _act(self, request: Request, incident_id: str, verb: str) -> Answer:
        by = _who(request, f"{verb}d_by")
        if verb == "acknowledge":
            self.world.acknowledge(incident_id, by)
            return json_answer(200, {"data": _data(self.world.record(incident_id))})
        self.world.resolve(incident_id, by)
        record = self.world.record(incident_id)
        attributes = {key: value for key, value in record.attributes.items() if key != "status"}
        return json_answer(200, {"data": _data(replace(record, attributes=attributes))})

    def _showing(self, records: Sequence[Record], document: object) -> Answer:
        now = self._now()
        shows = tuple(Showing(now, record.id, record.generation, record.phase) for record in records)
        return replace(json_answer(200, document), shows=shows)


def _data(record: Record) -> dict[str, Any]:
    kind, source_id = record.source
    relationships = {kind: {"data": {"id": source_id, "type": kind}}}
    return {
        "id": record.id,
        "type": "incident",
        "attributes": dict(record.attributes),
        "relationships": relationships,
    }


def _source(record: Record) -> dict[str, Any]:
    kind, source_id = record.source
    return {"id": source_id, "type": kind, "attributes": {"name": record.attributes["name"], "status": "down"}}


def _pagination(page: int, pages: int) -> dict[str, str | None]:
    def url(number: int) -> str:
        return f"{OTHER_HOST}{LIST}?page={number}"

    return {
        "first": url(1),
        "last": url(pages),
        "prev": url(page - 1) if page > 1 else None,
        "next": url(page + 1) if page < pages else None,
    }


def _filter(query: Mapping[str, str], today: date) -> Callable[[Record], bool]:
    """The filter of a list, from its parameters. Raises `_RefusedError`."""
    resolved, acknowledged = _truth(query, "resolved"), _truth(query, "acknowledged")
    since, until = _day(query, "from"), _day(query, "to")
    if (since and since > today) or (since and until and since > until):
        raise _RefusedError(400, BAD_DATES)
    metadata = {key[1]: value for name, value in query.items() if (key := _METADATA.fullmatch(name))}

    def wanted(record: Record) -> bool:
        started = date.fromisoformat(record.attributes["started_at"][:10])
        return (
            resolved in {None, record.phase is Phase.RESOLVED}
            and acknowledged in {None, record.attributes["acknowledged_at"] is not None}
            and (since is None or since <= started)
            and (until is None or started <= until)
            and query.get("team_name", record.team_name) == record.team_name
            and all(value in _values(record, key) for key, value in metadata.items())
        )

    return wanted


def _values(record: Record, key: str) -> list[str]:
    return [entry.get("value") for entry in record.attributes.get("metadata", {}).get(key, [])]


def _truth(query: Mapping[str, str], name: str) -> bool | None:
    match query.get(name):
        case None:
            return None
        case "true" | "false" as text:
            return text == "true"
        case _:
            raise _RefusedError(422, {"base": [f"{name} is invalid."]})


def _count(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not re.fullmatch(r"[1-9]\d{0,8}", text):
        raise _RefusedError(422, {"base": [f"{name} is invalid."]})
    return int(text)


def _day(query: Mapping[str, str], name: str) -> date | None:
    text = query.get(name)
    if text is None:
        return None
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        raise _RefusedError(400, BAD_DATES)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _RefusedError(400, BAD_DATES) from None


def _who(request: Request, key: str) -> str | None:
    by = request.payload.get(key)
    unreadable = request.body and not request.payload and request.body.strip() != b"{}"
    if unreadable or not isinstance(by, str | None):
        raise _RefusedError(422, {"base": [f"{key} is invalid."]})
    return by


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
