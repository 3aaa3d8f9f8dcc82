"""Better Stack's calls that change an incident: acknowledge and resolve. Network and server errors raise nothing.

A 409 says that the incident is so already: the wanted state is there, whoever was faster. The token and the
person's name are redacted from everything that leaves this module: errors are logged.

Sources: Better Stack's API documentation of November 2026, and public programs that use the API.
"""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from daemon.clients.betterstack_response import is_page_for_people, pause_asked
from daemon.clients.http import BodyError, ExchangeError, HttpClient, Response, described
from daemon.config.betterstack import BetterStackSection
from daemon.model.delivery import Answer, Delivered, Outcome, Rejected, Scope, TryLater
from daemon.model.incident import Kind
from daemon.model.polling import UNNAMED, section_of
from daemon.model.redact import redacted

_CALLS = {Kind.ACKNOWLEDGED: ("acknowledge", "acknowledged_by"), Kind.RESOLVED: ("resolve", "resolved_by")}
_REFUSED = {400, 422}
_MEND = "a token that may write, or set write_back.acknowledge and write_back.resolve to false"


class BetterStackChanges:
    """The incidents that a token may change."""

    def __init__(self, http: HttpClient, settings: BetterStackSection, polled_from: str = UNNAMED) -> None:
        self._http = http
        self._section = section_of(polled_from)
        self._token = settings.token

    def send(self, incident_id: str, kind: Kind, by: str) -> Answer:
        """Acknowledges or resolves an incident; `by`: who did it, as Better Stack shows it."""
        verb, key = _CALLS[kind]
        token = self._token.reveal()
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json",
            "Content-Type": "application/json; charset=utf-8",
        }
        path, content = f"/api/v3/incidents/{quote(incident_id, safe='')}/{verb}", json.dumps({key: by}).encode()
        try:
            reply = self._http.exchange("POST", path, headers=headers, content=content)
        except BodyError as error:
            reply = error.reply
        except ExchangeError as error:
            return Answer(TryLater(f"Better Stack was not reached: {redacted(str(error), token)}", Scope.ROW))
        now = datetime.now(UTC)
        hold = pause_asked(reply, reply.ahead(now) or timedelta(0), now) if reply.status in {429, 503} else None
        return Answer(_outcome(reply, (token, by), hold, self._section), hold=hold)


def _outcome(reply: Response, hidden: tuple[str, str], hold: timedelta | None, section: str) -> Outcome:
    said = described(reply, *hidden)
    if is_page_for_people(reply) or 300 <= reply.status < 400:
        # Better Stack itself sends JSON or nothing.
        why = f"Better Stack was not reached: something on the way answered, a portal or a filter perhaps: {said}"
        return TryLater(f"{why}; check {section}.base_url", Scope.ROW)
    if reply.status == 409 or (200 <= reply.status < 300 and _is_its_own(reply)):
        return Delivered(None)
    if reply.status in {401, 403}:
        mend = f"give {section}.token {_MEND}"
        return TryLater(f"Better Stack refuses to let the token write: {said}; {mend}", Scope.SECRET)
    why = f"Better Stack answered {said}" + (f" ({redacted(reply.unread, *hidden)[:200]})" if reply.unread else "")
    if reply.status in _REFUSED:
        return Rejected(why)
    return TryLater(why, Scope.DESTINATION if reply.status == 429 or hold is not None else Scope.ROW)


def _is_its_own(reply: Response) -> bool:
    """Whether the body is JSON, or there is none to come. Anything else proves nothing; to ask again does no harm."""
    if reply.unread is not None:
        return False
    try:
        return reply.status == 204 or isinstance(reply.json(), dict)
    except ValueError:
        return False
