"""Values to begin a test with. Each has sensible defaults, so that a test names only what it is about."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from daemon.clients.records import read_incident
from daemon.config.settings import Settings
from daemon.config.validate import validated
from daemon.model.errors import ConfigError
from daemon.model.incident import Incident, IncidentState, Phase, Progress, RoundStart

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def ago(**span: float) -> datetime:
    """So long before `NOW`."""
    return NOW - timedelta(**span)


def record(incident_id: str = "1026034957", **attributes: Any) -> dict[str, Any]:
    """A record as the incidents API gives it. A time may be given as `datetime`; `...` leaves an attribute out."""
    whole = {
        "name": "Shop front page",
        "url": "https://shop.example.com/",
        "http_method": "get",
        "cause": "Status 503",
        "started_at": ago(minutes=5),
        "acknowledged_at": None,
        "acknowledged_by": None,
        "resolved_at": None,
        "resolved_by": None,
        "status": "Started",
        "team_name": "Operations",
        "response_content": None,
        "metadata": {},
        **attributes,
    }
    shown = {key: _spelled(value) for key, value in whole.items() if value is not ...}
    return {"id": incident_id, "type": "incident", "attributes": shown, "relationships": {}}


def incident(incident_id: str = "1026034957", **attributes: Any) -> Incident:
    """What the program makes of such a record."""
    return read_incident(record(incident_id, **attributes))


def recorded(incident_id: str = "1026034957", **changes: Any) -> IncidentState:
    """An open incident that was told of, as the database holds it."""
    values: dict[str, Any] = {
        "external_id": incident_id,
        "generation": 1,
        "phase": Phase.OPEN,
        "alerted": True,
        "status": "Started",
        "name": "Shop front page",
        "cause": "Status 503",
        "url": "https://shop.example.com/",
        "started_at": ago(minutes=5),
        "acknowledged_at": None,
        "resolved_at": None,
        "reopened_at": None,
    }
    return IncidentState(id=incident_id, **{**values, **changes})


def started(*tracked: str, vanished: Iterable[str] = ()) -> RoundStart:
    """What a round begins with that knows these incidents."""
    return RoundStart(Progress(None, None, None), frozenset(tracked), frozenset(vanished), frozenset(), {})


def settings(database: Path | None = None, **sections: Mapping[str, Any] | list[Any]) -> Settings:
    """Valid settings; `sections` are laid over them, e.g. `settings(poll={"interval": "1s"})`. Rules are lists."""
    values: dict[str, Any] = {
        "betterstack": {"token": "a-token-of-better-stack"},
        "signl4": {"secret": "96sbq49u"},
        "database": {"url": f"sqlite:///{database}"} if database else {},
    }
    for section, keys in sections.items():
        values[section] = keys if isinstance(keys, list) else {**values.get(section, {}), **keys}
    return validated(values, {})


def mistake(section: str, key: str, value: object) -> str | None:
    """What is said of a value of the configuration, without its key; `None` if it is taken."""
    needed = {"betterstack": {"token": "token1"}, "signl4": {"secret": "secret1"}}
    try:
        validated({**needed, section: {**needed.get(section, {}), key: value}}, {})
    except ConfigError as error:
        [sentence] = error.problems
        shown = f"{section}.{key} ({str(value)[:80]!r}) "
        return sentence.removeprefix(shown).removeprefix(f"{section}.{key} ")
    return None


def body(value: object) -> bytes:
    """The JSON body of an answer."""
    return json.dumps(value).encode()


def _spelled(value: object) -> object:
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z") if isinstance(value, datetime) else value
