"""What the stand-alone sandbox prints: each change at Better Stack, and all that SIGNL4 gets, whole, with its answer.

A change is one line. A request to SIGNL4 is one line, then the request after `>` and the answer after `<`, as curl
prints them. What a person does in SIGNL4 is one line; reads of its REST API are none, since a poller never stops. A
secret that is not the sandbox's own may be a real one, so it is not shown.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from http.client import responses

from daemon.model.destination import DEFAULT
from daemon.model.printable import printable
from daemon.model.redact import HIDDEN, redacted
from daemon.sandbox.exchange import Answer, Exchange, Request
from daemon.sandbox.history import AlertChange, Event, Happening, MonitorAct, MonitorChange
from daemon.sandbox.server import Sandbox
from daemon.sandbox.signl4_rest import is_api

OF_THE_CONNECTION = frozenset("accept accept-encoding connection content-length expect host transfer-encoding".split())
"""Headers that say nothing of the message."""
LINE_WIDTH = 76
SHORTEST_SECRET = 6
"""Shorter ones are none of SIGNL4's, which have eight letters."""


class News:
    """All that is new since it was last asked for."""

    def __init__(self, sandbox: Sandbox) -> None:
        """Everything is new at first."""
        self._sandbox = sandbox
        self._happened = 0
        self._monitors = 0
        self._known = 0
        self._changes = 0
        self._unsettled: list[int] = []

    def lines(self) -> list[str]:
        """The lines for what is new."""
        history, exchanges = self._sandbox.world.history, self._sandbox.signl4.requests
        lines = [_happening(one) for one in history[self._happened :]]
        self._happened = len(history)
        monitors = self._sandbox.world.monitors.changes
        lines += [_monitor(one) for one in monitors[self._monitors :]]
        self._monitors = len(monitors)
        places = [*self._unsettled, *range(self._known, len(exchanges))]
        self._known = len(exchanges)
        self._unsettled = [place for place in places if not exchanges[place].settled]
        for place in places:
            if exchanges[place].settled and not is_api(exchanges[place].request):
                lines += exchange_lines(exchanges[place], self._sandbox.signl4.by_secret)
        changes = self._sandbox.signl4.account.changes
        lines += [_change(one) for one in changes[self._changes :]]
        self._changes = len(changes)
        return lines


def _change(one: AlertChange) -> str:
    text = f"{_time(one.at)}  SIGNL4        {one.alert.state:<12}  {one.alert.external_id or '-'}  {one.alert.title}"
    return printable(f"{text}  by {one.by}")


def _happening(one: Happening) -> str:
    by = f"  by {one.by}" if one.by else ""
    return printable(f"{_time(one.at)}  Better Stack  {one.act:<12}  {one.incident_id}  {one.name}{by}")


def _monitor(one: MonitorChange) -> str:
    status = f"  now {one.status or 'without a status'}" if one.act is MonitorAct.RESTATED else ""
    text = f"{_time(one.at)}  Better Stack  {one.act:<12}  {one.kind} {one.monitor_id}  {one.name}{status}"
    return printable(text)


def exchange_lines(exchange: Exchange, teams: Mapping[str, str]) -> list[str]:
    """A request to SIGNL4 and its answer. `teams`: by their secrets, the only ones that are shown."""
    given = exchange.path.removesuffix("/").rpartition("/")[2]
    hidden = given if given not in teams and len(given) >= SHORTEST_SECRET else ""
    request, answer = _request(exchange.request), _answer(exchange.answer)
    lines = [
        _summary(exchange, teams.get(given, DEFAULT)),
        *(f"  > {line}" for line in request),
        *(f"  < {line}" for line in answer),
    ]
    return [redacted(printable(line), hidden).rstrip() for line in lines]


def _summary(exchange: Exchange, team: str) -> str:
    event = Event(exchange.at, "", exchange.request.payload)
    if exchange.status is None:
        word = "no answer"
    else:
        word = event.kind if exchange.status < 300 else f"refused: {exchange.status}"
    to = "" if team == DEFAULT else f"  to team {team}"
    return f"{_time(exchange.at)}  SIGNL4        {word:<12}  {event.external_id or '-'}  {event.title}{to}"


def _request(request: Request) -> Iterator[str]:
    yield f"{request.method} {request.target}"
    for name, value in request.headers.items():
        if name not in OF_THE_CONNECTION:
            yield f"{name.title()}: {HIDDEN if name == 'authorization' else value}"
    yield from _body(request.body)


def _answer(answer: Answer | None) -> Iterator[str]:
    if answer is None:
        yield "no answer"
        return
    yield f"{answer.status} {responses.get(answer.status, '')}"
    yield from (f"{name}: {value}" for name, value in answer.headers.items() if name != "Content-Type")
    yield from _body(answer.body)


def _body(body: bytes) -> list[str]:
    """All of it: as it came if that is one short line, else indented if it is JSON."""
    text = body.decode("utf-8", "replace")
    if len(text) > LINE_WIDTH:
        with suppress(ValueError, RecursionError):
            text = json.dumps(json.loads(body), ensure_ascii=False, indent=2)
    return text.splitlines()


def _time(at: datetime) -> str:
    return f"{at.astimezone():%H:%M:%S}"
