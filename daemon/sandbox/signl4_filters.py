"""Which alerts a list of SIGNL4's REST API holds, and where its next page begins.

A filter that the API does not know is ignored in silence, so a misspelt one gives all alerts. Of v3 only the filters by
team and status are known for sure; that it knows no `modifiedSince` is assumed, as the harder case for a client.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from daemon.sandbox.history import Alert, AlertState
from daemon.sandbox.people import team_id
from daemon.sandbox.signl4_errors import RefusedError

MOST = 100
"""Alerts of a page."""
CODES = {AlertState.OPEN: 1, AlertState.ACKNOWLEDGED: 2, AlertState.CLOSED: 4}
"""`statusCode`; a filter adds them up."""
PARTITION = "alerts"
Wanted = Callable[[Alert], bool]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of alerts."""

    alerts: tuple[Alert, ...]
    last: str | None
    """The id of its last alert if there are more behind it."""


def _team_ids(value: object) -> Wanted:
    ids = _texts("teamIds", value)
    return lambda alert: team_id(alert.team) in ids


def _alert_ids(value: object) -> Wanted:
    ids = _texts("alertIds", value)
    return lambda alert: alert.alert_id in ids


def _external_id(value: object) -> Wanted:
    text = _text("externalId", value)
    return lambda alert: alert.external_id == text


def _text_to_search(value: object) -> Wanted:
    text = _text("textToSearch", value).casefold()
    return lambda alert: text in alert.title.casefold()


def _min_created(value: object) -> Wanted:
    least = _time("minCreated", value)
    return lambda alert: alert.created >= least


def _max_created(value: object) -> Wanted:
    most = _time("maxCreated", value)
    return lambda alert: alert.created <= most


def _modified_since(value: object) -> Wanted:
    since = _time("modifiedSince", value)
    return lambda alert: alert.last_modified >= since


def _status_codes(value: object) -> Wanted:
    if isinstance(value, bool) or not isinstance(value, int):
        raise RefusedError(400, "The status codes are no number.")
    return lambda alert: value == 0 or bool(CODES[alert.state] & value)


_BOTH: Mapping[str, Callable[[object], Wanted]] = {
    "teamIds": _team_ids,
    "externalId": _external_id,
    "minCreated": _min_created,
    "maxCreated": _max_created,
}
FILTERS: Mapping[str, Mapping[str, Callable[[object], Wanted]]] = {
    "v2": {
        **_BOTH,
        "alertIds": _alert_ids,
        "modifiedSince": _modified_since,
        "textToSearch": _text_to_search,
        "alertStatusCodes": _status_codes,
    },
    "v3": {**_BOTH, "signlStatusCodes": _status_codes},
}
"""By the version of the API, and the key in the body."""


def wanted(version: str, filters: Mapping[str, Any]) -> Wanted:
    """The filter of a list; an empty value filters nothing. Raises `RefusedError`."""
    known = FILTERS[version].items()
    tests = [make(filters[name]) for name, make in known if filters.get(name) not in (None, "", [])]
    return lambda alert: all(test(alert) for test in tests)


def page_of(alerts: Sequence[Alert], is_wanted: Wanted, after: str | None, most: int) -> Page:
    """At most `most` alerts behind the one whose id is `after`; the newest first. Raises `RefusedError`.

    `alerts`: all of the account, the oldest first. One that a client has passed is not shown again, whatever happened
    to it meanwhile.
    """
    rest = list(reversed(alerts))
    if after is not None:
        ids = [alert.alert_id for alert in rest]
        if after not in ids:
            raise RefusedError(400, "The continuation token is not valid.")
        rest = rest[ids.index(after) + 1 :]
    found = [alert for alert in rest if is_wanted(alert)]
    here = tuple(found[:most])
    return Page(here, here[-1].alert_id if len(found) > most else None)


def most_of(query: Mapping[str, str]) -> int:
    """How many alerts a page has at most. Raises `RefusedError`."""
    text = query.get("maxResults", str(MOST))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:4]) <= MOST:
        raise RefusedError(400, f"maxResults must be from 1 to {MOST}.")
    return int(text)


def start_of(version: str, body: Mapping[str, Any]) -> str | None:
    """The id of the alert behind which the page begins. Raises `RefusedError`.

    v3 has a plain text as its token, v2 an object, whose keys may stand in the body itself as well.
    """
    token = body.get("continuationToken")
    if version == "v3":
        return None if token is None else _text("continuationToken", token)
    keys = token if isinstance(token, dict) else body
    partition, row = keys.get("nextPartitionKey"), keys.get("nextRowKey")
    if partition is None and row is None:
        return None
    if partition != PARTITION:
        raise RefusedError(400, "The continuation token is not valid.")
    return _text("nextRowKey", row)


def token_of(version: str, page: Page) -> str | dict[str, str | None] | None:
    """The token that asks for the page behind this one."""
    if version == "v3":
        return page.last
    partition = PARTITION if page.last else None
    return {"nextPartitionKey": partition, "nextRowKey": page.last, "nextTableName": None}


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise RefusedError(400, f"{name} is no text.")
    return value


def _texts(name: str, value: object) -> list[str]:
    if not isinstance(value, list):
        raise RefusedError(400, f"{name} is no list.")
    return [_text(name, one) for one in value]


def _time(name: str, value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(_text(name, value))
    except ValueError:
        raise RefusedError(400, f"{name} is no time.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
