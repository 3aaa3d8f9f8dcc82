"""Converts one record of Better Stack's monitors or heartbeats to a `Monitor`. Pure.

Only its id must be readable; anything else that is missing or odd counts as absent. A monitor's attributes may hold
passwords, headers, scripts and what is sent along, and the address of a heartbeat is a secret: whoever has it can make
a dead job look well. So nothing of them is kept but name, team, status, times and a monitor's address without user and
password; of every attribute that people set there is a digest, which shows that it changed and not what it is.
"""

import json
import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from daemon.clients.record_fields import parts_of, time_of
from daemon.model.monitor import Monitor, MonitorKind

MOST_ATTRIBUTES = 200
"""Several times as many as are documented."""
LONGEST_KEY = 100
"""Characters of the name of an attribute."""
LONGEST_TEXT = 1000
"""Characters of a name or an address; the rest is cut off."""
DIGEST_SIZE = 4
"""Bytes. A change is missed once in four billion times, and too little is left to find a good password by."""
_BY_ITSELF = {"status", "paused", "sort_index"}
"""What says how it is, not what it is; the index moves when another one is dragged. Times, `…_at`, are left out too."""
_USER = re.compile(r"^((?:[a-z][a-z0-9+.-]*:)?//|)[^/?#]*@", re.IGNORECASE)
"""What precedes the host of an address, up to the sign after user and password."""


def read_monitor(kind: MonitorKind, record: object) -> Monitor:
    """Reads one record of the API. Raises `ValueError` if its id cannot be read, or if it is too large."""
    monitor_id, attributes, _ = parts_of(record, kind)
    if len(attributes) > MOST_ATTRIBUTES:
        raise ValueError(f"{kind} {monitor_id} has more than {MOST_ATTRIBUTES} attributes")
    if any(len(key) > LONGEST_KEY for key in attributes):
        raise ValueError(f"{kind} {monitor_id} has an attribute whose name is longer than {LONGEST_KEY} characters")
    url = _address(attributes) if kind is MonitorKind.MONITOR else ""
    names = ("pronounceable_name", "name") if kind is MonitorKind.MONITOR else ("name", "pronounceable_name")
    return Monitor(
        kind=kind,
        id=monitor_id,
        name=next(filter(None, (_text(attributes, key) for key in names)), url),
        url=url,
        team_name=_text(attributes, "team_name"),
        status=_text(attributes, "status").lower(),
        paused_at=time_of(attributes.get("paused_at")),
        created_at=time_of(attributes.get("created_at")),
        updated_at=time_of(attributes.get("updated_at")),
        configuration=_configuration(f"{kind} {monitor_id}", attributes),
    )


def _configuration(whose: str, attributes: Mapping[str, Any]) -> dict[str, str]:
    """Raises `ValueError`."""
    try:
        return {
            key: _digest(f"{whose} {key}", value)
            for key, value in sorted(attributes.items())
            if key not in _BY_ITSELF and not key.endswith("_at")
        }
    except RecursionError:
        raise ValueError(f"{whose} has an attribute that is nested too deeply") from None


def _digest(where: str, value: object) -> str:
    """The same value somewhere else has another one, so nobody sees that two monitors share a password."""
    canonical = json.dumps([where, value], sort_keys=True, separators=(",", ":"))
    return blake2b(canonical.encode("ascii"), digest_size=DIGEST_SIZE).hexdigest()


def _address(attributes: Mapping[str, Any]) -> str:
    url = attributes.get("url")
    return _cut(_USER.sub(r"\1", url.strip())) if isinstance(url, str) else ""


def _text(attributes: Mapping[str, Any], key: str) -> str:
    value = attributes.get(key)
    return _cut(value.strip()) if isinstance(value, str) else ""


def _cut(text: str) -> str:
    return text[:LONGEST_TEXT]
