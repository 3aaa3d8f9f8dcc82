"""What raised an incident, wherever its record says so."""

from itertools import product
from typing import Any

from daemon.clients.records import read_incident
from tests.support.each import each
from tests.support.values import record


def source_of(relationships: Any = ..., **attributes: Any) -> tuple[str, str]:
    """What such a record names as its source, and the id of that."""
    whole = record(**attributes)
    if relationships is ...:
        del whole["relationships"]
    else:
        whole["relationships"] = relationships
    incident = read_incident(whole)
    assert incident.monitor_id == (incident.source_id if incident.source == "monitor" else "")
    return incident.source, incident.source_id


def related(**ids: object) -> dict[str, Any]:
    """Relationships as the API gives them."""
    return {name: {"data": {"id": given, "type": name}} for name, given in ids.items()}


SOURCES = [
    (related(monitor="2345678"), {}, ("monitor", "2345678")),
    (related(monitor=2345678), {}, ("monitor", "2345678")),
    (related(monitor="2345678"), {"monitor_id": "7", "heartbeat_id": "8"}, ("monitor", "2345678")),
    (related(heartbeat="77"), {}, ("heartbeat", "77")),
    (related(heartbeat="77"), {"monitor_id": "7"}, ("heartbeat", "77")),
    (related(webhook_integration="5"), {}, ("webhook_integration", "5")),
    (related(email_integration=5), {}, ("email_integration", "5")),
    (related(webhook_integration="5", heartbeat="77", monitor="2"), {}, ("monitor", "2")),
    (related(webhook_integration="5", heartbeat="77"), {}, ("heartbeat", "77")),
    (related(webhook_integration="5", email_integration="6"), {}, ("email_integration", "6")),
    (related(webhook_integration="5", email_integration=None), {}, ("webhook_integration", "5")),
    (related(cron_job="9"), {}, ("", "")),
    ({}, {"monitor_id": "7"}, ("monitor", "7")),
    (..., {"monitor_id": 7, "heartbeat_id": 8}, ("monitor", "7")),
    ({"monitor": {"data": None}}, {"heartbeat_id": 8}, ("heartbeat", "8")),
]


@each(("relationships", "attributes", "source"), SOURCES)
def test_what_raised_an_incident(relationships: Any, attributes: dict[str, Any], source: tuple[str, str]) -> None:
    assert source_of(relationships, **attributes) == source


NO_IDS = [{"data": {"id": given}} for given in (None, True, ["7"], 1.5, {"a": 1}, "")]
ODD: list[Any] = [
    *(..., None, [], "monitor", 7, {}, {"data": None}, {"data": []}, {"data": "7"}, {"data": {}}),
    *NO_IDS,
]


@each(("name", "odd"), product(("monitor", "heartbeat", "webhook_integration"), ODD))
def test_what_is_no_id_is_none(name: str, odd: Any) -> None:
    assert source_of({} if odd is ... else {name: odd}) == ("", "")
    assert source_of(odd, monitor_id=None, heartbeat_id={"a": 1}) == ("", "")
